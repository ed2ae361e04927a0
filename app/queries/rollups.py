"""Totals of a filter from hourly figures, where the filter is of a kind that these can answer.

Whole hours come from the figures, what is younger from the rows, in one statement and one moment:
the sum is the same as that of all rows, to the fen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.models.rollups import SOURCES, HourlyRollup, RollupDirty, RollupMark, RollupSource
from app.queries.exports import Totals
from app.queries.id_ranges import source_of
from app.queries.narrowing import Narrowing, narrow

_MEASURES = ("amount_fen", "card_fen", "wechat_fen", "bonus_fen", "commission_fen")
_PATIENCE = "5s"


def sum_filtered(
    session: Session, model: Any, narrowing: Narrowing, sums: Sequence[str]
) -> Totals | None:
    """Exact totals from figures and the youngest rows; None where figures cannot tell."""
    source = _figures_for(model, narrowing, sums)
    if source is None:
        return None
    mark = session.execute(
        select(RollupMark.folded_until, RollupMark.tail_id).where(
            RollupMark.source == source.name,
            ~select(RollupDirty.id).where(RollupDirty.source == source.name).exists(),
        )
    ).one_or_none()
    if mark is None:
        return None
    instant = getattr(model, source.instant)
    tail: Any = select(func.count(), *(func.coalesce(func.sum(getattr(model, s)), 0) for s in sums))
    tail = narrow(tail.select_from(model), model, narrowing).where(
        instant >= mark.folded_until, model.id >= mark.tail_id
    )
    hours = select(
        func.coalesce(func.sum(HourlyRollup.events), 0),
        *(func.coalesce(func.sum(_measure(source, s)), 0) for s in sums),
    ).where(*_conditions(source, narrowing))
    young = tail.subquery()
    kept = hours.subquery()
    row = session.execute(
        select(*(a + b for a, b in zip(young.c, kept.c, strict=True))).select_from(
            young.join(kept, text("true"))
        )
    ).one()
    return Totals(rows=int(row[0]), sums_fen=tuple(int(each) for each in row[1:]))


def estimate_rows(session: Session, query: Any) -> int:
    """About how many rows there are, as PostgreSQL's planner sees it. Counts nothing."""
    compiled = query.compile(session.connection())
    plan = session.connection().exec_driver_sql(
        f"EXPLAIN (FORMAT JSON) {compiled}", compiled.params
    )
    found = plan.scalar()
    described: Any = json.loads(found) if isinstance(found, str) else found
    return int(described[0]["Plan"]["Plan Rows"])


def be_patient(session: Session) -> None:
    """A total may take some seconds, not a quarter of a minute."""
    session.execute(
        text("SELECT set_config('statement_timeout', :most, true)"), {"most": _PATIENCE}
    )


def _figures_for(model: Any, narrowing: Narrowing, sums: Sequence[str]) -> RollupSource | None:
    name = source_of(model.__table__.name, narrowing.when)
    if name is None or narrowing.typed:
        return None
    source = SOURCES[name]
    if any(_measure_name(source, each) is None for each in sums):
        return None
    if narrowing.tender is not None and source.table != "payment":
        return None
    for bound in (narrowing.since, narrowing.until):
        if bound is not None and (bound.minute or bound.second or bound.microsecond):
            return None
    known = {"merchant_id", "store_id", "status", source.kind_column}
    if source.table == "redemption":
        known = {"merchant_id", "store_id", "reversed_at"}
    return source if all(name in known for name, _ in narrowing.equal) else None


def _conditions(source: RollupSource, narrowing: Narrowing) -> list[Any]:
    found: list[Any] = [HourlyRollup.source == source.name]
    if narrowing.since is not None:
        found.append(HourlyRollup.hour >= narrowing.since)
    if narrowing.until is not None:
        found.append(HourlyRollup.hour < narrowing.until)
    if narrowing.tender is not None:
        found.append(HourlyRollup.kind == narrowing.tender)
    for name, value in narrowing.equal:
        if name == "reversed_at":
            found.append(HourlyRollup.status == ("reversed" if value else "redeemed"))
        elif name == source.kind_column:
            found.append(HourlyRollup.kind == value)
        else:
            found.append(getattr(HourlyRollup, name) == value)
    return found


def _measure(source: RollupSource, column: str) -> Any:
    return getattr(HourlyRollup, _measure_name(source, column) or "")


def _measure_name(source: RollupSource, column: str) -> str | None:
    return next((m for m in _MEASURES if getattr(source, m) == column), None)
