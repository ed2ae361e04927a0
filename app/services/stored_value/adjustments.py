"""Adjustments (调账): one person asks for a card to be corrected, another decides."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.business_settings import ADJUSTMENT_FEN
from app.core.errors import N_, Category, DomainError
from app.core.money import yuan
from app.models.cards import CardStatus
from app.models.decisions import AdjustmentStatus, CardAdjustment
from app.services import journal
from app.services.business_settings import read_setting
from app.services.stored_value.cards import (
    CardStateConflict,
    adjust_card,
    lock_card,
)
from app.services.two_people import require_another, require_asker, require_reason


class AdjustmentNotFound(DomainError):
    code = "adjustment_not_found"
    category = Category.NOT_FOUND
    template = N_("No such request for an adjustment.")


class AdjustmentDecided(DomainError):
    code = "adjustment_decided"
    category = Category.CONFLICT
    template = N_("This request was decided already. Please look at it again.")


class AdjustmentTooLarge(DomainError):
    code = "adjustment_too_large"
    category = Category.INVALID
    template = N_("One adjustment is at most %(limit_yuan)s yuan, and not nothing.")


def request_adjustment(
    session: Session, *, card_id: int, amount_fen: int, reason: str, maker: Actor, now: datetime
) -> CardAdjustment:
    """Ask for a card to be corrected. Nothing moves until a second person agrees.

    Args:
        amount_fen: Positive puts value onto the card, negative takes it off.

    Raises:
        AdjustmentTooLarge, ReasonRequired, CardNotFound, CardStateConflict
    """
    assert maker.staff_id is not None, "a person asks"
    limit_fen = read_setting(session, ADJUSTMENT_FEN)
    if not 0 < abs(amount_fen) <= limit_fen:
        raise AdjustmentTooLarge(limit_yuan=yuan(limit_fen))
    require_reason(reason)
    card = lock_card(session, card_id=card_id)
    if card.status is not CardStatus.active:
        raise CardStateConflict(extra={"status": card.status.name})
    request_id, request_no = journal.next_document(
        session, table="card_adjustment", letter="A", now=now
    )
    request = CardAdjustment(
        id=request_id,
        adjustment_no=request_no,
        merchant_id=card.merchant_id,
        card_id=card_id,
        member_id=card.member_id,
        amount_fen=amount_fen,
        reason=reason.strip(),
        status=AdjustmentStatus.requested,
        created_by_id=maker.staff_id,
        created_at=now,
    )
    session.add(request)
    session.flush()
    _audit(session, "adjustment.requested", request, maker, {"amount_fen": amount_fen})
    return request


def approve_adjustment(
    session: Session, *, adjustment_id: int, approver: Actor, now: datetime
) -> CardAdjustment:
    """Agree to a request: it is booked now, once.

    Raises:
        SecondPersonRequired: Whoever asked does not agree to it.
        AdjustmentNotFound, AdjustmentDecided
        CardNotFound, CardStateConflict, CardBalanceShort, CardCapExceeded: The request stays open.
    """
    request = _lock_open(session, adjustment_id)
    require_another(approver, than=request.created_by_id)
    # Booking forgets what the session has loaded, so everything is read before.
    card_id, number, fen, reason = (
        request.card_id,
        request.adjustment_no,
        request.amount_fen,
        request.reason,
    )
    maker = Actor(scope=approver.scope, staff_id=request.created_by_id)
    entry_id = adjust_card(
        session,
        card_id=card_id,
        request_no=number,
        amount_fen=fen,
        reason=reason,
        maker=maker,
        approver=approver,
        now=now,
    )
    request.status, request.entry_id = AdjustmentStatus.booked, entry_id
    request.decided_by_id, request.decided_at = approver.staff_id, now
    session.flush()
    return request


def refuse_adjustment(
    session: Session, *, adjustment_id: int, note: str, approver: Actor, now: datetime
) -> CardAdjustment:
    """Say no to a request, and why. The card stays as it is.

    Raises:
        SecondPersonRequired, AdjustmentNotFound, AdjustmentDecided, ReasonRequired
    """
    require_reason(note)
    request = _lock_open(session, adjustment_id)
    require_another(approver, than=request.created_by_id)
    request.status, request.decision_note = AdjustmentStatus.refused, note.strip()
    request.decided_by_id, request.decided_at = approver.staff_id, now
    session.flush()
    _audit(session, "adjustment.refused", request, approver, {"reason": note.strip()})
    return request


def withdraw_adjustment(
    session: Session, *, adjustment_id: int, maker: Actor, now: datetime
) -> CardAdjustment:
    """Take one's own request back before anybody has decided. The card stays as it is.

    Raises:
        NotTheAsker, AdjustmentNotFound, AdjustmentDecided
    """
    request = _lock_open(session, adjustment_id)
    require_asker(maker, asked_by=request.created_by_id)
    request.status = AdjustmentStatus.withdrawn
    request.decided_by_id, request.decided_at = maker.staff_id, now
    session.flush()
    _audit(session, "adjustment.withdrawn", request, maker, {"amount_fen": request.amount_fen})
    return request


def _lock_open(session: Session, adjustment_id: int) -> CardAdjustment:
    request = session.get(
        CardAdjustment, adjustment_id, with_for_update=True, populate_existing=True
    )
    if request is None:
        raise AdjustmentNotFound
    if request.status is not AdjustmentStatus.requested:
        raise AdjustmentDecided
    return request


def _audit(
    session: Session,
    action: str,
    request: CardAdjustment,
    actor: Actor,
    detail: dict[str, object],
) -> None:
    journal.audit(
        session,
        action,
        actor=actor,
        subject_id=request.card_id,
        merchant_id=request.merchant_id,
        member_id=request.member_id,
        detail={"adjustment_no": request.adjustment_no, **detail},
    )
