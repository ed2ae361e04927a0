-- Payments number %(first)s to %(last)s of the crowd: one member after the other, at one store after the
-- other, one instant after the other, so that ids and times rise together.

CREATE TEMP TABLE crowd_payment ON COMMIT DROP AS
SELECT p.*, s.merchant_id, kaquan.commission(p.amount_fen, 60) AS commission_fen
FROM (SELECT i, %(payment)s + i AS id, 1 + (i - 1) %% %(members)s AS n,
             %(began_at)s + %(step)s * i AS at, %(least_fen)s + (i * 7919) %% %(span_fen)s AS amount_fen,
             1 + (i * 7 + (i - 1) / %(members)s * 13) %% %(stores)s AS at_store
      FROM generate_series(%(first)s::bigint, %(last)s::bigint) i) p
JOIN store s ON s.id = %(store)s + p.at_store;

INSERT INTO payment (id, payment_no, merchant_id, store_id, pay_point_id, member_id, status, amount_fen,
                     card_fen, wechat_fen, commission_bp, commission_fen, created_at, paid_at)
OVERRIDING SYSTEM VALUE
SELECT id, kaquan.document_no('P', id, at), merchant_id, %(store)s + at_store, %(pay_point)s + at_store,
       %(member)s + n, 'paid', amount_fen, amount_fen, 0, 60, commission_fen, at, at
FROM crowd_payment ORDER BY i;
INSERT INTO journal_entry (id, kind, reference, occurred_at) OVERRIDING SYSTEM VALUE
SELECT %(journal_entry)s + %(members)s + i, 'payment', 'payment:' || id || ':ended', at
FROM crowd_payment ORDER BY i;
INSERT INTO posting (entry_id, occurred_at, account, amount_fen, merchant_id, store_id, card_id, lot_id,
                     payment_id)
SELECT %(journal_entry)s + %(members)s + i, at, leg.account,
       CASE leg.account WHEN 'card' THEN amount_fen WHEN 'payable:merchant' THEN commission_fen - amount_fen
            ELSE -commission_fen END,
       CASE leg.account WHEN 'payable:merchant' THEN merchant_id ELSE 1 END,
       CASE leg.account WHEN 'payable:merchant' THEN %(store)s + at_store END,
       CASE leg.account WHEN 'card' THEN %(card)s + n END,
       CASE leg.account WHEN 'card' THEN %(lot)s + 2 * n - 1 END, id
FROM crowd_payment, (VALUES ('card'), ('payable:merchant'), ('income:commission')) leg (account)
WHERE leg.account <> 'income:commission' OR commission_fen > 0
ORDER BY i;
INSERT INTO member_merchant (member_id, merchant_id, first_seen_at)
SELECT %(member)s + n, merchant_id, min(at) FROM crowd_payment GROUP BY n, merchant_id ON CONFLICT DO NOTHING;
DROP TABLE crowd_payment;
