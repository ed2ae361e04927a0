"""Figures with what is too young for them, in SQL: the hours of ``models/rollups`` and the ledger's days.

Whole hours come from the figures; hours that have changed since, and what is younger, from the rows.
How far the figures go is asked before (``read_marks``) and stands in the statement as plain values,
so that PostgreSQL sees how few rows are left to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.models.rollups import KEPT_ACCOUNTS, LEDGER, POSTED, SOURCES, RollupSource

_MEASURES = ("amount_fen", "card_fen", "wechat_fen", "bonus_fen", "commission_fen")
_MARKS = text("SELECT source, folded_until::text, tail_id FROM rollup_mark")
_TRIES = 3


def hours_of(name: str) -> str:
    """A source's figures between ``:since`` and ``:until``, both whole hours.

    Columns: at, merchant_id, store_id, kind, events and the amounts. ``at`` lies in the right hour.
    """
    source = SOURCES[name]
    figures = ", ".join(f"h.{measure}" for measure in _MEASURES)
    dirty = f"(SELECT d.hour FROM rollup_dirty d WHERE d.source = '{name}')"  # noqa: S608
    until = f"cast(:{name}_until AS timestamptz)"
    within = f"t.{source.instant} >= :since AND t.{source.instant} < :until"
    return f"""
        SELECT h.hour AS at, h.merchant_id, h.store_id, h.kind, h.events, {figures}
          FROM hourly_rollup h
         WHERE h.source = '{name}' AND h.hour >= :since
           AND h.hour < least(cast(:until AS timestamptz), {until}) AND h.hour NOT IN {dirty}
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


# The ledger's days, and what was booked since they were added to. Amounts as they were booked.
BOOKED = f"""
    SELECT day, merchant_id, account, program_id, batch_id, lot_kind, event, postings, amount_fen
      FROM ledger_day WHERE :{LEDGER}_tail > 0
    UNION ALL
    {POSTED} WHERE p.id > :{LEDGER}_tail AND p.account IN {KEPT_ACCOUNTS}"""  # noqa: S608


def read_figures(session: Session, statement: str, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """Run a statement made of the above. Should figures be folded meanwhile, it is read again."""
    marks = _read_marks(session)
    for _ in range(_TRIES):
        rows = session.execute(text(statement), {**marks, **values}).all()
        before, marks = marks, _read_marks(session)
        if marks == before:
            return rows
    return session.execute(text(statement), {**_UNKNOWN, **values}).all()


_UNKNOWN: Mapping[str, Any] = {
    **{f"{name}_until": "-infinity" for name in SOURCES},
    **{f"{name}_tail": 0 for name in (*SOURCES, LEDGER)},
}


def _read_marks(session: Session) -> Mapping[str, Any]:
    marks = dict(_UNKNOWN)
    for row in session.execute(_MARKS):
        marks[f"{row.source}_until"], marks[f"{row.source}_tail"] = row.folded_until, row.tail_id
    return marks


def _row(source: RollupSource) -> str:
    """A row's own values, in the order of a figure's columns."""
    measures = ", ".join(f"({getattr(source, measure)})::bigint" for measure in _MEASURES)
    return f"t.merchant_id, t.store_id, ({source.kind})::text, 1::bigint, {measures}"
