"""Payments: scan and pay from the cards, the rest by WeChat Pay.

The counter's call is one SQL function (``kaquan.pay``; ``kaquan.pay_together`` for several plain
ones at once). What comes after it, when WeChat has a part, is here: the held card part is captured
when WeChat confirms, or goes back to its lots when the order is closed. Orders are closed at WeChat
first (``app/flows/sales/orders.py``).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core import money
from app.models.cards import Lot
from app.models.ledger import Posting
from app.models.sales import Payment, PaymentStatus, Refund, RefundOrigin, RefundStatus
from app.services import journal, ledger
from app.services.ledger import Leg
from app.services.refusals import PaymentNotFound
from app.services.sales.comebacks import bearer_charged, legs_back, takes_of

MAX_PAYMENT_FEN = 10_000_000  # 100,000 yuan: no counter of ours sells for more at once.
LIFETIME = timedelta(minutes=15)  # How long the member may take over WeChat's sheet.
LEASE = timedelta(seconds=15)  # A key's, while WeChat is asked.
PREPAY_PATIENCE = timedelta(seconds=30)  # An order without a prepay_id is given up after this.

# In one statement: the payment, and what WeChat is to be asked for when it is pending.
PAY = (
    "SELECT p.verdict, p.http_status, p.answer, p.payment_id, o.*"
    " FROM kaquan.pay(%s, %s, %s, %s, %s, %s, %s, %s) p"
    " LEFT JOIN LATERAL kaquan.wechat_order("
    "CASE p.verdict WHEN 'pending' THEN p.payment_id END, %s, %s) o ON true"
)
KEEP_PREPAY = "SELECT kaquan.keep_prepay(%s, %s, %s, %s, %s, %s)"
PAY_TOGETHER = (
    "SELECT place, http_status, answer FROM kaquan.pay_together("
    "%s::bytea[], %s::text[], %s::bytea[], %s::text[], %s::bigint[])"
)
_ORDER = text("SELECT * FROM kaquan.wechat_order(:payment_id, ''::bytea, :appid)")
_MEET = text("SELECT kaquan.meet(:member_id, :merchant_id)")
_SETTLED = (PaymentStatus.paid, PaymentStatus.partly_refunded, PaymentStatus.refunded)


class ScannedPayment(NamedTuple):
    """A member's call at a store's pay point, in the order of ``PAY_TOGETHER``'s columns."""

    token_digest: bytes
    key: str
    request_hash: bytes
    pay_point: str
    amount_fen: int


class WeChatOrder(NamedTuple):
    """What WeChat is to be asked for, in the order of ``PAY``'s further columns.

    ``caller`` is whose key the answer is kept under; ``appid`` the app in which the payer pays.
    """

    order_no: str
    status: str
    amount_fen: int
    store_name: str
    payer_openid: str
    appid: str
    expires_at: datetime
    prepay_id: str | None
    caller: str

    @property
    def description(self) -> str:
        """What the payer reads on WeChat's sheet."""
        return self.store_name[:40]


def pay_values(
    *,
    token_digest: bytes,
    key: str,
    request_hash: bytes,
    amount_fen: int,
    pay_point: str | None = None,
    payment_code_digest: bytes | None = None,
    usual_appid: str,
) -> tuple[object, ...]:
    """The values of ``PAY``: of a member's call at a pay point, or a till's with a payment code.

    Args:
        usual_appid: The mini-program's, for payers of whom no other app is known.
    """
    asked = (token_digest, key, request_hash, pay_point, payment_code_digest, amount_fen)
    return (*asked, LIFETIME, LEASE, token_digest, usual_appid)


def load_wechat_order(session: Session, *, payment_id: int, appid: str) -> WeChatOrder:
    """The order of a payment's WeChat part, made long ago.

    Args:
        appid: The mini-program's, for orders that name no other.
    """
    row = session.execute(_ORDER, {"payment_id": payment_id, "appid": appid}).one()
    return WeChatOrder(*row)


def begin_closing(session: Session, *, payment_id: int, now: datetime) -> Payment:
    """Decide that a pending payment ends. From now on it waits for WeChat's word only."""
    payment = _lock(session, Payment.id == payment_id)
    if payment.status is PaymentStatus.pending:
        payment.status = PaymentStatus.closing
        payment.closed_at = now
    return payment


def release_payment(session: Session, *, payment_id: int, now: datetime) -> Payment:
    """The order is closed at WeChat: the held card part goes back to the lots it came from."""
    payment = _lock(session, Payment.id == payment_id)
    if payment.status not in {PaymentStatus.pending, PaymentStatus.closing}:
        return payment
    payment.status, payment.closed_at = PaymentStatus.closed, now
    session.flush()
    if payment.card_fen:
        takes = takes_of(session, payment_id=payment.id)
        held = _held(payment, payment.card_fen)
        back = legs_back(session, takes=takes, now=now, payment_id=payment.id)
        ledger.post_entry(
            session,
            kind="payment_released",
            reference=f"payment:{payment.id}:ended",
            legs=[held, *back],
            now=now,
        )
    _tell(session, "payment.closed", payment)
    return payment


