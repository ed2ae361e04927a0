"""Paying: the one-trip call at the counter, and WeChat Pay for what the cards do not cover."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial

from app.core.actor import Actor
from app.core.clock import utc_now
from app.core.errors import N_, Category, DomainError
from app.db import Database
from app.flows import once
from app.flows.context import Context
from app.flows.once import Answer, MoneyCall
from app.flows.sales import orders
from app.flows.sales.presenting import sheet_body
from app.models.sales import Payment, PaymentStatus
from app.services.refusals import PaymentNotFound, refusal
from app.services.sales import payments
from app.services.sales.payments import ScannedPayment, WeChatOrder


class PaymentClosed(DomainError):
    code = "payment_closed"
    category = Category.CONFLICT
    template = N_("This payment was closed and the card part is back. Please start a new payment.")


def pay(
    context: Context,
    *,
    token_digest: bytes,
    key: str,
    request_hash: bytes,
    amount_fen: int,
    pay_point: str | None = None,
    payment_code: str | None = None,
) -> Answer:
    """Pay at a store: a member's token with a scanned pay point, or a till's with a payment code.

    One round trip when the cards cover it, shared with others who pay at this moment. Otherwise the
    card part is held, WeChat is asked for the rest, and the answer carries what opens its sheet:
    one round trip more, or two for who came with others.

    Raises:
        DomainError: As the function ``kaquan.pay`` refuses; WeChatUnavailable (the same key may try
            again at once; else the card part is back within a minute), WeChatRefused.
    """
    digest = None if payment_code is None else context.keys.payment_code_digest(payment_code)
    values = payments.pay_values(
        token_digest=token_digest,
        key=key,
        request_hash=request_hash,
        amount_fen=amount_fen,
        pay_point=pay_point,
        payment_code_digest=digest,
        usual_appid=context.settings.wechat.mini_appid,
    )
    by_itself = partial(context.database.call, payments.PAY, values)
    if pay_point is None:
        made = by_itself()
    else:
        call = ScannedPayment(token_digest, key, request_hash, pay_point, amount_fen)
        made = context.payments_together.go(call, by_itself)
    if isinstance(made, Answer):
        return made
    verdict, status, text, payment_id, *order = made
    if verdict in {"paid", "replay"}:
        return Answer(status=status, text=text)
    if verdict == "pending":
        asked = WeChatOrder(*order)
        wished = MoneyCall(caller=asked.caller, key=key, request_hash=request_hash)
        shown = pay_point is not None
        return _ask_wechat(context, payment_id, asked, wished, show_sheet=shown)
    raise refusal(verdict)


def pay_scanned(database: Database, group: Sequence[ScannedPayment]) -> dict[int, Answer]:
    """Make the payments of a group that are plain, in one round trip; their answers by index.

    Raises:
        DatabaseBusy, DatabaseDown: None of them was made, or all: each may be sent again.
    """
    columns = [list(column) for column in zip(*group, strict=True)]
    rows = database.call_rows(payments.PAY_TOGETHER, columns)
    return once.answers_by_index(rows)


def close_payment(context: Context, *, payment_id: int, member: Actor) -> Payment:
    """The member gives up: WeChat's order is closed, then the card part is released.

    The payment may still be ``closing`` after this, when WeChat does not answer; or ``paid``.

    Raises:
        PaymentNotFound: Also for another member's.
    """
    with context.database.unit_of_work(member) as session:
        payment = session.get(Payment, payment_id)
        if payment is None:
            raise PaymentNotFound
    if payment.status in {PaymentStatus.pending, PaymentStatus.closing}:
        orders.close_order(context, orders.PAYMENT, payment.id, payment.payment_no)
    with context.database.unit_of_work(member) as session:
        return session.get_one(Payment, payment_id)


def _ask_wechat(
    context: Context, payment_id: int, order: WeChatOrder, call: MoneyCall, *, show_sheet: bool
) -> Answer:
    """Between two transactions of one statement each: what is held is held, whatever happens."""
    if order.status in {"closing", "closed"}:
        # Whoever sends it once more hears the same at once, not that it is under way.
        once.end_lease(context.database, call, subject_id=payment_id)
        raise PaymentClosed
    prepay_id = order.prepay_id
    if prepay_id is None and order.status == "pending":
        prepay_id = orders.ask_wechat(
            context,
            call,
            orders.PAYMENT,
            subject_id=payment_id,
            order_no=order.order_no,
            ask=lambda: context.wechat_pay.prepay(
                order_no=order.order_no,
                amount_fen=order.amount_fen,
                description=order.description,
                payer_openid=order.payer_openid,
                expires_at=order.expires_at,
                appid=order.appid,
            ),
        )
    sheet = None
    if show_sheet and prepay_id is not None:
        sheet = context.wechat_pay.payment_sheet(prepay_id, now=utc_now(), appid=order.appid)
    told = None if sheet is None else json.dumps(sheet_body(sheet))
    identity = (call.caller, call.key, call.request_hash)
    values = (payment_id, prepay_id, told, *identity)
    [answer] = context.database.call(payments.KEEP_PREPAY, values)
    return Answer(status=201, text=answer)
