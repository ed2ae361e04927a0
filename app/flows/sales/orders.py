"""Orders at WeChat: asked again when nobody told us, closed there first, released here after.

Payments and top-ups differ in what a state means for the ledger, and not in how WeChat is dealt
with; ``OrderKind`` is the difference.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.flows import once
from app.flows.context import Context
from app.flows.once import MoneyCall
from app.models.sales import Payment, TopUp
from app.models.tills import VoucherSale
from app.services.ports import (
    GatewayRefused,
    GatewayUnavailable,
    OrderAlreadyPaid,
    OrderNotFound,
    OrderState,
    WeChatOrder,
)
from app.services.refusals import WeChatRefused, WeChatUnavailable
from app.services.sales import payments, top_ups
from app.services.tills import till_sales

log = logging.getLogger(__name__)

ASK_AFTER = timedelta(seconds=15)  # WeChat's notification usually takes one.
ASK_AGAIN_AFTER = timedelta(seconds=45)
CLOSE_AGAIN_AFTER = timedelta(seconds=8)


class Confirm(Protocol):
    def __call__(
        self, session: Session, *, order_no: str, transaction_id: str, paid_fen: int, now: datetime
    ) -> str: ...


@dataclass(frozen=True, kw_only=True)
class OrderKind:
    """Where one kind of order stands, and how it begins to close, is released, is confirmed.

    ``number`` and ``prepaid`` name columns: our number of it, and what WeChat has answered.
    """

    table: type[Payment] | type[TopUp] | type[VoucherSale]
    number: str
    prepaid: str
    begin_closing: Callable[[Session, int, datetime], object]
    release: Callable[[Session, int, datetime], object]
    confirm: Confirm


PAYMENT = OrderKind(
    table=Payment,
    number="payment_no",
    prepaid="prepay_id",
    begin_closing=lambda s, i, now: payments.begin_closing(s, payment_id=i, now=now),
    release=lambda s, i, now: payments.release_payment(s, payment_id=i, now=now),
    confirm=payments.confirm_payment,
)
TOP_UP = OrderKind(
    table=TopUp,
    number="top_up_no",
    prepaid="prepay_id",
    begin_closing=lambda s, i, _now: top_ups.begin_closing(s, top_up_id=i),
    release=lambda s, i, _now: top_ups.close_top_up(s, top_up_id=i),
    confirm=top_ups.confirm_top_up,
)
VOUCHER_SALE = OrderKind(
    table=VoucherSale,
    number="sale_no",
    prepaid="code_url",
    begin_closing=lambda s, i, _now: till_sales.begin_closing(s, sale_id=i),
    release=lambda s, i, now: till_sales.close_sale(s, sale_id=i, now=now),
    confirm=till_sales.confirm_sale,
)
_KINDS = {"P": PAYMENT, "T": TOP_UP, "S": VOUCHER_SALE}


@dataclass(frozen=True, kw_only=True)
class OpenOrder:
    """An order that is neither paid nor closed as far as we know."""

    kind: OrderKind
    subject_id: int
    order_no: str
    has_prepay: bool
    closing: bool
    created_at: datetime
    expires_at: datetime


def kind_of(order_no: str) -> OrderKind | None:
    """Our numbers begin with a letter that says what they are of."""
    return _KINDS.get(order_no[:1])


def take_due_orders(session: Session, *, now: datetime, limit: int = 500) -> list[OpenOrder]:
    """Orders to be asked about or closed now. Each is taken once a while, by one worker."""
    due: list[OpenOrder] = []
    for kind in _KINDS.values():
        table = kind.table
        rows = session.scalars(
            select(table)
            .where(
                table.status.in_(["pending", "closing"]),
                table.expires_at.is_not(None),  # Only what WeChat was asked for has a time limit.
                _is_due(kind, now),
            )
            .order_by(func.coalesce(table.asked_at, table.created_at))
            .limit(limit)
            .with_for_update(skip_locked=True, key_share=True)
        )
        for row in rows:
            row.asked_at = now
            due.append(open_order(kind, row))
    return due


def ask_wechat(
    context: Context,
    call: MoneyCall,
    kind: OrderKind,
    *,
    subject_id: int,
    order_no: str,
    ask: Callable[[], str],
) -> str | None:
    """Have an order made at WeChat. Returns what WeChat answers; None when it is paid already.

    Raises:
        WeChatUnavailable: What WeChat did is unknown: the order stays, the same key may ask again
            with the same number, and the job closes it if nobody does.
        WeChatRefused: The order is closed, and what it held is released.
    """
    try:
        return ask()
    except GatewayUnavailable:
        once.end_lease(context.database, call, subject_id=subject_id)
        raise WeChatUnavailable from None
    except OrderAlreadyPaid:
        return None
    except GatewayRefused as error:
        close_order(context, kind, subject_id, order_no)
        once.end_lease(context.database, call, subject_id=subject_id)
        raise WeChatRefused(extra={"reason": error.reason}) from None


def settle_order(context: Context, order: OpenOrder) -> None:
    """Find out what became of an order, and end it when its time is over."""
    now = utc_now()
    given_up = not order.has_prepay and order.created_at <= now - payments.PREPAY_PATIENCE
    if order.closing or given_up or order.expires_at <= now:
        close_order(context, order.kind, order.subject_id, order.order_no)
        return
    if not order.has_prepay:
        return
    try:
        told = context.wechat_pay.query_order(order.order_no)
    except (GatewayUnavailable, GatewayRefused):
        return  # It will be asked again; nothing is decided without WeChat's word.
    if told.state is OrderState.SUCCESS:
        confirm_order(context, order.kind, told)
    elif told.state in {OrderState.CLOSED, OrderState.REVOKED, OrderState.PAYERROR}:
        close_order(context, order.kind, order.subject_id, order.order_no)


def close_order(context: Context, kind: OrderKind, subject_id: int, order_no: str) -> None:
    """Close at WeChat first; release only when that succeeded; capture when it was paid meanwhile.

    When WeChat does not answer, the order stays ``closing`` and the job comes back to it.
    """
    with context.database.unit_of_work(SYSTEM) as session:
        kind.begin_closing(session, subject_id, utc_now())
    try:
        context.wechat_pay.close_order(order_no)
    except OrderAlreadyPaid:
        _confirm_what_was_paid(context, kind, order_no)
        return
    except OrderNotFound:
        pass  # Its prepay never reached WeChat, so nobody can pay it.
    except (GatewayUnavailable, GatewayRefused) as error:
        log.warning("order %s could not be closed yet: %s", order_no, error)
        return
    release_order(context, kind, subject_id)


def release_order(context: Context, kind: OrderKind, subject_id: int) -> None:
    """Give back what is held for an order that nobody can pay any more."""
    with context.database.unit_of_work(SYSTEM) as session:
        kind.release(session, subject_id, utc_now())


def confirm_order(context: Context, kind: OrderKind, told: WeChatOrder) -> str:
    """Book a success that WeChat itself has told us of."""
    assert told.transaction_id is not None, "a success has a transaction"
    with context.database.unit_of_work(SYSTEM) as session:
        outcome = kind.confirm(
            session,
            order_no=told.order_no,
            transaction_id=told.transaction_id,
            paid_fen=told.amount_fen or 0,
            now=utc_now(),
        )
    if outcome == "amount_differs":
        log.error("WeChat's amount of order %s is not what we asked for", told.order_no)
    return outcome


def _confirm_what_was_paid(context: Context, kind: OrderKind, order_no: str) -> None:
    try:
        told = context.wechat_pay.query_order(order_no)
    except (GatewayUnavailable, GatewayRefused):
        return
    if told.state is OrderState.SUCCESS:
        confirm_order(context, kind, told)


def _is_due(kind: OrderKind, now: datetime) -> ColumnElement[bool]:
    """Closing, out of time, or not heard of for a while. New ones are left to the notification."""
    table, prepaid = kind.table, getattr(kind.table, kind.prepaid)
    rested = or_(table.asked_at.is_(None), table.asked_at <= now - ASK_AGAIN_AFTER)
    given_up = prepaid.is_(None) & (table.created_at <= now - payments.PREPAY_PATIENCE)
    ended = or_(table.status == "closing", table.expires_at <= now, given_up)
    return and_(
        table.created_at <= now - ASK_AFTER,
        or_(rested, and_(ended, table.asked_at <= now - CLOSE_AGAIN_AFTER)),
    )


def open_order(kind: OrderKind, row: Payment | TopUp | VoucherSale) -> OpenOrder:
    """What there is to settle about an order that WeChat was asked for."""
    assert row.expires_at is not None, "an order has a time limit"
    return OpenOrder(
        kind=kind,
        subject_id=row.id,
        order_no=getattr(row, kind.number),
        has_prepay=getattr(row, kind.prepaid) is not None,
        closing=row.status.name == "closing",
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
