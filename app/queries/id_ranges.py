"""A period as a range of ids, so that a list of one month never walks through the other months.

Rows are listed by id, filtered by an instant. Hourly figures know between which ids each hour's
rows lie, whatever order they came in; where hours have changed since, no range is given and the
filter alone decides. The range only helps: the filter on the instant stays.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, text
from sqlalchemy.orm import Session

from app.models.rollups import SOURCES
from app.queries.narrowing import Narrowing

# The first of an instant's sources: those by person are of the same rows.
_BY_INSTANT = {
    (source.table, source.instant): source.name for source in reversed(list(SOURCES.values()))
}
_RANGE = text("""
    SELECT CASE WHEN m.tail_id IS NULL OR cast(:since AS timestamptz) IS NULL THEN NULL
                ELSE least(m.tail_id, (
                    SELECT min(min_id) FROM hour_range
                    WHERE source = :source
                      AND hour >= date_trunc('hour', cast(:since AS timestamptz))))
           END AS lowest,
           CASE WHEN cast(:until AS timestamptz) <= m.folded_until
                THEN coalesce((SELECT max(max_id) FROM hour_range
                               WHERE source = :source AND hour < :until), 0) END AS highest
    FROM rollup_mark m
    WHERE m.source = :source AND NOT EXISTS (SELECT FROM rollup_dirty d WHERE d.source = :source)
""")


def source_of(table: str, instant: str | None) -> str | None:
    """Which source's figures are by this instant of this table, if any are."""
    return _BY_INSTANT.get((table, instant or ""))


def within_ids(
    session: Session, query: Select[Any], model: Any, narrowing: Narrowing
) -> Select[Any]:
    """The query held to the ids between which the period's rows lie, where that is known."""
    source = source_of(model.__table__.name, narrowing.when)
    if source is None or (narrowing.since is None and narrowing.until is None):
        return query
    found = session.execute(
        _RANGE, {"source": source, "since": narrowing.since, "until": narrowing.until}
    ).one_or_none()
    if found is None:
        return query
    if found.lowest is not None:
        query = query.where(model.id >= found.lowest)
    if found.highest is not None:
        query = query.where(model.id <= found.highest)
    return query