def confirm_payment(
    session: Session, *, order_no: str, transaction_id: str, paid_fen: int, now: datetime
) -> str:
    """WeChat has the member's money: capture the payment, once. Returns what came of it.

    A success that arrives after the order was closed is booked as not ours to keep, and goes back.

    Returns:
        ``captured``, ``repeated``, ``late``, or ``amount_differs`` (nothing is booked then; the
        amount is not what we asked for, which WeChat does not do).
    """
    payment = _lock(session, Payment.payment_no == order_no)
    if payment.wechat_transaction_id == transaction_id:
        return "repeated"
    if paid_fen != payment.wechat_fen:
        return "amount_differs"
    if payment.status is PaymentStatus.closed:
        payment.wechat_transaction_id = transaction_id
        _give_back_late_success(session, payment, now)
        return "late"
    assert payment.status not in _SETTLED, "a settled payment has another transaction"
    _capture(session, payment, transaction_id, now)
    return "captured"


def _capture(session: Session, payment: Payment, transaction_id: str, now: datetime) -> None:
    payment.status, payment.paid_at = PaymentStatus.paid, now
    payment.wechat_transaction_id = transaction_id
    payment.closed_at = None
    session.flush()
    session.execute(_MEET, {"member_id": payment.member_id, "merchant_id": payment.merchant_id})
    ids = {"payment_id": payment.id}
    commission = payment.commission_fen
    legs = [
        _held(payment, payment.card_fen),
        Leg(account="bank:wechat", amount_fen=payment.wechat_fen, **ids),
        Leg(account="payable:merchant", amount_fen=commission - payment.amount_fen,
            merchant_id=payment.merchant_id, store_id=payment.store_id, **ids),
        Leg(account="income:commission", amount_fen=-commission, **ids),
        *_bonus_spent(session, payment.id),
    ]  # fmt: skip
    ledger.post_entry(
        session,
        kind="payment_captured",
        reference=f"payment:{payment.id}:ended",
        legs=legs,
        now=now,
    )
    _tell(session, "payment.paid", payment)
    journal.send_later(session, "payment.captured", subject_id=payment.id)


def _bonus_spent(session: Session, payment_id: int) -> list[Leg]:
    rows = session.execute(
        select(Lot.bonus_bearer_id, Posting.amount_fen)
        .join(Lot, Lot.id == Posting.lot_id)
        .where(
            Posting.payment_id == payment_id,
            Posting.account == "card",
        )
    )
    return [
        leg
        for bearer_id, fen in rows
        if bearer_id is not None
        for leg in bearer_charged(bearer_id, fen, payment_id)
    ]


def _give_back_late_success(session: Session, payment: Payment, now: datetime) -> None:
    ids = {"payment_id": payment.id}
    ledger.post_entry(
        session,
        kind="payment_late",
        reference=f"payment:{payment.id}:late",
        legs=[
            Leg(account="bank:wechat", amount_fen=payment.wechat_fen, **ids),
            Leg(account="unapplied:wechat", amount_fen=-payment.wechat_fen, **ids),
        ],
        now=now,
    )
    refund_id, refund_no = journal.next_document(session, table="refund", letter="F", now=now)
    session.add(
        Refund(
            id=refund_id, refund_no=refund_no, merchant_id=payment.merchant_id,
            store_id=payment.store_id, member_id=payment.member_id, payment_id=payment.id,
            origin=RefundOrigin.late_payment, status=RefundStatus.processing,
            amount_fen=payment.wechat_fen, card_fen=0, wechat_fen=payment.wechat_fen,
            order_no=payment.payment_no, order_fen=payment.wechat_fen, reason="paid after closing",
        )
    )  # fmt: skip
    ledger.post_entry(
        session,
        kind="refund_requested",
        reference=f"refund:{refund_id}:requested",
        legs=[
            Leg(
                account="unapplied:wechat",
                amount_fen=payment.wechat_fen,
                refund_id=refund_id,
                **ids,
            ),
            Leg(
                account="refunds:wechat", amount_fen=-payment.wechat_fen, refund_id=refund_id, **ids
            ),
        ],
        now=now,
    )
    journal.send_later(session, "refund.requested", subject_id=refund_id)


def commission_refunded(payment: Payment, amount_fen: int) -> int:
    """The commission a refund gives back, by all that is refunded: the last takes the rest."""
    before = payment.refunded_card_fen + payment.refunded_wechat_fen
    in_all = money.pro_rata(
        payment.commission_fen,
        part=before + amount_fen,
        whole=payment.amount_fen,
        rounding=money.Rounding.HALF_UP,
    )
    return in_all - payment.refunded_commission_fen


def _held(payment: Payment, amount_fen: int) -> Leg:
    return Leg(
        account="held",
        amount_fen=amount_fen,
        merchant_id=payment.merchant_id,
        store_id=payment.store_id,
        payment_id=payment.id,
    )


def _lock(session: Session, condition: object) -> Payment:
    found = session.scalars(
        select(Payment)
        .where(condition)  # type: ignore[arg-type]
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise PaymentNotFound
    return found


def _tell(session: Session, topic: str, payment: Payment) -> None:
    journal.send_later(
        session,
        topic,
        subject_id=payment.id,
        merchant_id=payment.merchant_id,
        store_id=payment.store_id,
    )
