"""The statements behind the reports. Each reads in the reader's scope: the wall is PostgreSQL's.

``:since`` and ``:until`` are local midnights; ``:merchant_id`` and ``:store_id`` may be null. What
is summed by the hour already comes from the hourly figures, what is younger from the rows.
"""

from __future__ import annotations

_MARKED = """
    SELECT folded_until, tail_id FROM rollup_mark m WHERE m.source = '{source}'
       AND NOT EXISTS (SELECT FROM rollup_dirty d WHERE d.source = m.source)"""

# Payments and redemptions by hour, store and tender; in amounts gross, refunds stand elsewhere.
TAKEN = f"""
    paid_mark AS ({_MARKED.format(source="payment_paid")}),
    paper_mark AS ({_MARKED.format(source="redemption")}),
    taken AS (
        SELECT h.hour AS at, h.merchant_id, h.store_id, h.kind AS tender, h.events, h.card_fen,
               h.wechat_fen, 0::bigint AS paper_fen, h.commission_fen
          FROM hourly_rollup h, paid_mark k
         WHERE h.source = 'payment_paid' AND h.hour >= :since
           AND h.hour < least(cast(:until AS timestamptz), k.folded_until)
        UNION ALL
        SELECT paid_at, merchant_id, store_id,
               CASE WHEN wechat_fen = 0 THEN 'card' WHEN card_fen = 0 THEN 'wechat'
                    ELSE 'combined' END, 1, card_fen, wechat_fen, 0, commission_fen
          FROM payment
         WHERE paid_at >= greatest(cast(:since AS timestamptz),
                                   coalesce((SELECT folded_until FROM paid_mark), '-infinity'))
           AND paid_at < :until AND id >= coalesce((SELECT tail_id FROM paid_mark), 0)
        UNION ALL
        SELECT h.hour, h.merchant_id, h.store_id, 'voucher', h.events, 0, 0, h.amount_fen,
               h.commission_fen
          FROM hourly_rollup h, paper_mark k
         WHERE h.source = 'redemption' AND h.hour >= :since
           AND h.hour < least(cast(:until AS timestamptz), k.folded_until)
        UNION ALL
        SELECT redeemed_at, merchant_id, store_id, 'voucher', 1, 0, 0, face_value_fen,
               commission_fen
          FROM redemption
         WHERE redeemed_at >= greatest(cast(:since AS timestamptz),
                                       coalesce((SELECT folded_until FROM paper_mark), '-infinity'))
           AND redeemed_at < :until AND id >= coalesce((SELECT tail_id FROM paper_mark), 0)
    )"""  # noqa: S608 - made of constants

GROUPS = {
    "day": "to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')",
    "week": "to_char(at AT TIME ZONE 'Asia/Shanghai', 'IYYY-\"W\"IW')",
    "month": "to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM')",
    "hour": "to_char(at AT TIME ZONE 'Asia/Shanghai', 'HH24:00')",
    "tender": "tender",
    "store": "(SELECT s.name FROM store s WHERE s.id = store_id)",
    "merchant": "(SELECT m.name FROM merchant m WHERE m.id = taken.merchant_id)",
}


def takings(group: str) -> str:
    """Takings by one of ``GROUPS``."""
    return f"""
    WITH {TAKEN}
    SELECT {GROUPS[group]} AS label, sum(events)::bigint, sum(card_fen)::bigint,
           sum(wechat_fen)::bigint, sum(paper_fen)::bigint,
           sum(card_fen + wechat_fen + paper_fen)::bigint, sum(commission_fen)::bigint
      FROM taken
     WHERE (cast(:merchant_id AS bigint) IS NULL OR merchant_id = :merchant_id)
       AND (cast(:store_id AS bigint) IS NULL OR store_id = :store_id)
     GROUP BY 1 ORDER BY 1"""  # noqa: S608 - made of constants


BY_CASHIER = """
    SELECT coalesce(s.name, '') AS label, count(*), sum(t.card_fen)::bigint,
           sum(t.wechat_fen)::bigint, sum(t.paper_fen)::bigint,
           sum(t.card_fen + t.wechat_fen + t.paper_fen)::bigint, sum(t.commission_fen)::bigint
      FROM (SELECT staff_id, merchant_id, store_id, card_fen, wechat_fen, 0 AS paper_fen,
                   commission_fen FROM payment WHERE paid_at >= :since AND paid_at < :until
            UNION ALL
            SELECT staff_id, merchant_id, store_id, 0, 0, face_value_fen, commission_fen
              FROM redemption WHERE redeemed_at >= :since AND redeemed_at < :until) t
      LEFT JOIN staff s ON s.id = t.staff_id
     WHERE (cast(:merchant_id AS bigint) IS NULL OR t.merchant_id = :merchant_id)
       AND (cast(:store_id AS bigint) IS NULL OR t.store_id = :store_id)
     GROUP BY 1 ORDER BY 6 DESC"""

