"""What becomes of a difference: one person proposes a correction, another one confirms it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.models.reconciliations import (
    BillLine,
    Correction,
    DifferenceKind,
    DifferenceStatus,
    Reconciliation,
    ReconciliationDifference,
)
from app.models.sales import Payment, Refund, TopUp
from app.services import journal, ledger
from app.services.ledger import Leg
from app.services.sales.payments import confirm_payment
from app.services.sales.top_ups import confirm_top_up
from app.services.settlement.banking import fee_reference
from app.services.settlement.bill_matching import booked_of_stranger_fen
from app.services.settlement.reconciliations import count_open
from app.services.tills.till_sales import confirm_sale
from app.services.two_people import ReasonRequired, require_another, require_asker

# What may be done about each kind. Nothing else makes sense of it.
CORRECTIONS = {
    DifferenceKind.missing_here: (Correction.confirm, Correction.unapplied, Correction.explain),
    DifferenceKind.missing_there: (Correction.expense, Correction.unapplied, Correction.explain),
    DifferenceKind.amount_differs: (Correction.expense, Correction.explain),
    DifferenceKind.ledger_differs: (Correction.expense, Correction.unapplied, Correction.explain),
    DifferenceKind.duplicate: (Correction.unapplied, Correction.explain),
    DifferenceKind.fee_differs: (Correction.expense, Correction.explain),
}

_KEPT_BEFORE = {DifferenceKind.missing_there, DifferenceKind.ledger_differs}


class DifferenceNotFound(DomainError):
    code = "difference_not_found"
    category = Category.NOT_FOUND
    template = N_("No such difference.")


class DifferenceChanged(DomainError):
    code = "difference_changed"
    category = Category.CONFLICT
    template = N_("Somebody has dealt with this difference meanwhile. Please look at it again.")


class CorrectionImpossible(DomainError):
    code = "correction_impossible"
    category = Category.CONFLICT
    template = N_("This cannot be booked like that. Please choose another correction.")


def corrections_of(found: ReconciliationDifference) -> Sequence[Correction]:
    """What may be done about a difference.

    Only an order of ours can be booked as paid. What was kept as not ours and has turned out not to
    be there is taken off again from where it was kept, at nobody's cost.
    """
    was_kept = found.suggestion is Correction.unapplied
    fits = {
        Correction.confirm: found.suggestion is Correction.confirm,
        Correction.unapplied: was_kept or found.kind not in _KEPT_BEFORE,
        Correction.expense: not was_kept,
        Correction.explain: True,
    }
    return [one for one in CORRECTIONS[found.kind] if fits[one]]


def was_kept_before(found: ReconciliationDifference) -> bool:
    """Whether the ledger has kept as not ours what WeChat does not have (any more)."""
    return found.suggestion is Correction.unapplied and found.kind in _KEPT_BEFORE


def is_about_fee(found: ReconciliationDifference) -> bool:
    """Whether it is a day's fee that differs, and no order."""
    return found.number == fee_reference(found.bill_on)


def propose_correction(
    session: Session,
    *,
    difference_id: int,
    correction: Correction,
    note: str,
    maker: Actor,
    now: datetime,
) -> ReconciliationDifference:
    """Say what should be done about a difference, and why. Nothing is booked yet.

    Raises:
        DifferenceNotFound, DifferenceChanged, CorrectionImpossible, ReasonRequired
    """
    found = _lock(session, difference_id, DifferenceStatus.unresolved)
    if correction not in corrections_of(found):
        raise CorrectionImpossible
    if not note.strip():
        raise ReasonRequired
    found.status, found.correction = DifferenceStatus.proposed, correction
    found.note, found.proposed_by_id, found.proposed_at = note.strip(), maker.staff_id, now
    _audit(session, "difference.proposed", found, maker)
    return found


def confirm_correction(
    session: Session, *, difference_id: int, checker: Actor, now: datetime
) -> ReconciliationDifference:
    """Agree: it is booked now, once.

    Raises:
        SecondPersonRequired: Whoever proposed it does not agree to it.
        DifferenceNotFound, DifferenceChanged, CorrectionImpossible
    """
    found = _lock(session, difference_id, DifferenceStatus.proposed)
    require_another(checker, than=found.proposed_by_id)
    assert found.correction is not None, "a proposal has one"
    _CARRY_OUT[found.correction](session, found, now)
    found = _lock(session, difference_id, DifferenceStatus.proposed)  # Booking has forgotten it.
    found.status = DifferenceStatus.corrected
    found.decided_by_id, found.decided_at = checker.staff_id, now
    session.flush()
    count_open(session)
    _audit(session, "difference.corrected", found, checker)
    return found


def refuse_correction(
    session: Session, *, difference_id: int, note: str, checker: Actor
) -> ReconciliationDifference:
    """Say no to a proposal, and why: the difference is open again.

    Raises:
        SecondPersonRequired, DifferenceNotFound, DifferenceChanged, ReasonRequired
    """
    if not note.strip():
        raise ReasonRequired
    found = _lock(session, difference_id, DifferenceStatus.proposed)
    require_another(checker, than=found.proposed_by_id)
    _audit(session, "difference.refused", found, checker)
    _reopen(found)
    found.decision_note = note.strip()
    return found


def withdraw_correction(
    session: Session, *, difference_id: int, maker: Actor
) -> ReconciliationDifference:
    """Take one's own proposal back before anybody has decided: the difference is open again.

    Raises:
        NotTheAsker, DifferenceNotFound, DifferenceChanged
    """
    found = _lock(session, difference_id, DifferenceStatus.proposed)
    require_asker(maker, asked_by=found.proposed_by_id)
    _audit(session, "difference.withdrawn", found, maker)
    _reopen(found)
    return found


