"""S1: what is settled is on exactly one statement or still open, and statements add up."""

from __future__ import annotations

# Bad is: a line that is no such posting or says another amount; a posting that a closing should
# have taken and did not; a statement whose totals are not those of its lines and sums, or whose
# opening is not what was carried into it; a payout that is not what its statements say.
S1 = """
WITH RECURSIVE business AS (
    SELECT p.id, p.merchant_id, p.store_id, p.account, p.amount_fen, p.occurred_at
    FROM posting p JOIN journal_entry e ON e.id = p.entry_id
    WHERE p.account IN ('payable:merchant', 'cash:store') AND e.kind <> 'statement_paid'),
drawn AS (SELECT * FROM statement WHERE status <> 'collecting'),
wrong_line AS (
    SELECT count(*) AS bad FROM statement_line l
    LEFT JOIN business b ON b.id = l.id AND b.merchant_id = l.merchant_id
        AND b.store_id IS NOT DISTINCT FROM l.store_id AND b.amount_fen = -l.amount_fen
        AND (b.account = 'cash:store') = (l.kind = 'cash')
    LEFT JOIN statement s ON s.id = l.statement_id AND s.merchant_id = l.merchant_id
    WHERE b.id IS NULL OR s.id IS NULL),
left_behind AS (
    SELECT count(*) AS bad FROM business b
    JOIN (SELECT merchant_id, max(watermark) AS watermark,
                 max(period_last_on) AS last_on FROM drawn GROUP BY merchant_id) s
        ON s.merchant_id = b.merchant_id AND b.id <= s.watermark
        AND b.occurred_at < ((s.last_on + 1)::timestamp AT TIME ZONE 'Asia/Shanghai')
    WHERE NOT EXISTS (SELECT FROM statement_line l WHERE l.id = b.id)),
lines AS (
    SELECT statement_id, count(*) AS n, sum(amount_fen) AS fen, sum(cash_fen) AS cash_fen,
           count(*) FILTER (WHERE is_late) AS late
    FROM statement_line GROUP BY statement_id),
sums AS (SELECT statement_id, sum(amount_fen) AS fen FROM statement_sum GROUP BY statement_id),
carried AS (
    SELECT carried_into_id AS id, sum(due_fen) AS fen FROM drawn
    WHERE carried_into_id IS NOT NULL GROUP BY carried_into_id),
wrong_total AS (
    SELECT count(*) AS bad FROM drawn s
    LEFT JOIN lines l ON l.statement_id = s.id LEFT JOIN sums m ON m.statement_id = s.id
    LEFT JOIN carried c ON c.id = s.id
    WHERE s.line_count <> coalesce(l.n, 0) OR s.late_count <> coalesce(l.late, 0)
       OR s.earned_fen + s.cash_fen <> coalesce(l.fen, 0) OR s.cash_fen <> coalesce(l.cash_fen, 0)
       OR coalesce(l.fen, 0) <> coalesce(m.fen, 0) OR s.opening_fen <> coalesce(c.fen, 0)),
chain AS (
    SELECT id AS paid_id, id, earned_fen, cash_fen FROM drawn WHERE status = 'paid'
    UNION ALL
    SELECT c.paid_id, s.id, s.earned_fen, s.cash_fen
    FROM drawn s JOIN chain c ON s.carried_into_id = c.id),
owed AS (
    SELECT paid_id, sum(earned_fen) AS earned_fen, sum(cash_fen) AS cash_fen
    FROM chain GROUP BY paid_id),
wrong_payout AS (
    SELECT count(*) AS bad
    FROM drawn s JOIN owed o ON o.paid_id = s.id
    LEFT JOIN LATERAL (
        SELECT sum(p.amount_fen) FILTER (WHERE p.account = 'payable:merchant'
                                         AND p.merchant_id = s.merchant_id) AS payable_fen,
               sum(p.amount_fen) FILTER (WHERE p.account = 'cash:store') AS cash_fen,
               sum(p.amount_fen) FILTER (WHERE p.account = 'bank:payout') AS bank_fen
        FROM posting p WHERE p.entry_id = s.paid_entry_id) e ON true
    WHERE coalesce(e.payable_fen, 0) <> o.earned_fen OR coalesce(e.cash_fen, 0) <> o.cash_fen
       OR coalesce(e.bank_fen, 0) <> -s.due_fen)
SELECT (SELECT count(*) FROM business) AS checked,
       (SELECT bad FROM wrong_line) + (SELECT bad FROM left_behind)
       + (SELECT bad FROM wrong_total) + (SELECT bad FROM wrong_payout) AS bad
"""
