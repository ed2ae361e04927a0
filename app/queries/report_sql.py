"""The statements behind the reports. Each reads in the reader's scope: the wall is PostgreSQL's.

``:since`` and ``:until`` are local midnights; ``:merchant_id`` and ``:store_id`` may be null. What
is summed by the hour already comes from the hourly figures, what is younger from the rows.
"""

from __future__ import annotations

from app.queries.figure_sql import BOOKED, hours_of
from app.queries.member_days_sql import DAYS_PAID
from app.queries.vouchers.batch_sql import PAPER, booked_until


def _taken(kept: str) -> str:
    """Payments and redemptions by tender; in amounts gross, refunds stand elsewhere."""
    return f"""
    taken AS (
        SELECT at, merchant_id, store_id, kind AS tender, events, card_fen, wechat_fen,
               0::bigint AS paper_fen, commission_fen
          FROM ({hours_of("payment_paid", kept)}) p
        UNION ALL
        SELECT at, merchant_id, store_id, 'voucher', events, 0, 0, amount_fen, commission_fen
          FROM ({hours_of("redemption", kept)}) r
    )"""  # noqa: S608 - made of constants


_SERVED = f"""
    taken AS (
        SELECT at, merchant_id, store_id, kind AS staff_id, events, card_fen, wechat_fen,
               0::bigint AS paper_fen, commission_fen
          FROM ({hours_of("payment_paid_staff", "day")}) p
        UNION ALL
        SELECT at, merchant_id, store_id, kind, events, 0, 0, amount_fen, commission_fen
          FROM ({hours_of("redemption_staff", "day")}) r
    )"""  # noqa: S608 - made of constants

GROUPS = {
    "day": "to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')",
    "week": "to_char(at AT TIME ZONE 'Asia/Shanghai', 'IYYY-\"W\"IW')",
    "month": "to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM')",
    "hour": "to_char(at AT TIME ZONE 'Asia/Shanghai', 'HH24:00')",
    "tender": "tender",
    "store": "store_id",
    "merchant": "merchant_id",
}
_NAMED = {
    "store": "(SELECT s.name FROM store s WHERE s.id = t.key)",
    "merchant": "(SELECT m.name FROM merchant m WHERE m.id = t.key)",
}


def takings(group: str, *, in_total: bool = False) -> str:
    """Takings by one of ``GROUPS``. Names are looked up for what is left of the sums."""
    kept = "hour" if group == "hour" else "day"
    return f"""
    WITH {_taken("total" if in_total else kept)}
    SELECT {_NAMED.get(group, "t.key")} AS label, events, card_fen, wechat_fen, paper_fen,
           card_fen + wechat_fen + paper_fen, commission_fen
      FROM (SELECT {GROUPS[group]} AS key, sum(events)::bigint AS events,
                   sum(card_fen)::bigint AS card_fen, sum(wechat_fen)::bigint AS wechat_fen,
                   sum(paper_fen)::bigint AS paper_fen,
                   sum(commission_fen)::bigint AS commission_fen
              FROM taken
             WHERE (cast(:merchant_id AS bigint) IS NULL OR merchant_id = :merchant_id)
               AND (cast(:store_id AS bigint) IS NULL OR store_id = :store_id)
             GROUP BY 1) t
     ORDER BY {"6 DESC, " if group in _NAMED else ""}1"""  # noqa: S608 - made of constants


BY_CASHIER = f"""
    WITH {_SERVED}
    SELECT coalesce(s.name, '') AS label, sum(t.events)::bigint, sum(t.card_fen)::bigint,
           sum(t.wechat_fen)::bigint, sum(t.paper_fen)::bigint,
           sum(t.card_fen + t.wechat_fen + t.paper_fen)::bigint, sum(t.commission_fen)::bigint
      FROM (SELECT staff_id, sum(events) AS events, sum(card_fen) AS card_fen,
                   sum(wechat_fen) AS wechat_fen, sum(paper_fen) AS paper_fen,
                   sum(commission_fen) AS commission_fen
              FROM taken
             WHERE (cast(:merchant_id AS bigint) IS NULL OR merchant_id = :merchant_id)
               AND (cast(:store_id AS bigint) IS NULL OR store_id = :store_id)
             GROUP BY 1) t
      LEFT JOIN staff s ON s.id = nullif(t.staff_id, '')::bigint
     GROUP BY 1 ORDER BY 6 DESC, 1"""  # noqa: S608 - made of constants

