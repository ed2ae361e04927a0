"""What WeChat Pay tells us: kept as it came, answered at once, made something of by a job."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.flows.context import Context
from app.flows.sales import orders
from app.gateways.wechat.notifications import Notification, open_notification
from app.models.plumbing import WeChatNotification
from app.services import journal
from app.services.ports import OrderState, RefundState, WeChatRefund
from app.services.refusals import PaymentNotFound, TopUpNotFound
from app.services.sales import refunds
from app.services.tills.till_sales import SaleNotFound

log = logging.getLogger(__name__)


def receive(context: Context, headers: Mapping[str, str], body: bytes) -> None:
    """Let a message through the gate and keep it durably. A repeated one is kept once.

    Raises:
        NotificationRejected: Nothing was kept.
    """
    notification = open_notification(headers, body, keys=context.notification_keys, now=utc_now())
    with context.database.unit_of_work(SYSTEM) as session:
        kept = session.scalar(
            insert(WeChatNotification)
            .values(
                event_id=notification.event_id,
                event_type=notification.event_type,
                content=_content(notification),
                raw=body,
            )
            .on_conflict_do_nothing(index_elements=["event_id"])
            .returning(WeChatNotification.id)
        )
        if kept is not None:
            journal.send_later(session, "wechat.notified", subject_id=kept)


def process(context: Context, notification_id: int) -> None:
    """Book what a kept message says, once. An unknown order is noted and changes nothing."""
    with context.database.unit_of_work(SYSTEM) as session:
        kept = session.scalars(
            select(WeChatNotification)
            .where(WeChatNotification.id == notification_id)
            .with_for_update()
        ).one()
        if kept.processed_at is not None:
            return
        told = {name: value for name, value in kept.content.items() if value is not None}
        if told["kind"] == "transaction":
            kept.outcome = _confirm(session, told)
        else:
            kept.outcome = _note_refund(session, told)
        kept.processed_at = utc_now()
        outcome = kept.outcome
    if outcome in {"amount_differs", "unknown_order", "unknown_refund"}:
        log.error("notification %s: %s", notification_id, outcome)


def _confirm(session: Session, told: dict[str, object]) -> str:
    order_no = str(told["order_no"])
    kind = orders.kind_of(order_no)
    if told["state"] != OrderState.SUCCESS.value:
        return "not_a_success"
    if kind is None:
        return "unknown_order"
    try:
        return kind.confirm(
            session,
            order_no=order_no,
            transaction_id=str(told["transaction_id"]),
            paid_fen=int(str(told["amount_fen"])),
            now=utc_now(),
        )
    except (PaymentNotFound, TopUpNotFound, SaleNotFound):
        return "unknown_order"


def _note_refund(session: Session, told: dict[str, object]) -> str:
    refund_no = str(told["refund_no"])
    if not refunds.is_known(session, refund_no=refund_no, order_no=str(told["order_no"])):
        return "unknown_refund"
    refund_fen = told.get("refund_fen")
    return refunds.note_wechat_refund(
        session,
        told=WeChatRefund(
            refund_no=refund_no,
            order_no=str(told["order_no"]),
            state=RefundState(str(told["state"])),
            refund_id=str(told["refund_id"]) if "refund_id" in told else None,
            refund_fen=None if refund_fen is None else int(str(refund_fen)),
        ),
        now=utc_now(),
    )


def _content(notification: Notification) -> dict[str, object]:
    return {
        "kind": notification.kind,
        "order_no": notification.order_no,
        "refund_no": notification.refund_no,
        "state": notification.state.value,
        "transaction_id": notification.transaction_id,
        "refund_id": notification.refund_id,
        "amount_fen": notification.amount_fen,
        "refund_fen": notification.refund_fen,
    }