TOP_UPS = """
    SELECT label, channel, CASE WHEN threshold IS NULL THEN '' ELSE threshold::text END,
           sum(n)::bigint, sum(fen)::bigint, sum(bonus)::bigint FROM (
        SELECT p.name AS label, t.channel, 1 AS n, t.amount_fen AS fen, t.bonus_fen AS bonus,
               (SELECT max(b.threshold_fen) / 100 FROM bonus_tier b
                 WHERE b.program_id = t.program_id AND b.threshold_fen <= t.amount_fen
                   AND t.bonus_fen > 0) AS threshold
          FROM top_up t LEFT JOIN card_program p ON p.id = t.program_id
         WHERE t.credited_at >= :since AND t.credited_at < :until
           AND (cast(:merchant_id AS bigint) IS NULL OR t.merchant_id = :merchant_id)
           AND (cast(:store_id AS bigint) IS NULL OR t.store_id = :store_id)
    ) tiers GROUP BY label, channel, threshold ORDER BY label, channel, threshold"""

# What is owed to holders, by issuer and program or paper. What is still held for a payment counts
# as used; what comes back as less used. Anything else stands in "other", so that it always adds up.
LIABILITY = """
    WITH moved AS (
        SELECT p.merchant_id, coalesce(g.name, CASE p.account WHEN 'voucher' THEN b.name
                                                             ELSE '' END) AS item,
               e.kind AS event, p.occurred_at, -p.amount_fen AS fen
          FROM posting p JOIN journal_entry e ON e.id = p.entry_id
          LEFT JOIN card c ON c.id = p.card_id
          LEFT JOIN card_program g ON g.id = c.program_id
          LEFT JOIN voucher_batch b ON b.id = p.batch_id
         WHERE p.account IN ('card', 'gift', 'voucher') AND p.occurred_at < :until
           AND (cast(:merchant_id AS bigint) IS NULL OR p.merchant_id = :merchant_id)
    )
    SELECT m.name AS label, item,
           sum(fen) FILTER (WHERE occurred_at < :since)::bigint,
           sum(fen) FILTER (WHERE now_in AND event LIKE ANY (ARRAY['top_up%', 'vouchers_activated',
               'vouchers_imported', 'vouchers_sold_at_till']))::bigint,
           -sum(fen) FILTER (WHERE now_in AND event LIKE ANY (ARRAY['payment%', 'redemption%',
               'refund_card']))::bigint,
           -sum(fen) FILTER (WHERE now_in AND event IN ('lot_expired', 'vouchers_expired'))::bigint,
           -sum(fen) FILTER (WHERE now_in
               AND event IN ('card_returned', 'vouchers_voided'))::bigint,
           sum(fen) FILTER (WHERE now_in AND NOT event LIKE ANY (ARRAY['top_up%',
               'vouchers_activated', 'vouchers_imported', 'vouchers_sold_at_till', 'payment%',
               'redemption%', 'refund_card', 'lot_expired', 'vouchers_expired', 'card_returned',
               'vouchers_voided']))::bigint,
           sum(fen)::bigint
      FROM (SELECT *, occurred_at >= :since AS now_in FROM moved) x
      LEFT JOIN merchant m ON m.id = x.merchant_id
     GROUP BY 1, 2 ORDER BY 1, 2"""

BREAKAGE = """
    SELECT to_char(p.occurred_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM') AS label, e.kind,
           count(*), -sum(p.amount_fen)::bigint
      FROM posting p JOIN journal_entry e ON e.id = p.entry_id
     WHERE p.account = 'income:breakage' AND p.merchant_id = 1
       AND p.occurred_at >= :since AND p.occurred_at < :until
     GROUP BY 1, 2 ORDER BY 1, 2"""

GIFTS = """
    SELECT to_char(created_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD') AS label, count(*),
           sum(amount_fen)::bigint, count(*) FILTER (WHERE status = 'claimed'),
           coalesce(sum(amount_fen) FILTER (WHERE status = 'claimed'), 0)::bigint,
           count(*) FILTER (WHERE status IN ('returned', 'revoked')),
           coalesce(sum(amount_fen) FILTER (WHERE status IN ('returned', 'revoked')), 0)::bigint
      FROM gift WHERE created_at >= :since AND created_at < :until
       AND (cast(:merchant_id AS bigint) IS NULL OR merchant_id = :merchant_id)
     GROUP BY 1 ORDER BY 1"""

REFUNDS = """
    SELECT coalesce(s.name, '') AS label, r.what, coalesce(r.reason, ''), count(*),
           sum(r.fen)::bigint
      FROM (SELECT staff_id, 'refund' AS what, reason, amount_fen AS fen FROM refund
             WHERE created_at >= :since AND created_at < :until AND replaces_id IS NULL
               AND (cast(:merchant_id AS bigint) IS NULL OR merchant_id = :merchant_id)
               AND (cast(:store_id AS bigint) IS NULL OR store_id = :store_id)
            UNION ALL
            SELECT reversed_by_id, 'reversal', '', face_value_fen FROM redemption
             WHERE reversed_at >= :since AND reversed_at < :until
               AND (cast(:merchant_id AS bigint) IS NULL OR merchant_id = :merchant_id)
               AND (cast(:store_id AS bigint) IS NULL OR store_id = :store_id)) r
      LEFT JOIN staff s ON s.id = r.staff_id
     GROUP BY 1, 2, 3 ORDER BY 5 DESC"""

