"""Telling WeChat that an order was delivered, by the job that a captured order leaves behind."""

from __future__ import annotations

import logging

from app.core.actor import SYSTEM
from app.flows.context import Context
from app.models.sales import Payment, TopUp
from app.services.ports import GatewayRefused
from app.services.sales import payments, top_ups

log = logging.getLogger(__name__)


def report_payment(context: Context, payment_id: int) -> None:
    """A store has handed over what this payment was for.

    Only the mini-program holds money back until it hears of it: orders of the official account are
    not told of.

    Raises:
        GatewayUnavailable: The job is tried again.
    """
    appid = context.settings.wechat.mini_appid
    with context.database.unit_of_work(SYSTEM) as session:
        order = payments.load_wechat_order(session, payment_id=payment_id, appid=appid)
        paid_at = session.get_one(Payment, payment_id).paid_at
    assert paid_at is not None, "only a captured payment is delivered"
    if order.appid != appid:
        return
    try:
        context.wechat_shipping.report_delivery(
            order_no=order.order_no,
            payer_openid=order.payer_openid,
            description=order.description,
            delivered_at=paid_at,
        )
    except GatewayRefused as error:
        _note_refusal(order.order_no, error)


def report_top_up(context: Context, top_up_id: int) -> None:
    """The card has the value that this top-up was for.

    Raises:
        GatewayUnavailable: The job is tried again.
    """
    appid = context.settings.wechat.mini_appid
    with context.database.unit_of_work(SYSTEM) as session:
        top_up = session.get_one(TopUp, top_up_id)
        assert top_up.payer_id is not None, "a top-up by WeChat has a payer"
        openid = top_ups.payer_openid(session, member_id=top_up.payer_id, appid=appid)
    assert top_up.paid_at is not None, "only a paid top-up is delivered"
    if top_up.payer_appid not in {None, appid}:
        return
    try:
        context.wechat_shipping.report_delivery(
            order_no=top_up.top_up_no,
            payer_openid=openid,
            description="储值卡充值",
            delivered_at=top_up.paid_at,
        )
    except GatewayRefused as error:
        _note_refusal(top_up.top_up_no, error)


def _note_refusal(order_no: str, error: GatewayRefused) -> None:
    # A shop that is not managed this way is refused for good; its money is not held either.
    log.warning("WeChat takes no delivery of %s: %s", order_no, error.reason)
