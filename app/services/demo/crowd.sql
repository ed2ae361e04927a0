-- Many merchants, stores, members and cards of the group's program, each filled by one top-up. The members
-- stand in crowd_member (n from 1). Everything gets ids after a base, so that it fits beside what is there.

INSERT INTO merchant (id, code, name, commission_bp, created_at) OVERRIDING SYSTEM VALUE
SELECT %(merchant)s + i, %(code)s || i, '压测商户' || i, 60, %(began_at)s FROM generate_series(1, %(merchants)s) i;

INSERT INTO store (id, merchant_id, code, name, created_at) OVERRIDING SYSTEM VALUE
SELECT %(store)s + i, %(merchant)s + 1 + (i - 1) %% %(merchants)s, 's' || i, '压测门店' || i, %(began_at)s
FROM generate_series(1, %(stores)s) i;

INSERT INTO pay_point (id, merchant_id, store_id, token) OVERRIDING SYSTEM VALUE
SELECT %(pay_point)s + i, %(merchant)s + 1 + (i - 1) %% %(merchants)s, %(store)s + i, %(code)s || '-point-' || i
FROM generate_series(1, %(stores)s) i;

INSERT INTO program_acceptance (program_id, merchant_id)
SELECT %(program_id)s, %(merchant)s + i FROM generate_series(1, %(merchants)s) i;

INSERT INTO member (id, nickname, phone_sealed, phone_digest, phone_masked, created_at) OVERRIDING SYSTEM VALUE
SELECT %(member)s + n, '压测' || n, phone_sealed, phone_digest, phone_masked, %(began_at)s
FROM crowd_member ORDER BY n;

-- Empty until its entry is booked below; the balance is what the payments will have left.
INSERT INTO card (id, merchant_id, program_id, member_id, card_no, balance_fen, created_at) OVERRIDING SYSTEM VALUE
SELECT %(card)s + n, 1, %(program_id)s, %(member)s + n, kaquan.document_no('9', %(card)s + n, %(began_at)s),
       450000 - spent.fen, %(began_at)s
FROM crowd_member, LATERAL (
    SELECT coalesce(sum(%(least_fen)s + (i * 7919) %% %(span_fen)s), 0)::bigint AS fen
    FROM generate_series(n, %(payments)s, %(members)s) i) spent ORDER BY n;
INSERT INTO lot (id, merchant_id, card_id, kind, original_fen, remaining_fen, gifts_left, created_at)
OVERRIDING SYSTEM VALUE
SELECT %(lot)s + 2 * (id - %(card)s) - half, 1, id, CASE half WHEN 1 THEN 'principal' ELSE 'bonus' END,
       CASE half WHEN 1 THEN 400000 ELSE 50000 END,
       CASE half WHEN 1 THEN balance_fen - 50000 ELSE 50000 END, half * 2, %(began_at)s
FROM card, unnest(ARRAY[1, 0]) half WHERE id > %(card)s AND id <= %(card)s + %(members)s ORDER BY 1;

INSERT INTO top_up (id, top_up_no, merchant_id, program_id, channel, status, amount_fen, bonus_fen,
                    member_id, payer_id, card_id, created_at, paid_at, credited_at) OVERRIDING SYSTEM VALUE
SELECT %(top_up)s + n, kaquan.document_no('T', %(top_up)s + n, %(began_at)s), 1, %(program_id)s, 'wechat',
       'credited', 400000, 50000, %(member)s + n, %(member)s + n, %(card)s + n, %(began_at)s, %(began_at)s,
       %(began_at)s
FROM generate_series(1, %(members)s) n;
INSERT INTO journal_entry (id, kind, reference, occurred_at) OVERRIDING SYSTEM VALUE
SELECT %(journal_entry)s + n, 'top_up_wechat', 'top-up:' || %(top_up)s + n || ':credited', %(began_at)s
FROM generate_series(1, %(members)s) n;
INSERT INTO posting (entry_id, occurred_at, account, amount_fen, merchant_id, card_id, lot_id, top_up_id)
SELECT %(journal_entry)s + n, %(began_at)s, leg.account, leg.amount_fen, 1,
       CASE leg.account WHEN 'card' THEN %(card)s + n END, %(lot)s + 2 * n - leg.half, %(top_up)s + n
FROM generate_series(1, %(members)s) n,
     (VALUES ('bank:wechat', 400000, NULL), ('expense:bonus', 50000, NULL),
             ('card', -400000, 1), ('card', -50000, 0)) leg (account, amount_fen, half)
ORDER BY n;
