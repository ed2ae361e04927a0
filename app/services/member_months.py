"""On which days members paid: counted by whole local days, again when a day has changed."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.models.rollups import DAY_BIT

_LOCAL = "AT TIME ZONE 'Asia/Shanghai'"
_FORGET = text("DELETE FROM member_month")
_FIRST_EVER = text(f"SELECT (min(paid_at) {_LOCAL})::date FROM payment")  # noqa: S608
# Days are counted whole, so counting them twice changes nothing. Who has none left keeps none.
_COUNT = text(f"""
    WITH asked AS (
        SELECT date_trunc('month', day)::date AS month,
               sum({DAY_BIT.format(day="day")})::int AS mask
          FROM generate_series(cast(:first AS timestamp), cast(:last AS timestamp),
                               interval '1 day') day
         GROUP BY 1),
    paid AS (
        SELECT member_id, (paid_at {_LOCAL})::date AS day, count(*) AS times FROM payment
         WHERE paid_at >= cast(:first AS date)::timestamp {_LOCAL}
           AND paid_at < least((cast(:last AS date) + 1)::timestamp {_LOCAL},
                               cast(:until AS timestamptz))
         GROUP BY 1, 2),
    counted AS MATERIALIZED (
        SELECT date_trunc('month', day)::date AS month, member_id,
               sum({DAY_BIT.format(day="day")})::int AS days,
               coalesce(sum({DAY_BIT.format(day="day")}) FILTER (WHERE times > 1), 0)::int
                   AS repeat_days
          FROM paid GROUP BY 1, 2),
    emptied AS (
        UPDATE member_month m SET days = m.days & ~a.mask, repeat_days = m.repeat_days & ~a.mask
          FROM asked a
         WHERE m.month = a.month AND m.days & a.mask <> 0
           AND NOT EXISTS (SELECT FROM counted c
                           WHERE c.month = m.month AND c.member_id = m.member_id))
    INSERT INTO member_month AS m (month, member_id, days, repeat_days)
    SELECT month, c.member_id, c.days | (coalesce(o.days, 0) & ~a.mask),
           c.repeat_days | (coalesce(o.repeat_days, 0) & ~a.mask)
      FROM counted c JOIN asked a USING (month) LEFT JOIN member_month o USING (month, member_id)
    ON CONFLICT (month, member_id) DO UPDATE
       SET days = excluded.days, repeat_days = excluded.repeat_days
     WHERE (m.days, m.repeat_days) <> (excluded.days, excluded.repeat_days)""")  # noqa: S608


def count_member_days(session: Session, *, first: date | None, last: date, until: datetime) -> None:
    """Count who paid on each local day from ``first`` to ``last``, and who more than once.

    The caller holds the figures' lock.

    Args:
        first: None from the first payment there is.
        until: What was paid from then on is not counted yet.
    """
    begins = first or session.scalar(_FIRST_EVER)
    if begins is not None:
        session.execute(_COUNT, {"first": begins, "last": last, "until": until})


def forget_member_days(session: Session) -> None:
    """Forget all of them: what follows is a count from the first payment on."""
    session.execute(_FORGET)
