"""Which merchants may write content of their own, for the platform to review."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.models.contents import ContentRight
from app.services import journal


def allow_merchants(
    session: Session, *, merchant_ids: Sequence[int], actor: Actor, now: datetime
) -> None:
    """Say which merchants may write content of their own; what others wrote stays."""
    known = set(session.scalars(select(ContentRight.merchant_id)))
    wanted = set(merchant_ids)
    for merchant_id in sorted(wanted - known):
        session.add(ContentRight(merchant_id=merchant_id, given_by_id=actor.staff_id, given_at=now))
    for merchant_id in sorted(known - wanted):
        session.delete(session.get_one(ContentRight, merchant_id))
    for merchant_id in sorted(wanted ^ known):
        journal.audit(
            session,
            "content.right",
            actor=actor,
            merchant_id=merchant_id,
            detail={"allowed": merchant_id in wanted},
        )
