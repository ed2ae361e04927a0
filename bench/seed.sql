-- A business that has been running for a while, written by the superuser with triggers off: what the
-- triggers would have checked is asked of the result by every invariant. Parameters come from bench/seeds.py.
-- Member k has card k of the group's program with two lots, filled by one top-up; every round since
-- then each member has paid one yuan somewhere, one after the other: no hour of a day is quiet. Tokens: bench-member-<k>, bench-till-<store>.

INSERT INTO merchant (id, code, name, commission_bp) OVERRIDING SYSTEM VALUE
SELECT i + 1, 'bench' || i, '压测商户' || i, 60 FROM generate_series(1, %(merchants)s) i;

INSERT INTO store (id, merchant_id, code, name) OVERRIDING SYSTEM VALUE
SELECT i, 2 + (i - 1) %% %(merchants)s, 's' || i, '压测门店' || i FROM generate_series(1, %(stores)s) i;

INSERT INTO pay_point (id, merchant_id, store_id, token) OVERRIDING SYSTEM VALUE
SELECT id, merchant_id, id, 'bench-point-' || id FROM store;

INSERT INTO ab_user (id, first_name, last_name, username, email, active)
SELECT id, 'till', '', 'till' || id, 'till' || id || '@bench.invalid', true FROM store;

INSERT INTO staff (id, merchant_id, store_id, user_id, name, role, daily_cash_limit_fen)
OVERRIDING SYSTEM VALUE
SELECT id, merchant_id, id, id, 'till' || id, 'cashier', 1000000000 FROM store;

INSERT INTO card_program (id, merchant_id, code, name, is_default, bonus_bearer) OVERRIDING SYSTEM VALUE
VALUES (1, 1, 'group', '压测储值卡', true, 'platform');
INSERT INTO program_acceptance (program_id, merchant_id)
SELECT 1, i + 1 FROM generate_series(1, %(merchants)s) i;

INSERT INTO access_token (token_digest, member_id, expires_at)
SELECT sha256(convert_to('bench-member-' || id, 'UTF8')), id, '2100-01-01' FROM member ORDER BY id;
INSERT INTO access_token (token_digest, staff_id, expires_at)
SELECT sha256(convert_to('bench-till-' || id, 'UTF8')), id, '2100-01-01' FROM staff;

INSERT INTO member_identity (member_id, appid, openid)
SELECT id, %(appid)s, 'o-bench-' || id FROM member ORDER BY id;
INSERT INTO member_merchant (member_id, merchant_id)
SELECT m.id, i + 1 FROM member m, generate_series(1, %(merchants)s) i;

INSERT INTO card (id, merchant_id, program_id, member_id, card_no, balance_fen) OVERRIDING SYSTEM VALUE
SELECT id, 1, 1, id, kaquan.document_no('9', id, %(began_at)s), 450000 - %(rounds)s * 100
FROM member ORDER BY id;
INSERT INTO lot (id, merchant_id, card_id, kind, original_fen, remaining_fen, gifts_left)
OVERRIDING SYSTEM VALUE
SELECT 2 * id - half, 1, id, CASE half WHEN 1 THEN 'principal' ELSE 'bonus' END,
       CASE half WHEN 1 THEN 400000 ELSE 50000 END,
       CASE half WHEN 1 THEN 400000 - %(rounds)s * 100 ELSE 50000 END, half * 2
FROM card, unnest(ARRAY[1, 0]) half ORDER BY 1;
INSERT INTO top_up (id, top_up_no, merchant_id, program_id, channel, status, amount_fen, bonus_fen,
                    member_id, payer_id, card_id, created_at, paid_at, credited_at) OVERRIDING SYSTEM VALUE
SELECT id, kaquan.document_no('T', id, %(began_at)s), 1, 1, 'wechat', 'credited', 400000, 50000,
       id, id, id, %(began_at)s, %(began_at)s, %(began_at)s
