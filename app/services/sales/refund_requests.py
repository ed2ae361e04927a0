"""A member asks the store for money back. Asking moves nothing; the store's refund answers it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import money
from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.models.refund_requests import RefundRequest, RefundRequestStatus
from app.models.sales import Payment, PaymentStatus
from app.services import journal
from app.services.refusals import PaymentNotFound

MAX_REASON = 200
_REFUNDABLE = (PaymentStatus.paid, PaymentStatus.partly_refunded)


class NothingToRefund(DomainError):
    code = "nothing_to_refund"
    category = Category.CONFLICT
    template = N_("Nothing of this payment can be refunded: it was not paid, or is refunded.")


class RefundRequestTooMuch(DomainError):
    code = "refund_request_too_much"
    category = Category.CONFLICT
    template = N_(
        "Of this payment %(refundable_yuan)s yuan are left. Please ask for no more than that."
    )


def ask_for_refund(
    session: Session,
    *,
    payment_id: int,
    amount_fen: int,
    reason: str,
    member: Actor,
) -> RefundRequest:
    """Put a request before the store. Asking again while one waits gives that one.

    Raises:
        PaymentNotFound: Also for another member's payment.
        NothingToRefund, RefundRequestTooMuch
    """
    payment = session.get(Payment, payment_id, with_for_update={"key_share": True})
    if payment is None or payment.member_id != member.member_id:
        raise PaymentNotFound
    waiting = session.scalars(
        select(RefundRequest).where(
            RefundRequest.payment_id == payment_id,
            RefundRequest.status == RefundRequestStatus.waiting,
        )
    ).one_or_none()
    if waiting is not None:
        return waiting
    _require_refundable(payment, amount_fen)
    request = RefundRequest(
        merchant_id=payment.merchant_id,
        store_id=payment.store_id,
        member_id=payment.member_id,
        payment_id=payment.id,
        payment_no=payment.payment_no,
        amount_fen=amount_fen,
        reason=reason,
        status=RefundRequestStatus.waiting,
    )
    session.add(request)
    session.flush()
    session.refresh(request)
    journal.send_later(
        session,
        "refund.requested",
        subject_id=request.id,
        merchant_id=payment.merchant_id,
        store_id=payment.store_id,
    )
    journal.audit(
        session,
        "refund.requested",
        actor=member,
        subject_id=request.id,
        merchant_id=payment.merchant_id,
        store_id=payment.store_id,
        detail={"amount_fen": amount_fen, "payment_no": payment.payment_no},
    )
    return request


def answer_requests(session: Session, *, payment_id: int, now: datetime) -> None:
    """A refund of the payment answers what was asked for it."""
    session.execute(
        update(RefundRequest)
        .where(
            RefundRequest.payment_id == payment_id,
            RefundRequest.status == RefundRequestStatus.waiting,
        )
        .values(status=RefundRequestStatus.refunded, answered_at=now)
    )


def _require_refundable(payment: Payment, amount_fen: int) -> None:
    left = payment.amount_fen - payment.refunded_card_fen - payment.refunded_wechat_fen
    if payment.status not in _REFUNDABLE or left == 0:
        raise NothingToRefund
    if amount_fen > left:
        raise RefundRequestTooMuch(refundable_yuan=money.yuan(left), extra={"refundable_fen": left})
