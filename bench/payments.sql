-- Payments and nothing else, for lists and exports: as many as asked for, evenly over three hundred
-- days. No card was charged for them: the books of this database are not asked for.
INSERT INTO payment (id, payment_no, merchant_id, store_id, pay_point_id, member_id, status, amount_fen,
                     card_fen, wechat_fen, commission_bp, commission_fen, created_at, paid_at)
OVERRIDING SYSTEM VALUE
SELECT n, 'PB' || lpad(n::text, 14, '0'), s.merchant_id, s.id, s.id, 1 + n %% %(members)s, 'paid',
       100 + n %% 900, CASE n %% 3 WHEN 0 THEN 0 ELSE 100 + n %% 900 END,
       CASE n %% 3 WHEN 0 THEN 100 + n %% 900 ELSE 0 END, 60, 1, at, at + interval '1 second'
FROM (SELECT n, 1 + (n * 7 + n / 1000) %% %(stores)s AS store_id,
             %(began_at)s + n * (interval '300 days' / %(payments)s) AS at
      FROM generate_series(1, %(payments)s) n) p
JOIN store s ON s.id = p.store_id ORDER BY n;

-- Somebody at the operator's desk to look at them. The password is bench/reading.py's.
INSERT INTO ab_user (id, first_name, last_name, username, password, email, active)
VALUES (1000001, 'desk', '', 'bench-desk', %(password)s, 'desk@bench.invalid', true);
INSERT INTO staff (id, merchant_id, user_id, name, role) OVERRIDING SYSTEM VALUE
VALUES (1000001, 1, 1000001, 'desk', 'platform_finance');
