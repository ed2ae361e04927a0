"""Keeping hourly figures: an hour is summed when it is over, and again when it has changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from app.core.clock import local_day
from app.models.rollups import LEDGER, PAID_BY_MEMBERS, SOURCES, RollupSource
from app.services.member_months import count_member_days, forget_member_days

# No transaction of ours lives for longer than that, so every row of the hour is to be seen.
GRACE = timedelta(minutes=10)
# Ids are taken before their rows can be seen. So many may be on their way at once, at the most.
_IN_FLIGHT = 10_000
_MANY = 300

_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('kaquan rollups'))")
_EARLIER = text("SELECT least(cast(:now AS timestamptz), clock_timestamp())")
_NO_TIMEOUT = text("SELECT set_config('statement_timeout', '0', true)")
_MARK = text("SELECT folded_until FROM rollup_mark WHERE source = :source")
_TAKE_NOTES = text(
    "WITH taken AS (DELETE FROM rollup_dirty WHERE source = :source RETURNING hour)"
    " SELECT DISTINCT hour FROM taken WHERE hour < :until ORDER BY hour"
)
_FORGET = (
    text("DELETE FROM hourly_rollup WHERE source = :source AND hour >= :since AND hour < :until"),
    text("DELETE FROM hour_range WHERE source = :source AND hour >= :since AND hour < :until"),
)
_MEASURES = ("events", "amount_fen", "card_fen", "wechat_fen", "bonus_fen", "commission_fen")
_NAMES = ", ".join(_MEASURES)
_ADDED = ", ".join(f"sum({measure})" for measure in _MEASURES)
_DAY = "(hour AT TIME ZONE 'Asia/Shanghai')::date"
_HOURS = (
    "source = :source AND hour < :until AND (cast(:since AS timestamptz) IS NULL OR hour >= :since)"
)
_FROM_DAY = "(cast(:since AS timestamptz) AT TIME ZONE 'Asia/Shanghai')::date"
_TO_DAY = "((cast(:until AS timestamptz) - interval '1 second') AT TIME ZONE 'Asia/Shanghai')::date"
# Of the hours that were summed just now: all merchants together, and the local days they lie in.
_FORGET_TOTALS = f"DELETE FROM hourly_total WHERE {_HOURS}"  # noqa: S608 - made of constants
_ADD_TOTALS = f"""
    INSERT INTO hourly_total (source, hour, kind, {_NAMES})
    SELECT source, hour, kind, {_ADDED} FROM hourly_rollup WHERE {_HOURS} GROUP BY 1, 2, 3"""  # noqa: S608
_FORGET_DAYS = f"""
    DELETE FROM daily_rollup
     WHERE source = :source
       AND (cast(:since AS timestamptz) IS NULL OR day BETWEEN {_FROM_DAY} AND {_TO_DAY})"""  # noqa: S608
_ADD_DAYS = f"""
    INSERT INTO daily_rollup (source, day, merchant_id, store_id, kind, {_NAMES})
    SELECT source, {_DAY}, merchant_id, store_id, kind, {_ADDED} FROM hourly_rollup
     WHERE source = :source
       AND (cast(:since AS timestamptz) IS NULL
            OR (hour >= {_FROM_DAY}::timestamp AT TIME ZONE 'Asia/Shanghai'
                AND hour < ({_TO_DAY} + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'))
     GROUP BY 1, 2, 3, 4, 5"""  # noqa: S608 - made of constants
_SUMS = tuple(map(text, (_FORGET_TOTALS, _ADD_TOTALS, _FORGET_DAYS, _ADD_DAYS)))
_KEEP_MARK = text(
    "INSERT INTO rollup_mark (source, folded_until, tail_id) VALUES (:source, :until, :tail)"
    " ON CONFLICT (source) DO UPDATE"
    " SET folded_until = excluded.folded_until, tail_id = excluded.tail_id"
)


def fold_rollups(session: Session, *, now: datetime) -> int:
    """Sum the hours that are over, and again those that have changed. Returns how many hours.

    An hour is over by the database's clock, too: what is written into it later would be missed.
    """
    session.execute(_LOCK)
    session.execute(_NO_TIMEOUT)
    until = _last_hour(session.execute(_EARLIER, {"now": now}).scalar_one())
    return sum(_fold(session, source, until=until) for source in SOURCES.values())


def rebuild_rollups(session: Session, *, now: datetime) -> int:
    """Forget all figures and sum every hour from the rows. Returns how many hours there are."""
    session.execute(_LOCK)
    for table in ("hourly_rollup", "hourly_total", "daily_rollup", "hour_range", "rollup_dirty"):
        session.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - one of five constants
    forget_member_days(session)
    session.execute(text("DELETE FROM rollup_mark WHERE source <> :ledger"), {"ledger": LEDGER})
    return fold_rollups(session, now=now)


def _last_hour(now: datetime) -> datetime:
    return (now - GRACE).replace(minute=0, second=0, microsecond=0)


def _fold(session: Session, source: RollupSource, *, until: datetime) -> int:
    folded_until = session.scalar(_MARK, {"source": source.name})
    notes = session.scalars(_TAKE_NOTES, {"source": source.name, "until": until}).all()
    changed = [hour for hour in notes if folded_until is not None and hour < folded_until]
    if len(changed) > _MANY:
        folded_until, changed = min(changed), []
    hours = 0
    for hour in changed:
        hours += _sum_hours(session, source, hour, hour + timedelta(hours=1))
    if folded_until is None:
        hours += _sum_hours(session, source, None, until)
    elif folded_until < until:
        hours += _sum_hours(session, source, folded_until, until)
    if source.name == PAID_BY_MEMBERS:
        _count_days(session, changed, folded_until, until)
    tail = session.scalar(_tail(source), {"until": until})
    session.execute(_KEEP_MARK, {"source": source.name, "until": until, "tail": tail})
    return hours


def _count_days(
    session: Session, changed: Sequence[datetime], folded_until: datetime | None, until: datetime
) -> None:
    """The days on which members paid: of the hours that were summed just now."""
    for day in sorted({local_day(hour) for hour in changed}):
        count_member_days(session, first=day, last=day, until=until)
    if folded_until is None:
        count_member_days(session, first=None, last=local_day(until), until=until)
    elif folded_until != until:  # A clock may have been put back, too.
        first, last = sorted((local_day(folded_until), local_day(until)))
        count_member_days(session, first=first, last=last, until=until)


def _sum_hours(
    session: Session, source: RollupSource, since: datetime | None, until: datetime
) -> int:
    bounds: dict[str, object] = {"source": source.name, "until": until}
    if since is not None:
        bounds["since"] = since
        for statement in _FORGET:
            session.execute(statement, bounds)
    ranges = session.execute(_figures_and_ranges(source, since), bounds)
    for statement in _SUMS:
        session.execute(statement, {"source": source.name, "since": since, "until": until})
    return ranges.rowcount  # type: ignore[attr-defined, no-any-return]


def _figures_and_ranges(source: RollupSource, since: datetime | None) -> TextClause:
    """One walk over the rows for both: what an hour adds up to, and between which ids it lies."""
    begins = "" if since is None else f"{source.instant} >= :since AND"
    return text(f"""
        WITH summed AS MATERIALIZED (
            SELECT date_trunc('hour', {source.instant}) AS hour, merchant_id, store_id,
                   {source.kind} AS kind, {source.status} AS status, count(*) AS events,
                   sum({source.amount_fen}) AS amount_fen, sum({source.card_fen}) AS card_fen,
                   sum({source.wechat_fen}) AS wechat_fen, sum({source.bonus_fen}) AS bonus_fen,
                   sum({source.commission_fen}) AS commission_fen,
                   min(id) AS min_id, max(id) AS max_id
            FROM {source.table} WHERE {begins} {source.instant} < :until
            GROUP BY 1, 2, 3, 4, 5
        ), kept AS (
            INSERT INTO hourly_rollup (source, hour, merchant_id, store_id, kind, status, events,
                                       amount_fen, card_fen, wechat_fen, bonus_fen, commission_fen)
            SELECT :source, hour, merchant_id, store_id, kind, status, events,
                   amount_fen, card_fen, wechat_fen, bonus_fen, commission_fen FROM summed
        )
        INSERT INTO hour_range (source, hour, min_id, max_id)
        SELECT :source, hour, min(min_id), max(max_id) FROM summed GROUP BY hour
    """)  # noqa: S608 - made of the constants of models/rollups


def _tail(source: RollupSource) -> TextClause:
    """Below this id there is no row of the hours to come, committed or on its way."""
    return text(f"""
        SELECT greatest(coalesce(
            (SELECT min(id) FROM {source.table} WHERE {source.instant} >= :until),
            (SELECT max(id) FROM {source.table}), 0) - {_IN_FLIGHT}, 0)
    """)  # noqa: S608 - made of the constants of models/rollups