# Amounts are few: tiers are looked up for each of them, not for each top-up.
TOP_UPS = """
    SELECT p.name AS label, t.channel, coalesce(b.threshold::text, ''), sum(t.n)::bigint,
           sum(t.fen)::bigint, sum(t.bonus)::bigint
      FROM (SELECT program_id, channel, amount_fen, bonus_fen > 0 AS has_bonus, count(*) AS n,
                   sum(amount_fen) AS fen, sum(bonus_fen) AS bonus
              FROM top_up
             WHERE credited_at >= :since AND credited_at < :until
               AND (cast(:merchant_id AS bigint) IS NULL OR merchant_id = :merchant_id)
               AND (cast(:store_id AS bigint) IS NULL OR store_id = :store_id)
             GROUP BY 1, 2, 3, 4) t
      LEFT JOIN card_program p ON p.id = t.program_id
      LEFT JOIN LATERAL (
          SELECT max(b.threshold_fen) / 100 AS threshold FROM bonus_tier b
           WHERE b.program_id = t.program_id AND b.threshold_fen <= t.amount_fen AND t.has_bonus
      ) b ON true
     GROUP BY p.name, t.channel, b.threshold ORDER BY p.name, t.channel, b.threshold NULLS FIRST"""

# What a printed code puts onto a card was sold with the code: it only moves, under "other".
_SOLD = (
    "(event LIKE ANY (ARRAY['top_up%', 'vouchers_activated', 'vouchers_imported',"
    " 'vouchers_sold_at_till']) AND event NOT LIKE 'top_up_code%')"
)
_USED = "event LIKE ANY (ARRAY['payment%', 'redemption%', 'refund_card'])"
_EXPIRED = "event IN ('lot_expired', 'vouchers_expired')"
_RETURNED = "event IN ('card_returned', 'vouchers_voided')"
_DAYS = """
    (cast(:since AS timestamptz) AT TIME ZONE 'Asia/Shanghai')::date AS first_on,
    (cast(:until AS timestamptz) AT TIME ZONE 'Asia/Shanghai')::date AS ended_on"""
_OWED = "account IN ('card', 'gift', 'voucher')"

# What is owed to holders, by issuer and program or paper. What is still held for a payment counts
# as used; what comes back as less used. Anything else stands in "other", so that it always adds up.
LIABILITY = f"""
    WITH asked AS (SELECT {_DAYS}),
    moved AS (
        SELECT merchant_id, program_id, batch_id, account, event, day >= first_on AS now_in,
               -sum(amount_fen) AS fen
          FROM ({BOOKED}) b, asked
         WHERE {_OWED} AND day < ended_on
           AND (cast(:merchant_id AS bigint) IS NULL OR merchant_id = :merchant_id)
         GROUP BY 1, 2, 3, 4, 5, 6)
    SELECT m.name AS label,
           CASE WHEN account = 'gift' THEN 'account:gift'
                WHEN account = 'voucher' THEN b.name || ' ' || b.batch_no ELSE g.name END AS item,
           sum(fen) FILTER (WHERE NOT now_in)::bigint,
           sum(fen) FILTER (WHERE now_in AND {_SOLD})::bigint,
           -sum(fen) FILTER (WHERE now_in AND {_USED})::bigint,
           -sum(fen) FILTER (WHERE now_in AND {_EXPIRED})::bigint,
           -sum(fen) FILTER (WHERE now_in AND {_RETURNED})::bigint,
           sum(fen) FILTER (WHERE now_in AND NOT ({_SOLD} OR {_USED} OR {_EXPIRED}
                                                  OR {_RETURNED}))::bigint,
           sum(fen)::bigint
      FROM moved x
      LEFT JOIN merchant m ON m.id = x.merchant_id
      LEFT JOIN card_program g ON g.id = x.program_id
      LEFT JOIN voucher_batch b ON b.id = x.batch_id AND x.account = 'voucher'
     GROUP BY x.merchant_id, m.name, x.account, x.program_id, g.name, x.batch_id, b.name, b.batch_no
    -- Gifts that were sent and claimed within the period leave nothing to tell.
    HAVING x.account <> 'gift' OR sum(fen) <> 0
        OR coalesce(sum(fen) FILTER (WHERE NOT now_in), 0) <> 0
     ORDER BY x.merchant_id, x.account, x.program_id, x.batch_id"""  # noqa: S608 - constants

