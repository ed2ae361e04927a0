"""Keeping hourly figures: an hour is summed when it is over, and again when it has changed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from app.models.rollups import SOURCES, RollupSource

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
    for table in ("hourly_rollup", "hour_range", "rollup_dirty", "rollup_mark"):
        session.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - one of four constants
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
    tail = session.scalar(_tail(source), {"until": until})
    session.execute(_KEEP_MARK, {"source": source.name, "until": until, "tail": tail})
    return hours


def _sum_hours(
    session: Session, source: RollupSource, since: datetime | None, until: datetime
) -> int:
    bounds: dict[str, object] = {"source": source.name, "until": until}
    if since is not None:
        bounds["since"] = since
        for statement in _FORGET:
            session.execute(statement, bounds)
    ranges = session.execute(_figures_and_ranges(source, since), bounds)
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
