"""Asking WeChat to give money back, by the job that a refund's transaction has left behind."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.flows.context import Context
from app.models.sales import Refund, RefundStatus
from app.services.ports import GatewayRefused, GatewayUnavailable, OrderNotFound, WeChatRefund
from app.services.sales import refunds

log = logging.getLogger(__name__)

ASK_AGAIN_AFTER = timedelta(seconds=30)


def request_refund(context: Context, refund_id: int) -> None:
    """Ask WeChat for a refund. Asking again with the same number is the same refund there.

    Raises:
        GatewayUnavailable: The job is tried again.
    """
    with context.database.unit_of_work(SYSTEM) as session:
        request = refunds.load_wechat_refund_request(session, refund_id=refund_id)
    if request is None:
        return
    try:
        told = context.wechat_pay.request_refund(
            refund_no=request.refund_no,
            order_no=request.order_no,
            refund_fen=request.refund_fen,
            total_fen=request.order_fen,
            reason=request.reason,
        )
    except GatewayRefused as error:
        log.error("refund %s was refused: %s", request.refund_no, error.reason)  # noqa: TRY400 - no trace
        return
    note(context, told)


def ask_about_refund(context: Context, refund_no: str, refund_id: int) -> None:
    """Ask what became of a refund that WeChat has not told us of; ask for it if WeChat has none."""
    try:
        told = context.wechat_pay.query_refund(refund_no)
    except OrderNotFound:
        request_refund(context, refund_id)
        return
    except (GatewayUnavailable, GatewayRefused):
        return
    note(context, told)


def take_due_refunds(session: Session, *, now: datetime, limit: int = 500) -> list[tuple[str, int]]:
    """Refunds not heard of for a while, as (refund_no, id). Each is taken once a while."""
    rows = session.scalars(
        select(Refund)
        .where(
            Refund.status == RefundStatus.processing,
            func.coalesce(Refund.asked_at, Refund.created_at) <= now - ASK_AGAIN_AFTER,
        )
        .order_by(func.coalesce(Refund.asked_at, Refund.created_at))
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    ).all()
    for refund in rows:
        refund.asked_at = now
    return [(refund.refund_no, refund.id) for refund in rows]


def note(context: Context, told: WeChatRefund) -> str:
    with context.database.unit_of_work(SYSTEM) as session:
        return refunds.note_wechat_refund(session, told=told, now=utc_now())
