"""Refunds: the card part is back at once, lot by lot; the WeChat part when WeChat says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import money
from app.core.actor import TILL_ROLES, Actor
from app.core.errors import N_, Category, DomainError
from app.models.sales import (
    Payment,
    PaymentStatus,
    Refund,
    RefundOrigin,
    RefundStatus,
)
from app.services import journal, ledger
from app.services.ledger import Leg
from app.services.ports import RefundState, WeChatRefund
from app.services.refusals import Forbidden, PaymentNotFound
from app.services.sales import refund_requests
from app.services.sales.comebacks import bearers_relieved, last_spent_first, legs_back, takes_of
from app.services.sales.payments import commission_refunded


class RefundExceedsPayment(DomainError):
    code = "refund_exceeds_payment"
    category = Category.CONFLICT
    template = N_("Only %(refundable_yuan)s yuan of this payment can still be refunded.")


class PaymentNotPaid(DomainError):
    code = "payment_not_paid"
    category = Category.CONFLICT
    template = N_("This payment was not completed, so there is nothing to refund.")


def refund_payment(
    session: Session,
    *,
    payment_no: str,
    amount_fen: int,
    reason: str,
    till: Actor,
    now: datetime,
) -> Refund:
    """Give back a part or the whole of a payment, split over its tenders by what is left of each.

    Raises:
        PaymentNotFound: Also for another store's payment.
        RefundExceedsPayment: Tells what can still be refunded. R1.
        PaymentNotPaid: It is pending or closed.
    """
    payment = _lock_own_payment(session, payment_no, till)
    card_left = payment.card_fen - payment.refunded_card_fen
    wechat_left = payment.wechat_fen - payment.refunded_wechat_fen
    left = card_left + wechat_left
    if amount_fen > left:
        raise RefundExceedsPayment(refundable_yuan=money.yuan(left), extra={"refundable_fen": left})
    card_fen = money.pro_rata(amount_fen, part=card_left, whole=left, rounding=money.Rounding.DOWN)
    refund = _write_refund(session, payment, card_fen, amount_fen - card_fen, reason, till, now)
    _note_on_payment(payment, refund)
    session.flush()
    refund_requests.answer_requests(session, payment_id=payment.id, now=now)
    card_commission = money.pro_rata(
        refund.commission_fen, part=card_fen, whole=amount_fen, rounding=money.Rounding.DOWN
    )
    if card_fen:
        _give_back_card_part(session, payment, refund, card_commission, now)
    if refund.wechat_fen:
        _ask_for_wechat_part(session, payment, refund, refund.commission_fen - card_commission, now)
    _tell_and_audit(session, refund, till)
    return refund


def note_wechat_refund(session: Session, *, told: WeChatRefund, now: datetime) -> str:
    """What WeChat says of a refund: book it when it succeeded, park it when it did not.

    A refund that WeChat closed is asked for again under a new number, as its rules want.

    Returns:
        ``succeeded``, ``abnormal``, ``asked_again``, ``repeated``, ``processing``, or
        ``amount_differs`` (nothing is booked then).
    """
    refund = session.scalars(
        select(Refund).where(Refund.refund_no == told.refund_no).with_for_update(key_share=True)
    ).one()
    if refund.status is not RefundStatus.processing and not (
        refund.status is RefundStatus.abnormal and told.state is RefundState.SUCCESS
    ):
        return "repeated"
    if told.refund_fen is not None and told.refund_fen != refund.wechat_fen:
        return "amount_differs"
    refund.wechat_refund_id = told.refund_id or refund.wechat_refund_id
    if told.state is RefundState.SUCCESS:
        _book_success(session, refund, now)
        return "succeeded"
    if told.state is RefundState.ABNORMAL:
        refund.status = RefundStatus.abnormal
        journal.send_later(session, "refund.abnormal", subject_id=refund.id)
        return "abnormal"
    if told.state is RefundState.CLOSED:
        _ask_again(session, refund, now)
        return "asked_again"
    return "processing"


def is_known(session: Session, *, refund_no: str, order_no: str) -> bool:
    """Whether a refund of this number is ours, and of this order."""
    query = select(Refund.id).where(Refund.refund_no == refund_no, Refund.order_no == order_no)
    return session.scalar(query) is not None


@dataclass(frozen=True, kw_only=True)
class WeChatRefundRequest:
    """What to ask of WeChat, in fen of the WeChat part."""

    refund_no: str
    order_no: str
    refund_fen: int
    order_fen: int
    reason: str


def load_wechat_refund_request(session: Session, *, refund_id: int) -> WeChatRefundRequest | None:
    """The request of a refund that WeChat still has to answer; None when it is settled."""
    refund = session.get(Refund, refund_id)
    if refund is None or refund.status is not RefundStatus.processing:
        return None
    return WeChatRefundRequest(
        refund_no=refund.refund_no,
        order_no=refund.order_no,
        refund_fen=refund.wechat_fen,
        order_fen=refund.order_fen,
        reason=refund.reason[:80],
    )


def _lock_own_payment(session: Session, payment_no: str, till: Actor) -> Payment:
    if till.role not in TILL_ROLES:
        raise Forbidden
    payment = session.scalars(
        select(Payment).where(Payment.payment_no == payment_no).with_for_update(key_share=True)
    ).one_or_none()
    own = payment is not None and payment.merchant_id == till.merchant_id
    if payment is None or not own or till.store_id not in {None, payment.store_id}:
        raise PaymentNotFound
    if payment.status in {PaymentStatus.pending, PaymentStatus.closing, PaymentStatus.closed}:
        raise PaymentNotPaid
    return payment


def _write_refund(
    session: Session,
    payment: Payment,
    card_fen: int,
    wechat_fen: int,
    reason: str,
    till: Actor,
    now: datetime,
) -> Refund:
    refund_id, refund_no = journal.next_document(session, table="refund", letter="F", now=now)
    refund = Refund(
        id=refund_id,
        refund_no=refund_no,
        merchant_id=payment.merchant_id,
        store_id=payment.store_id,
        member_id=payment.member_id,
        payment_id=payment.id,
        origin=RefundOrigin.payment,
        status=RefundStatus.processing if wechat_fen else RefundStatus.succeeded,
        amount_fen=card_fen + wechat_fen,
        card_fen=card_fen,
        wechat_fen=wechat_fen,
        commission_fen=commission_refunded(payment, card_fen + wechat_fen),
        order_no=payment.payment_no,
        order_fen=payment.wechat_fen,
        reason=reason,
        staff_id=till.staff_id,
        terminal_id=till.terminal_id,
        created_at=now,
        succeeded_at=None if wechat_fen else now,
    )
    session.add(refund)
    return refund


def _note_on_payment(payment: Payment, refund: Refund) -> None:
    payment.refunded_card_fen += refund.card_fen
    payment.refunded_wechat_fen += refund.wechat_fen
    payment.refunded_commission_fen += refund.commission_fen
    whole = payment.refunded_card_fen + payment.refunded_wechat_fen == payment.amount_fen
    payment.status = PaymentStatus.refunded if whole else PaymentStatus.partly_refunded


def _give_back_card_part(
    session: Session, payment: Payment, refund: Refund, commission_fen: int, now: datetime
) -> None:
    before_fen = payment.refunded_card_fen - refund.card_fen
    left = takes_of(session, payment_id=payment.id, returned_fen=before_fen)
    takes = last_spent_first(left, refund.card_fen)
    ledger.post_entry(
        session,
        kind="refund_card",
        reference=f"refund:{refund.id}:card",
        legs=[
            *_from_the_store(payment, refund, refund.card_fen, commission_fen),
            *legs_back(session, takes=takes, now=now, payment_id=payment.id, refund_id=refund.id),
            *bearers_relieved(session, takes=takes, payment_id=payment.id),
        ],
        now=now,
        reason=refund.reason,
    )


def _ask_for_wechat_part(
    session: Session, payment: Payment, refund: Refund, commission_fen: int, now: datetime
) -> None:
    ledger.post_entry(
        session,
        kind="refund_requested",
        reference=f"refund:{refund.id}:requested",
        legs=[
            *_from_the_store(payment, refund, refund.wechat_fen, commission_fen),
            Leg(account="refunds:wechat", amount_fen=-refund.wechat_fen,
                payment_id=payment.id, refund_id=refund.id),
        ],
        now=now,
        reason=refund.reason,
    )  # fmt: skip
    journal.send_later(session, "refund.requested", subject_id=refund.id)


def _tell_and_audit(session: Session, refund: Refund, till: Actor) -> None:
    journal.send_later(
        session,
        "refund.made",
        subject_id=refund.id,
        merchant_id=refund.merchant_id,
        store_id=refund.store_id,
    )
    journal.audit(
        session,
        "payment.refunded",
        actor=till,
        subject_id=refund.id,
        member_id=refund.member_id,
        detail={"amount_fen": refund.amount_fen, "reason": refund.reason},
    )


def _from_the_store(
    payment: Payment, refund: Refund, amount_fen: int, commission_fen: int
) -> list[Leg]:
    ids = {"payment_id": payment.id, "refund_id": refund.id}
    return [
        Leg(account="payable:merchant", amount_fen=amount_fen - commission_fen,
            merchant_id=payment.merchant_id, store_id=payment.store_id, **ids),
        Leg(account="income:commission", amount_fen=commission_fen, **ids),
    ]  # fmt: skip


def _book_success(session: Session, refund: Refund, now: datetime) -> None:
    refund.status, refund.succeeded_at = RefundStatus.succeeded, now
    session.flush()
    ledger.post_entry(
        session,
        kind="refund_succeeded",
        reference=f"refund:{refund.replaces_id or refund.id}:succeeded",
        legs=[
            Leg(
                account=account,
                amount_fen=amount_fen,
                refund_id=refund.replaces_id or refund.id,
                payment_id=refund.payment_id,
                top_up_id=refund.top_up_id,
            )
            for account, amount_fen in (
                ("refunds:wechat", refund.wechat_fen),
                ("bank:wechat", -refund.wechat_fen),
            )
        ],
        now=now,
    )
    journal.send_later(session, "refund.succeeded", subject_id=refund.id)


def _ask_again(session: Session, refund: Refund, now: datetime) -> None:
    refund.status = RefundStatus.closed
    again_id, again_no = journal.next_document(session, table="refund", letter="F", now=now)
    copied = ("merchant_id", "store_id", "member_id", "payment_id", "top_up_id", "origin",
              "voucher_sale_id", "order_no", "order_fen", "reason", "staff_id", "terminal_id",
              "wechat_fen")  # fmt: skip
    session.add(
        Refund(
            id=again_id,
            refund_no=again_no,
            status=RefundStatus.processing,
            # Only what WeChat owes is asked for again; the card part is back since long.
            amount_fen=refund.wechat_fen,
            card_fen=0,
            replaces_id=refund.replaces_id or refund.id,
            **{name: getattr(refund, name) for name in copied},
        )
    )
    journal.send_later(session, "refund.requested", subject_id=again_id)