# The same by month; the first and the last one as far as they lie in the period.
LIABILITY_MONTHS = f"""
    WITH asked AS (SELECT {_DAYS}),
    months AS (
        SELECT m::date AS begins FROM asked, generate_series(
            date_trunc('month', first_on::timestamp), ended_on - interval '1 day',
            interval '1 month') m),
    moved AS (
        SELECT CASE WHEN day >= first_on THEN date_trunc('month', day::timestamp)::date END
                   AS begins, event, -sum(amount_fen) AS fen
          FROM ({BOOKED}) b, asked
         WHERE {_OWED} AND day < ended_on
           AND (cast(:merchant_id AS bigint) IS NULL OR merchant_id = :merchant_id)
         GROUP BY 1, 2),
    monthly AS (
        SELECT m.begins, coalesce(sum(fen), 0) AS fen,
               coalesce(sum(fen) FILTER (WHERE {_SOLD}), 0)::bigint AS sold,
               coalesce(-sum(fen) FILTER (WHERE {_USED}), 0)::bigint AS used,
               coalesce(-sum(fen) FILTER (WHERE {_EXPIRED}), 0)::bigint AS expired,
               coalesce(-sum(fen) FILTER (WHERE {_RETURNED}), 0)::bigint AS returned
          FROM months m LEFT JOIN moved USING (begins) GROUP BY 1),
    closed AS (
        SELECT *, (sum(fen) OVER (ORDER BY begins)
                   + (SELECT coalesce(sum(fen), 0) FROM moved WHERE begins IS NULL))::bigint
                   AS closing
          FROM monthly)
    SELECT to_char(begins, 'YYYY-MM') AS label, (closing - fen)::bigint, sold, used, expired,
           returned, (fen - sold + used + expired + returned)::bigint, closing
      FROM closed ORDER BY begins"""  # noqa: S608 - made of constants