BATCHES = """
    SELECT b.name AS label, b.batch_no, v.activated, v.redeemed, v.active, v.ended,
           v.redeemed * b.face_value_fen,
           CASE WHEN v.activated = 0 THEN 0 ELSE v.redeemed * 10000 / v.activated END
      FROM voucher_batch b JOIN LATERAL (
        SELECT count(*) FILTER (WHERE status <> 'inactive') AS activated,
               count(*) FILTER (WHERE status = 'redeemed') AS redeemed,
               count(*) FILTER (WHERE status = 'active') AS active,
               count(*) FILTER (WHERE status IN ('voided', 'expired')) AS ended
          FROM voucher WHERE batch_id = b.id) v ON true
     WHERE b.created_at < :until
       AND (cast(:merchant_id AS bigint) IS NULL OR b.merchant_id = :merchant_id)
     ORDER BY b.id"""

# Whoever paid in the period is active; who paid before and not in it sleeps; twice is repeat.
MEMBERS = """
    WITH paid AS (
        SELECT member_id, count(*) AS times FROM payment
         WHERE paid_at >= :since AND paid_at < :until
           AND (cast(:merchant_id AS bigint) IS NULL OR merchant_id = :merchant_id)
           AND (cast(:store_id AS bigint) IS NULL OR store_id = :store_id) GROUP BY 1),
    held AS (SELECT member_id, sum(balance_fen) AS fen FROM card
              WHERE member_id IS NOT NULL GROUP BY 1)
    SELECT 'new' AS label, count(*) FROM member WHERE created_at >= :since AND created_at < :until
    UNION ALL SELECT 'active', count(*) FROM paid
    UNION ALL SELECT 'repeat', count(*) FROM paid WHERE times > 1
    UNION ALL SELECT 'sleeping', count(*) FROM member m WHERE created_at < :since
       AND NOT EXISTS (SELECT FROM paid p WHERE p.member_id = m.id)
    UNION ALL SELECT 'band_0', count(*) FROM held WHERE fen = 0
    UNION ALL SELECT 'band_100', count(*) FROM held WHERE fen > 0 AND fen < 10000
    UNION ALL SELECT 'band_500', count(*) FROM held WHERE fen >= 10000 AND fen < 50000
    UNION ALL SELECT 'band_1000', count(*) FROM held WHERE fen >= 50000 AND fen < 100000
    UNION ALL SELECT 'band_more', count(*) FROM held WHERE fen >= 100000"""

SHIFTS = """
    SELECT t.name AS label, coalesce(s.name, ''), count(*), sum(h.expected_fen)::bigint,
           sum(h.counted_fen)::bigint, sum(h.counted_fen - h.expected_fen)::bigint,
           count(*) FILTER (WHERE h.counted_fen <> h.expected_fen)
      FROM shift h JOIN store t ON t.id = h.store_id LEFT JOIN staff s ON s.id = h.staff_id
     WHERE h.closed_at >= :since AND h.closed_at < :until AND h.counted_fen IS NOT NULL
       AND (cast(:merchant_id AS bigint) IS NULL OR h.merchant_id = :merchant_id)
       AND (cast(:store_id AS bigint) IS NULL OR h.store_id = :store_id)
     GROUP BY 1, 2 ORDER BY 1, 2"""

# 预收资金: what the regulator asks for by quarter, of cards and sold paper, with what is owed then.
REGULATOR = """
    WITH quarters AS (
        SELECT q AS begins, q + interval '3 months' AS ends FROM generate_series(
            date_trunc('quarter', cast(:since AS timestamptz) AT TIME ZONE 'Asia/Shanghai'),
            (cast(:until AS timestamptz) AT TIME ZONE 'Asia/Shanghai') - interval '1 second',
            interval '3 months') q),
    moved AS (
        SELECT p.occurred_at AT TIME ZONE 'Asia/Shanghai' AS at, e.kind, -p.amount_fen AS fen
          FROM posting p JOIN journal_entry e ON e.id = p.entry_id
         WHERE p.account IN ('card', 'gift', 'voucher', 'held')
           AND (cast(:merchant_id AS bigint) IS NULL OR p.merchant_id = :merchant_id))
    SELECT to_char(begins, 'YYYY-"Q"Q') AS label,
           coalesce(sum(fen) FILTER (WHERE at >= begins AND kind LIKE ANY (ARRAY['top_up%',
               'vouchers_activated', 'vouchers_imported', 'vouchers_sold_at_till'])), 0)::bigint,
           coalesce(-sum(fen) FILTER (WHERE at >= begins AND kind LIKE ANY (ARRAY['payment%',
               'redemption%', 'refund_card'])), 0)::bigint,
           coalesce(-sum(fen) FILTER (WHERE at >= begins AND kind = 'card_returned'), 0)::bigint,
           coalesce(sum(fen), 0)::bigint
      FROM quarters LEFT JOIN moved ON at < ends GROUP BY begins ORDER BY begins"""
