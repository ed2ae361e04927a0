"""The queue (procrastinate, in our PostgreSQL) and its tasks. Every task is safe to run twice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from procrastinate import App, PsycopgConnector, RetryStrategy

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.flows import delivering, notifications, orders, refunding
from app.flows.context import Context
from app.services import gifts, top_ups

log = logging.getLogger(__name__)

T = TypeVar("T")
_AT_ONCE = 4  # Each waits for WeChat most of the time.

_SOON = RetryStrategy(max_attempts=20, exponential_wait=2)

# What a topic of the outbox is handed to. Topics that nobody waits for are simply marked as sent.
TASK_OF_TOPIC = {
    "wechat.notified": "process_notification",
    "refund.requested": "request_refund",
    "payment.captured": "report_payment",
    "top_up.captured": "report_top_up",
}


def build_queue(context: Context, database_url: str) -> App:
    """The queue with its tasks bound to this process's context."""
    queue = App(connector=PsycopgConnector(conninfo=database_url, min_size=1, max_size=4))

    @queue.task(name="process_notification", retry=_SOON)
    def process_notification(subject_id: int) -> None:
        notifications.process(context, subject_id)

    @queue.task(name="request_refund", retry=_SOON)
    def request_refund(subject_id: int) -> None:
        refunding.request_refund(context, subject_id)

    @queue.task(name="report_payment", retry=_SOON)
    def report_payment(subject_id: int) -> None:
        delivering.report_payment(context, subject_id)

    @queue.task(name="report_top_up", retry=_SOON)
    def report_top_up(subject_id: int) -> None:
        delivering.report_top_up(context, subject_id)

    @queue.periodic(cron="* * * * * */10")
    @queue.task(name="settle_orders")
    def settle_orders(timestamp: int) -> None:
        """Ask WeChat about orders that nobody told us of, and close those whose time is over."""
        with context.database.unit_of_work(SYSTEM) as session:
            due = orders.take_due_orders(session, now=utc_now())
        _each(due, lambda order: orders.settle_order(context, order))

    @queue.periodic(cron="* * * * * */30")
    @queue.task(name="settle_refunds")
    def settle_refunds(timestamp: int) -> None:
        with context.database.unit_of_work(SYSTEM) as session:
            due = refunding.take_due_refunds(session, now=utc_now())
        _each(due, lambda refund: refunding.ask_about_refund(context, *refund))

    @queue.periodic(cron="* * * * * 15")
    @queue.task(name="return_expired_gifts")
    def return_expired_gifts(timestamp: int) -> None:
        with context.database.unit_of_work(SYSTEM) as session:
            gifts.return_expired_gifts(session, now=utc_now())

    @queue.periodic(cron="17 * * * *")
    @queue.task(name="return_unclaimed_top_ups")
    def return_unclaimed_top_ups(timestamp: int) -> None:
        with context.database.unit_of_work(SYSTEM) as session:
            top_ups.return_unclaimed(session, now=utc_now())

    return queue


def _each(items: Sequence[T], work: Callable[[T], None]) -> None:
    """Work on all of them, a few at a time; one that fails keeps none of the others waiting."""

    def work_on(item: T) -> None:
        try:
            work(item)
        except Exception:
            log.exception("%s failed", item)

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        list(pool.map(work_on, items))
