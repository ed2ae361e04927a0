"""Reconciliation with WeChat: its bills are fetched first, then compared in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import requests
from sqlalchemy import text

from app.core.actor import SYSTEM, Actor
from app.core.bills import BillNotReady, BillRejected
from app.core.clock import utc_now
from app.flows.context import Context
from app.models.reconciliations import Reconciliation, ReconciliationStatus
from app.services.ports import GatewayRefused, GatewayUnavailable
from app.services.settlement.reconciliations import (
    days_due,
    note_failure,
    reconcile_bills,
    require_billed,
)

log = logging.getLogger(__name__)

_HISTORY = text("""
    SELECT o.number AS order_no, o.transaction_id, o.fen AS amount_fen,
           extract(epoch FROM o.paid_at)::float AS paid_at,
           coalesce(json_agg(json_build_object('refund_no', r.refund_no, 'refund_id',
             'DEMO' || r.refund_no, 'refund_fen', r.wechat_fen,
             'at', extract(epoch FROM r.created_at)::float))
             FILTER (WHERE r.id IS NOT NULL), '[]') AS refunds
    FROM (
        SELECT payment_no AS number, wechat_transaction_id AS transaction_id, wechat_fen AS fen,
               paid_at FROM payment WHERE wechat_transaction_id LIKE 'DEMO%'
           AND paid_at >= :since AND paid_at < :until
        UNION ALL
        SELECT top_up_no, wechat_transaction_id, amount_fen, paid_at FROM top_up
         WHERE wechat_transaction_id LIKE 'DEMO%' AND paid_at >= :since AND paid_at < :until
    ) o LEFT JOIN refund r ON r.order_no = o.number AND r.wechat_fen > 0
    GROUP BY 1, 2, 3, 4
""")
_HISTORY_AT_ONCE = 500
_PAST = timedelta(days=31)


def reconcile_day(
    context: Context, bill_on: date, *, actor: Actor = SYSTEM, now: datetime | None = None
) -> Reconciliation:
    """Fetch a day's bills and compare them. Running it again is harmless.

    What is wrong with the bills is noted on the day, for people to see; nothing is booked then.

    Raises:
        DayNotOver, BillTooOld
        GatewayUnavailable: WeChat does not answer; noted as well.
    """
    at = now or utc_now()
    require_billed(bill_on, now=at)
    if context.settings.simulated:
        teach_simulator(context, before=bill_on)
    try:
        trade = context.wechat_pay.fetch_trade_bill(bill_on)
        flow = context.wechat_pay.fetch_fund_flow_bill(bill_on)
    except BillNotReady:
        return _noted(context, bill_on, ReconciliationStatus.waiting, "not_ready", at)
    except BillRejected as error:
        log.error("bill of %s: %s", bill_on, error)  # noqa: TRY400 - the bill's fault, no trace
        return _noted(context, bill_on, ReconciliationStatus.rejected, error.reason, at)
    except GatewayRefused as error:
        return _noted(context, bill_on, ReconciliationStatus.waiting, error.reason, at)
    except GatewayUnavailable:
        _noted(context, bill_on, ReconciliationStatus.waiting, "unavailable", at)
        raise
    with context.database.unit_of_work(SYSTEM) as session:
        return reconcile_bills(session, trade=trade, flow=flow, actor=actor, now=at)


def reconcile_due(context: Context) -> None:
    """By the clock: every day of the last week that has not been compared yet."""
    with context.database.unit_of_work(SYSTEM) as session:
        days = days_due(session, now=utc_now())
    for day in days:
        reconcile_day(context, day)


def teach_simulator(context: Context, *, before: date) -> int:
    """Tell our simulator what the demo's past has paid, or its bills would not know it.

    It keeps what it has heard once. A refund may be some weeks younger than its payment.
    """
    period = {"since": before - _PAST, "until": before + timedelta(days=2)}
    with context.database.unit_of_work(SYSTEM) as session:
        rows = session.execute(_HISTORY, period).mappings().all()
    orders = [
        {**row, "appid": context.settings.wechat.mini_appid, "openid": "o-demo-past"}
        for row in rows
    ]
    for start in range(0, len(orders), _HISTORY_AT_ONCE):
        _tell(context, orders[start : start + _HISTORY_AT_ONCE])
    return len(orders)


def _tell(context: Context, orders: Sequence[dict[str, Any]]) -> None:
    answer = requests.post(
        f"{context.settings.wechat.pay_api_base}/_history", json={"orders": orders}, timeout=10
    )
    answer.raise_for_status()


def _noted(
    context: Context, bill_on: date, status: ReconciliationStatus, problem: str, now: datetime
) -> Reconciliation:
    with context.database.unit_of_work(SYSTEM) as session:
        return note_failure(session, bill_on=bill_on, status=status, problem=problem, now=now)
