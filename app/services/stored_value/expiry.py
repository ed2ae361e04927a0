"""Value that has run out: principal is breakage, a bonus is its bearer's again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.cards import Card, CardStatus, Lot, LotKind
from app.services import journal, ledger
from app.services.bearers import bonus_leg
from app.services.ledger import Leg
from app.services.stored_value.cards import lot_leg


def expire_lots(session: Session, *, now: datetime, limit: int = 500) -> int:
    """End lots whose time is over, at most ``limit`` of them. Returns how many.

    Cards that somebody is using right now are left for the next time. A lost card's value waits for
    its replacement, however long that takes.
    """
    due_cards = (
        select(Lot.card_id)
        .join(Card, Card.id == Lot.card_id)
        .where(Lot.remaining_fen > 0, Lot.expires_at <= now, Card.status != CardStatus.lost)
        .order_by(Lot.expires_at)
        .limit(limit)
    )
    locked = session.scalars(
        select(Card.id)
        .where(Card.id.in_(due_cards), Card.status != CardStatus.lost)
        .order_by(Card.id)
        .with_for_update(key_share=True, skip_locked=True)
    ).all()
    lots = session.scalars(
        select(Lot)
        .where(Lot.card_id.in_(locked), Lot.remaining_fen > 0, Lot.expires_at <= now)
        .order_by(Lot.card_id, Lot.id)
        .limit(limit)
        .execution_options(populate_existing=True)
    ).all()
    # Booking an entry forgets what the session has loaded, so look at everything first.
    for legs, reference, lot_id, merchant_id in [_ending(lot) for lot in lots]:
        ledger.post_entry(session, kind="lot_expired", reference=reference, legs=legs, now=now)
        journal.send_later(session, "lot.expired", subject_id=lot_id, merchant_id=merchant_id)
    return len(lots)


def _ending(lot: Lot) -> tuple[list[Leg], str, int, int]:
    if lot.kind is LotKind.principal:
        gain = Leg(account="income:breakage", amount_fen=-lot.remaining_fen)
    else:
        gain = bonus_leg(lot.bonus_bearer_id, -lot.remaining_fen)
    assert lot.expires_at is not None
    # A lot that was revived expires again, at another instant.
    reference = f"lot:{lot.id}:expired:{lot.expires_at.timestamp():.6f}"
    return [lot_leg(lot, lot.remaining_fen), gain], reference, lot.id, lot.merchant_id
