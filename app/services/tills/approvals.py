"""Approvals: a cashier asks, a manager does it at the same till, and both are kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import MANAGER_ROLES, Actor
from app.core.errors import N_, Category, DomainError
from app.models.people import Staff
from app.models.tills import Approval, ApprovalAction, ApprovalStatus
from app.services import journal
from app.services.refusals import Forbidden
from app.services.sales import cash_top_ups
from app.services.vouchers import redemptions


class ApprovalNotFound(DomainError):
    code = "approval_not_found"
    category = Category.NOT_FOUND
    template = N_("No such request for approval. Please ask again.")


class ApprovalDecided(DomainError):
    code = "approval_decided"
    category = Category.CONFLICT
    template = N_("This request is decided already. Please look at the record.")


class ApproverIsAsker(DomainError):
    code = "approver_is_asker"
    category = Category.FORBIDDEN
    template = N_("Who asks cannot approve. Please call another manager.")


def ask_approval(
    session: Session, *, action: ApprovalAction, number: str, reason: str, till: Actor
) -> Approval:
    """Write down what somebody at a till wants done. Nothing has happened yet."""
    assert till.merchant_id is not None, "a till belongs to a merchant"
    assert till.store_id is not None, "and to one of its stores"
    assert till.staff_id is not None, "somebody asks"
    asked = Approval(
        merchant_id=till.merchant_id,
        store_id=till.store_id,
        terminal_id=till.terminal_id,
        action=action,
        number=number,
        reason=reason,
        asked_by_id=till.staff_id,
    )
    session.add(asked)
    session.flush()
    journal.audit(
        session, "approval.asked", actor=till, subject_id=asked.id,
        detail={"action": action.name, "number": number, "reason": reason},
    )  # fmt: skip
    session.refresh(asked)
    return asked


def approve(
    session: Session, *, approval_id: int, till: Actor, approver: Staff, now: datetime
) -> Approval:
    """A manager does what was asked for, at the till where it was asked, in the same transaction.

    Args:
        approver: Has proved who they are just now, and belongs to the till's store.

    Raises:
        ApprovalNotFound: Also for another store's. ApprovalDecided, ApproverIsAsker, Forbidden
        And whatever speaks against the thing itself; then nothing is decided.
    """
    asked = _lock(session, approval_id, till)
    if approver.role not in MANAGER_ROLES:
        raise Forbidden
    if approver.id == asked.asked_by_id:
        raise ApproverIsAsker
    manager = Actor(
        scope=till.scope,
        staff_id=approver.id,
        merchant_id=till.merchant_id,
        store_id=till.store_id,
        role=approver.role,
        terminal_id=till.terminal_id,
    )
    asked.status, asked.approved_by_id = ApprovalStatus.approved, approver.id
    asked.decided_at = now
    _act(session, asked, till, manager, now)
    journal.audit(
        session, "approval.approved", actor=manager, subject_id=approval_id,
        detail={"asked_by": asked.asked_by_id, "action": asked.action.name, "number": asked.number},
    )  # fmt: skip
    return asked


def withdraw(session: Session, *, approval_id: int, till: Actor, now: datetime) -> Approval:
    """Whoever asked, or a manager who refuses, ends a request."""
    asked = _lock(session, approval_id, till)
    if till.staff_id != asked.asked_by_id and till.role not in MANAGER_ROLES:
        raise Forbidden
    asked.status, asked.decided_at = ApprovalStatus.withdrawn, now
    journal.audit(session, "approval.withdrawn", actor=till, subject_id=approval_id)
    return asked


def _act(session: Session, asked: Approval, till: Actor, manager: Actor, now: datetime) -> None:
    if asked.action is ApprovalAction.reverse_redemption:
        redemptions.reverse_redemption(
            session, redemption_no=asked.number, reason=asked.reason, till=manager, now=now
        )
    else:
        cash_top_ups.reverse_cash_top_up(
            session, top_up_no=asked.number, reason=asked.reason, till=manager, now=now,
            drawer=till,
        )  # fmt: skip


def _lock(session: Session, approval_id: int, till: Actor) -> Approval:
    asked: Approval | None = session.scalars(
        select(Approval)
        .where(Approval.id == approval_id, Approval.store_id == till.store_id)
        .with_for_update()
    ).one_or_none()
    if asked is None:
        raise ApprovalNotFound
    if asked.status is not ApprovalStatus.asked:
        raise ApprovalDecided
    return asked
