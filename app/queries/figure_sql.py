"""Figures with what is too young for them, in SQL: hours, days and totals, and the ledger's days.

Whole hours come from the figures; hours that have changed since, and what is younger, from the
rows. How far the figures go is asked before and stands in the statement as plain values, so that
PostgreSQL sees how few rows are left to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.models.rollups import KEPT_ACCOUNTS, LEDGER, POSTED, SOURCES, RollupSource

_MEASURES = ("amount_fen", "card_fen", "wechat_fen", "bonus_fen", "commission_fen")
_LOCAL = "AT TIME ZONE 'Asia/Shanghai'"
_MARKS = text(
    "SELECT source, folded_until::text, tail_id,"
    " current_user IN ('kaquan_platform', 'kaquan_system') AS sees_all FROM rollup_mark"
)
_TRIES = 3


def hours_of(name: str, kept: str = "hour") -> str:
    """A source's figures between ``:since`` and ``:until``, both whole hours.

    Columns: at, merchant_id, store_id, kind, events and the amounts. ``at`` lies in the right hour.

    Args:
        kept: ``hour``; ``day`` where ``at`` need only lie in the right local day (the period is of
            whole local days then); ``total`` where nobody asks whose they are (platform only).
    """
    source = SOURCES[name]
    dirty = f"(SELECT d.hour FROM rollup_dirty d WHERE d.source = '{name}')"  # noqa: S608
    until = f"cast(:{name}_until AS timestamptz)"
    within = f"t.{source.instant} >= :since AND t.{source.instant} < :until"
    return f"""
        {_KEPT[kept](name, dirty, until)}
        UNION ALL
        SELECT t.{source.instant}, {_row(source)} FROM {source.table} t
         WHERE t.id >= :{name}_tail AND {within}
           AND (t.{source.instant} >= {until}
                OR date_trunc('hour', t.{source.instant}) IN {dirty})
        UNION ALL
        SELECT t.{source.instant}, {_row(source)}
          FROM hour_range g CROSS JOIN LATERAL (
              SELECT * FROM {source.table} t
               WHERE t.id BETWEEN g.min_id AND least(g.max_id, :{name}_tail - 1)
                 AND t.{source.instant} >= g.hour
                 AND t.{source.instant} < g.hour + interval '1 hour') t
         WHERE g.source = '{name}' AND g.hour >= :since
           AND g.hour < least(cast(:until AS timestamptz), {until}) AND g.hour IN {dirty}"""  # noqa: S608


def _by_hour(name: str, dirty: str, until: str, more: str = "") -> str:
    return f"""
        SELECT h.hour AS at, h.merchant_id, h.store_id, h.kind, h.events, {_figures("h")}
          FROM hourly_rollup h
         WHERE h.source = '{name}' AND h.hour >= :since
           AND h.hour < least(cast(:until AS timestamptz), {until}) AND h.hour NOT IN {dirty}
           {more}"""  # noqa: S608 - made of constants


def _in_total(name: str, dirty: str, until: str) -> str:
    return f"""
        SELECT h.hour AS at, NULL::bigint AS merchant_id, NULL::bigint AS store_id, h.kind,
               h.events, {_figures("h")}
          FROM hourly_total h
         WHERE h.source = '{name}' AND h.hour >= :since
           AND h.hour < least(cast(:until AS timestamptz), {until}) AND h.hour NOT IN {dirty}"""  # noqa: S608


def _by_day(name: str, dirty: str, until: str) -> str:
    """Days that are over and as they were; the hours of the others."""
    changed = f"SELECT (hour {_LOCAL})::date FROM ({dirty[1:-1]}) d"  # noqa: S608 - constants
    ended = f"(least(cast(:until AS timestamptz), {until}) {_LOCAL})::date"
    return f"""
        SELECT f.day::timestamp {_LOCAL} AS at, f.merchant_id, f.store_id, f.kind, f.events,
               {_figures("f")}
          FROM daily_rollup f
         WHERE f.source = '{name}' AND f.day >= (cast(:since AS timestamptz) {_LOCAL})::date
           AND f.day < {ended} AND f.day NOT IN ({changed})
        UNION ALL {
        _by_hour(
            name,
            dirty,
            until,
            f"AND (h.hour >= {ended}::timestamp {_LOCAL}"
            f" OR ((h.hour {_LOCAL})::date IN ({changed})))",
        )
    }"""  # noqa: S608 - made of constants


_KEPT = {"hour": _by_hour, "total": _in_total, "day": _by_day}


# The ledger's days, and what was booked since they were added to. Amounts as they were booked.
BOOKED = f"""
    SELECT day, merchant_id, account, program_id, batch_id, lot_kind, event, postings, amount_fen
      FROM ledger_day WHERE :{LEDGER}_tail > 0
    UNION ALL
    {POSTED} WHERE p.id > :{LEDGER}_tail AND p.account IN {KEPT_ACCOUNTS}"""  # noqa: S608


def read_figures(
    session: Session, statement: str, values: Mapping[str, Any], *, in_total: str | None = None
) -> Sequence[Row[Any]]:
    """Run a statement made of the above. Should figures be folded meanwhile, it is read again.

    Args:
        in_total: The same question put to the totals; whoever sees everything is answered by them.
    """
    marks, sees_all = _read_marks(session)
    if in_total is not None and sees_all:
        statement = in_total
    for _ in range(_TRIES):
        rows = session.execute(text(statement), {**marks, **values}).all()
        before, (marks, _) = marks, _read_marks(session)
        if marks == before:
            return rows
    return session.execute(text(statement), {**_UNKNOWN, **values}).all()


_UNKNOWN: Mapping[str, Any] = {
    **{f"{name}_until": "-infinity" for name in SOURCES},
    **{f"{name}_tail": 0 for name in (*SOURCES, LEDGER)},
}


def _read_marks(session: Session) -> tuple[Mapping[str, Any], bool]:
    """How far figures are kept, and whether the reader sees everybody's."""
    marks, sees_all = dict(_UNKNOWN), False
    for row in session.execute(_MARKS):
        marks[f"{row.source}_until"], marks[f"{row.source}_tail"] = row.folded_until, row.tail_id
        sees_all = row.sees_all
    return marks, sees_all


def _figures(table: str) -> str:
    return ", ".join(f"{table}.{measure}" for measure in _MEASURES)


def _row(source: RollupSource) -> str:
    """A row's own values, in the order of a figure's columns."""
    measures = ", ".join(f"({getattr(source, measure)})::bigint" for measure in _MEASURES)
    return f"t.merchant_id, t.store_id, ({source.kind})::text, 1::bigint, {measures}"