FROM card ORDER BY id;
INSERT INTO journal_entry (id, kind, reference, occurred_at) OVERRIDING SYSTEM VALUE
SELECT id, 'top_up_wechat', 'top-up:' || id || ':credited', %(began_at)s FROM card ORDER BY id;
INSERT INTO posting (entry_id, occurred_at, account, amount_fen, merchant_id, card_id, lot_id, top_up_id)
SELECT c.id, %(began_at)s, leg.account, leg.amount_fen, 1,
       CASE leg.account WHEN 'card' THEN c.id END, 2 * c.id - leg.half, c.id
FROM card c, (VALUES ('bank:wechat', 400000, NULL), ('expense:bonus', 50000, NULL),
                     ('card', -400000, 1), ('card', -50000, 0)) leg (account, amount_fen, half)
ORDER BY c.id;

INSERT INTO payment (id, payment_no, merchant_id, store_id, pay_point_id, member_id, status, amount_fen,
                     card_fen, wechat_fen, commission_bp, commission_fen, created_at, paid_at)
OVERRIDING SYSTEM VALUE
SELECT p.id, kaquan.document_no('P', p.id, p.at), s.merchant_id, s.id, s.id, p.member_id, 'paid', 100,
       100, 0, 60, 1, p.at, p.at
FROM (SELECT (r - 1) * %(members)s + k AS id, k AS member_id, %(began_at)s + (r + k::numeric / %(members)s) * %(every_hours)s * interval '1 hour' AS at,
             1 + (k * 7 + r * 13) %% %(stores)s AS store_id
      FROM generate_series(1, %(rounds)s) r, generate_series(1, %(members)s) k) p
JOIN store s ON s.id = p.store_id;
INSERT INTO journal_entry (id, kind, reference, occurred_at) OVERRIDING SYSTEM VALUE
SELECT %(members)s + id, 'payment', 'payment:' || id || ':ended', paid_at FROM payment ORDER BY id;
INSERT INTO posting (entry_id, occurred_at, account, amount_fen, merchant_id, store_id, card_id, lot_id,
                     payment_id)
SELECT %(members)s + p.id, p.paid_at, leg.account, leg.amount_fen,
       CASE leg.account WHEN 'payable:merchant' THEN p.merchant_id ELSE 1 END,
       CASE leg.account WHEN 'payable:merchant' THEN p.store_id END,
       CASE leg.account WHEN 'card' THEN p.member_id END,
       CASE leg.account WHEN 'card' THEN 2 * p.member_id - 1 END, p.id
FROM payment p, (VALUES ('card', 100), ('payable:merchant', -99), ('income:commission', -1))
                leg (account, amount_fen);

INSERT INTO voucher_batch (id, merchant_id, batch_no, name, kind, status, face_value_fen, sale_price_fen,
                           quantity, created_by_id, approved_by_id) OVERRIDING SYSTEM VALUE
SELECT 1, 2, 'BENCH1', '压测券', 'payment', 'printed', 1000, 1000, %(vouchers)s, 1, 2 WHERE %(vouchers)s > 0;
INSERT INTO batch_acceptance (batch_id, merchant_id)
SELECT 1, i + 1 FROM generate_series(1, %(merchants)s) i WHERE %(vouchers)s > 0;
INSERT INTO voucher (id, merchant_id, batch_id, serial_no, code_digest, key_version, code_last4,
                     face_value_fen, status, activated_at) OVERRIDING SYSTEM VALUE
SELECT n, 2, 1, 'BENCH' || n, code_digest, 1, code_last4, 1000, 'active', %(began_at)s
FROM bench_code ORDER BY n;
WITH entry AS (
    INSERT INTO journal_entry (id, kind, reference, occurred_at) OVERRIDING SYSTEM VALUE
    SELECT %(members)s * (%(rounds)s + 1) + 1, 'vouchers_activated', 'voucher:1:activated', %(began_at)s
    WHERE %(vouchers)s > 0 RETURNING id)
INSERT INTO posting (entry_id, occurred_at, account, amount_fen, merchant_id, batch_id)
SELECT entry.id, %(began_at)s, leg.account, leg.sign * 1000 * %(vouchers)s, 2, 1
FROM entry, (VALUES ('receivable:voucher-sales', 1), ('voucher', -1)) leg (account, sign);
