"""Who paid in a period, in SQL, from the days on which members paid.

Only for whoever sees everything. Days that have changed since, and what is younger than the
figures, are read from the payments; how far the figures go is that of ``payment_paid``.
"""

from __future__ import annotations

from app.models.rollups import DAY_BIT, PAID_BY_MEMBERS

_LOCAL = "AT TIME ZONE 'Asia/Shanghai'"
_UNTIL = f"cast(:{PAID_BY_MEMBERS}_until AS timestamptz)"
_CHANGED = (
    f"SELECT DISTINCT (hour {_LOCAL})::date AS day FROM rollup_dirty"  # noqa: S608 - constants
    f" WHERE source = '{PAID_BY_MEMBERS}'"
)
# The period's months, with a bit for each of its days that can be told from the figures.
_MASKS = f"""
    SELECT date_trunc('month', day)::date AS month, sum({DAY_BIT.format(day="day")})::int AS mask
      FROM generate_series(cast(:since AS timestamptz) {_LOCAL},
                           (cast(:until AS timestamptz) {_LOCAL}) - interval '1 day',
                           interval '1 day') day
     WHERE day < {_UNTIL} {_LOCAL} AND day::date NOT IN ({_CHANGED})
     GROUP BY 1"""  # noqa: S608 - made of constants

# Columns: member_id, times (2 stands for more than once). Several rows to a member.
DAYS_PAID = f"""
    SELECT m.member_id,
           CASE WHEN m.repeat_days & k.mask <> 0
                  OR (m.days & k.mask) & ((m.days & k.mask) - 1) <> 0 THEN 2 ELSE 1 END AS times
      FROM ({_MASKS}) k JOIN member_month m ON m.month = k.month
     WHERE m.days & k.mask <> 0
    UNION ALL
    SELECT p.member_id, 1 FROM payment p
     WHERE p.id >= :{PAID_BY_MEMBERS}_tail AND p.paid_at >= {_UNTIL}
       AND p.paid_at >= :since AND p.paid_at < :until
    UNION ALL
    SELECT p.member_id, 1
      FROM ({_CHANGED}) c CROSS JOIN LATERAL (
          SELECT member_id FROM payment p
           WHERE p.paid_at >= greatest(c.day::timestamp {_LOCAL}, :since)
             AND p.paid_at < least((c.day + 1)::timestamp {_LOCAL}, :until, {_UNTIL})
           OFFSET 0  -- Else the period's payments would be read even when no day has changed.
      ) p"""  # noqa: S608