BREAKAGE = f"""
    WITH asked AS (SELECT {_DAYS})
    SELECT to_char(day, 'YYYY-MM') AS label, event, sum(postings)::bigint, -sum(amount_fen)::bigint
      FROM ({BOOKED}) b, asked
     WHERE account = 'income:breakage' AND day >= first_on AND day < ended_on
     GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608 - made of constants

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

BATCHES = f"""
    WITH asked AS (SELECT {_DAYS}),
    booked AS ({booked_until("(SELECT ended_on FROM asked)", since="(SELECT first_on FROM asked)")})
    SELECT b.name AS label, b.batch_no, v.activated, v.redeemed, v.active, v.ended,
           v.redeemed_fen, k.now_fen::bigint,
           CASE WHEN v.activated = 0 THEN 0 ELSE v.redeemed * 10000 / v.activated END
      FROM voucher_batch b LEFT JOIN booked k ON k.batch_id = b.id {PAPER}
     WHERE b.created_at < :until
       AND (cast(:merchant_id AS bigint) IS NULL OR b.merchant_id = :merchant_id)
     ORDER BY b.id"""  # noqa: S608 - made of constants

# Whoever paid in the period is active; who paid before and not in it sleeps; twice is repeat.
_PAID_THERE = """
        SELECT member_id, 1 AS times FROM payment
         WHERE paid_at >= :since AND paid_at < :until
           AND (cast(:merchant_id AS bigint) IS NULL OR merchant_id = :merchant_id)
           AND (cast(:store_id AS bigint) IS NULL OR store_id = :store_id)"""


def members(*, in_total: bool = False) -> str:
    """Member activity; of everybody together it is told by the days on which members paid."""
    return _MEMBERS.replace("{paid}", DAYS_PAID if in_total else _PAID_THERE)


# Each table is gone through once. What members hold is told of now, so not of earlier periods.
_MEMBERS = """
    WITH each_member AS (
        SELECT sum(times) AS times, bool_or(is_old) AS is_old, bool_or(NOT is_old) AS is_new
          FROM (SELECT member_id, times, NULL::boolean AS is_old FROM ({paid}) paid
                UNION ALL
                SELECT id, 0, created_at < :since FROM member WHERE created_at < :until) told
         GROUP BY member_id),
    members AS (
        SELECT count(*) FILTER (WHERE is_new) AS new,
               count(*) FILTER (WHERE times > 0) AS active,
               count(*) FILTER (WHERE times > 1) AS repeat,
               count(*) FILTER (WHERE times = 0 AND is_old) AS sleeping FROM each_member),
    held AS (SELECT sum(balance_fen) AS fen FROM card
              WHERE member_id IS NOT NULL AND NOT :is_earlier GROUP BY member_id),
    bands AS (
        SELECT count(*) FILTER (WHERE fen = 0) AS band_0,
               count(*) FILTER (WHERE fen > 0 AND fen < 10000) AS band_100,
               count(*) FILTER (WHERE fen >= 10000 AND fen < 50000) AS band_500,
               count(*) FILTER (WHERE fen >= 50000 AND fen < 100000) AS band_1000,
               count(*) FILTER (WHERE fen >= 100000) AS band_more FROM held)
    SELECT told.label, told.people FROM members, bands, LATERAL (VALUES
        ('new', new), ('active', active), ('repeat', repeat), ('sleeping', sleeping),
        ('band_0', band_0), ('band_100', band_100), ('band_500', band_500),
        ('band_1000', band_1000), ('band_more', band_more)) told (label, people)"""

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
# What was given on top (赠送金) is no money received; it stands in a column of its own.
REGULATOR = f"""
    WITH quarters AS (
        SELECT q::date AS begins, (q + interval '3 months')::date AS ends FROM generate_series(
            date_trunc('quarter', cast(:since AS timestamptz) AT TIME ZONE 'Asia/Shanghai'),
            (cast(:until AS timestamptz) AT TIME ZONE 'Asia/Shanghai') - interval '1 second',
            interval '3 months') q),
    moved AS (
        SELECT day, event, coalesce(lot_kind = 'bonus', false) AS is_bonus, -sum(amount_fen) AS fen
          FROM ({BOOKED}) b
         WHERE {_OWED}
           AND (cast(:merchant_id AS bigint) IS NULL OR merchant_id = :merchant_id)
         GROUP BY 1, 2, 3),
    quarterly AS (
        SELECT begins, coalesce(sum(fen) FILTER (WHERE day >= begins AND {_SOLD}
                                                 AND NOT is_bonus), 0)::bigint AS received,
               coalesce(sum(fen) FILTER (WHERE day >= begins AND {_SOLD}
                                         AND is_bonus), 0)::bigint AS bonus,
               coalesce(-sum(fen) FILTER (WHERE day >= begins AND {_USED}), 0)::bigint AS spent,
               coalesce(-sum(fen) FILTER (WHERE day >= begins AND {_RETURNED}), 0)::bigint
                   AS returned,
               coalesce(-sum(fen) FILTER (WHERE day >= begins AND {_EXPIRED}), 0)::bigint
                   AS expired,
               coalesce(sum(fen) FILTER (WHERE day < begins), 0)::bigint AS opening,
               coalesce(sum(fen), 0)::bigint AS closing,
               coalesce(sum(fen) FILTER (WHERE is_bonus), 0)::bigint AS closing_bonus
          FROM quarters LEFT JOIN moved ON day < ends GROUP BY begins)
    SELECT to_char(begins, 'YYYY-"Q"Q') AS label, opening, received, bonus, spent, returned,
           expired,
           closing - opening - received - bonus + spent + returned + expired, closing, closing_bonus
      FROM quarterly ORDER BY begins"""  # noqa: S608 - made of constants