def _reopen(found: ReconciliationDifference) -> None:
    found.status, found.correction = DifferenceStatus.unresolved, None
    found.proposed_by_id = found.proposed_at = None


def _lock(
    session: Session, difference_id: int, wanted: DifferenceStatus
) -> ReconciliationDifference:
    _lock_day_of(session, difference_id)
    found = session.get(
        ReconciliationDifference, difference_id, with_for_update=True, populate_existing=True
    )
    if found is None:
        raise DifferenceNotFound
    if found.status is not wanted:
        raise DifferenceChanged
    return found


def _lock_day_of(session: Session, difference_id: int) -> None:
    """Its day before it, as whoever compares the day does."""
    day = select(ReconciliationDifference.reconciliation_id).where(
        ReconciliationDifference.id == difference_id
    )
    session.execute(
        select(Reconciliation.id)
        .where(Reconciliation.id == day.scalar_subquery())
        .with_for_update()
    )


def _order(session: Session, number: str) -> Payment | TopUp | None:
    payment = session.scalar(select(Payment).where(Payment.payment_no == number))
    return payment or session.scalar(select(TopUp).where(TopUp.top_up_no == number))


def _confirm(session: Session, found: ReconciliationDifference, now: datetime) -> None:
    """Book the payment or top-up as WeChat's own notification would have."""
    book = {"P": confirm_payment, "T": confirm_top_up, "S": confirm_sale}.get(found.number[:1])
    if book is None or found.wechat_no is None or found.wechat_fen is None:
        raise CorrectionImpossible
    outcome = book(
        session,
        order_no=found.number,
        transaction_id=found.wechat_no,
        paid_fen=found.wechat_fen,
        now=now,
    )
    if outcome == "amount_differs":
        raise CorrectionImpossible


def _book_unapplied(session: Session, found: ReconciliationDifference, now: datetime) -> None:
    """WeChat has moved money that belongs to no order of ours: it is not ours to keep.

    Or less of it than was kept: the rest is taken off again.
    """
    booked = found.ledger_fen or 0
    if found.kind is DifferenceKind.duplicate:
        booked = max(booked, found.ours_fen or 0)
    elif found.kind is DifferenceKind.missing_here:
        booked = 0
    fen = (found.wechat_fen or 0) - booked
    if fen == 0:
        raise CorrectionImpossible
    if _is_refund(session, found):
        fen = -fen
    _book(session, found, "unapplied:wechat", fen, now)


def _book_expense(session: Session, found: ReconciliationDifference, now: datetime) -> None:
    """Bring WeChat's account to what WeChat says; the platform bears or keeps the rest."""
    fen = (found.wechat_fen or 0) - (found.ledger_fen or 0)
    if fen == 0:
        raise CorrectionImpossible
    if is_about_fee(found):
        _book(session, found, "expense:wechat-fee", -fen, now)
        return
    if _is_refund(session, found):
        fen = -fen
    _book(session, found, "expense:adjustment", fen, now)


def _book(
    session: Session, found: ReconciliationDifference, against: str, fen: int, now: datetime
) -> None:
    ids = _dimensions(session, found)
    ledger.post_entry(
        session,
        kind="reconciliation_correction",
        reference=f"reconciliation:{found.id}",
        legs=[
            replace(ids, account="bank:wechat", amount_fen=fen),
            replace(ids, account=against, amount_fen=-fen),
        ],
        now=now,
        reason=found.note,
    )


def _dimensions(session: Session, found: ReconciliationDifference) -> Leg:
    """Whose correction it is, so that the next comparison counts it: a leg without an amount."""
    leg = Leg(account="bank:wechat", amount_fen=0)
    if _is_refund(session, found):
        refund = session.scalar(select(Refund).where(Refund.refund_no == found.number))
        if refund is None:
            return leg
        first = refund.replaces_id or refund.id
        return replace(
            leg, refund_id=first, payment_id=refund.payment_id, top_up_id=refund.top_up_id
        )
    order = _order(session, found.number)
    if order is None:
        return leg
    if isinstance(order, Payment):
        return replace(leg, payment_id=order.id)
    return replace(leg, top_up_id=order.id)


def _is_refund(session: Session, found: ReconciliationDifference) -> bool:
    line = session.scalar(
        select(BillLine.is_refund).where(
            BillLine.bill_on == found.bill_on, BillLine.number == found.number
        ).limit(1)
    )  # fmt: skip
    if line is not None:
        return line
    if session.scalar(select(Refund.id).where(Refund.refund_no == found.number)) is not None:
        return True
    return booked_of_stranger_fen(session, found.number) < 0


def _explain(_session: Session, _found: ReconciliationDifference, _now: datetime) -> None:
    """Nothing is booked: the note says why."""


_CARRY_OUT = {
    Correction.confirm: _confirm,
    Correction.unapplied: _book_unapplied,
    Correction.expense: _book_expense,
    Correction.explain: _explain,
}


def _audit(session: Session, action: str, found: ReconciliationDifference, actor: Actor) -> None:
    journal.audit(
        session,
        action,
        actor=actor,
        subject_id=found.id,
        detail={
            "bill_on": found.bill_on.isoformat(),
            "number": found.number,
            "correction": found.correction.name if found.correction else "",
        },
    )
