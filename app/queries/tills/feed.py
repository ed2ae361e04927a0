"""A store's feed: what it has received, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.tills import FeedEvent


@dataclass(frozen=True, kw_only=True)
class FeedSeen:
    id: int
    body: dict[str, object]


def read_feed(
    session: Session, *, after: int, before: int | None, limit: int
) -> Sequence[FeedSeen]:
    """Up to ``limit`` of the events after one and before another, in the reader's scope."""
    found = select(FeedEvent.id, FeedEvent.body).where(FeedEvent.id > after)
    if before is not None:
        found = found.where(FeedEvent.id < before)
    rows = session.execute(found.order_by(FeedEvent.id.desc()).limit(limit))
    return [FeedSeen(id=row.id, body=row.body) for row in rows]
