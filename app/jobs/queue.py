"""The queue (procrastinate, in our PostgreSQL) and its tasks. Every task is safe to run twice.

A periodic task runs at most once at a time and waits at most once in the queue: when WeChat hangs,
its ticks must not fill the queue and keep notifications waiting.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.flows import exporting, report_delivering
from app.flows.context import Context
from app.flows.messaging import notices, official_account
from app.flows.people import avatars
from app.flows.publishing import counting, indexing, picturing
from app.flows.sales import delivering, notifications, orders, refunding
from app.flows.settlement import reconciling, settling
from app.flows.vouchers import printing, voucher_tasks
from app.jobs import housekeeping
from app.jobs.failures import failure_kept

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
    "export.asked": "write_export",
    "print_file.requested": "make_print_file",
    "voucher_task.wanted": "work_on_vouchers",
    "settlement.wanted": "close_periods",
    "media.added": "make_media_sizes",
    "store.changed": "index_store",
    "content.published": "index_content",
    "content.withdrawn": "index_content",
    "content.indexed": "push_to_engine",
    "oa.followed": "link_follower",
    "oa.menu_kept": "publish_menu",
    "notice.written": "send_notice",
}

_WORK: dict[str, Callable[[Context, int], None]] = {
    "process_notification": notifications.process,
    "request_refund": refunding.request_refund,
    "report_payment": delivering.report_payment,
    "report_top_up": delivering.report_top_up,
    "write_export": exporting.run_export,
    "make_print_file": printing.make_print_file,
    "work_on_vouchers": voucher_tasks.work,
    "close_periods": settling.close_wanted,
    "make_media_sizes": picturing.make_sizes,
    "index_store": indexing.index_store,
    "index_content": indexing.index_content,
    "push_to_engine": indexing.push_to_engine,
    "link_follower": official_account.link,
    "publish_menu": official_account.publish_menu,
    "send_notice": notices.send,
}

# What takes minutes waits in a queue of its own: it must not keep notifications waiting.
LONG = "long"
QUEUE = {"write_export": LONG, "close_periods": LONG, "close_statements": LONG}

# Who is waiting at a counter goes before who is told afterwards.
PRIORITY = {"process_notification": 20, "request_refund": 10}
_TICK_PRIORITY = 10


def settle_orders(context: Context) -> None:
    """Ask WeChat about orders that nobody told us of, and close those whose time is over."""
    with context.database.unit_of_work(SYSTEM) as session:
        due = orders.take_due_orders(session, now=utc_now())
    _each(due, lambda order: orders.settle_order(context, order))


def settle_refunds(context: Context) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        due = refunding.take_due_refunds(session, now=utc_now())
    _each(due, lambda refund: refunding.ask_about_refund(context, *refund))


@dataclass(frozen=True, kw_only=True)
class Tick:
    """Work by the clock. Cron has six fields here, the last one for seconds."""

    name: str
    cron: str
    work: Callable[[Context], None]


_TICKS = (
    Tick(name="settle_orders", cron="* * * * * */10", work=settle_orders),
    Tick(name="settle_refunds", cron="* * * * * */30", work=settle_refunds),
    Tick(name="return_expired_gifts", cron="* * * * * 15", work=housekeeping.return_gifts),
    Tick(name="return_unclaimed_top_ups", cron="17 * * * *", work=housekeeping.return_unclaimed),
    Tick(name="expire", cron="3 * * * *", work=housekeeping.expire),
    Tick(name="tell_of_expiry", cron="33 * * * *", work=housekeeping.tell_of_expiry),
    Tick(name="follow_merges", cron="27 * * * *", work=housekeeping.follow_joined),
    Tick(name="keep_balances", cron="*/10 * * * * 5", work=housekeeping.keep_balances),
    Tick(name="seal_audit", cron="* * * * * 40", work=housekeeping.seal),
    Tick(name="fold_rollups", cron="* * * * * 50", work=housekeeping.fold),
    Tick(name="expire_exports", cron="*/10 * * * * 35", work=exporting.expire),
    Tick(name="deliver_reports", cron="* * * * * 20", work=report_delivering.deliver),
    Tick(name="shred_print_files", cron="* * * * * 50", work=printing.shred_delivered),
    Tick(name="close_statements", cron="7 * * * *", work=settling.close_by_clock),
    Tick(name="deem_statements", cron="12 * * * *", work=housekeeping.deem),
    # From ten in Shanghai, again by the hour for a bill that was late. Cron is in UTC.
    Tick(name="reconcile", cron="20 2-14 * * * 30", work=reconciling.reconcile_due),
    Tick(name="publish_due", cron="* * * * * */5", work=housekeeping.publish),
    Tick(name="sweep_avatars", cron="41 19 * * *", work=avatars.sweep_avatars),
    Tick(name="fold_traffic", cron="* * * * * 20", work=counting.fold),
    Tick(name="clean_up", cron="*/10 * * * * 25", work=housekeeping.clean_up),
)


def build_queue(context: Context, database_url: str) -> App:
    """The queue with its tasks bound to this process's context."""
    queue = App(connector=PsycopgConnector(conninfo=database_url, min_size=1, max_size=4))
    for name, work in _WORK.items():
        _add_task(queue, name, partial(work, context), context)
    for tick in _TICKS:
        _add_tick(queue, tick, context)
    return queue


def _add_task(queue: App, name: str, work: Callable[[int], None], context: Context) -> None:
    where = QUEUE.get(name, "default")

    @queue.task(name=name, queue=where, retry=_SOON, pass_context=True)
    def run(job: JobContext, subject_id: int) -> None:
        with failure_kept(context, job):
            work(subject_id)


def _add_tick(queue: App, tick: Tick, context: Context) -> None:
    @queue.periodic(cron=tick.cron)
    @queue.task(
        name=tick.name,
        queue=QUEUE.get(tick.name, "default"),
        lock=tick.name,
        queueing_lock=tick.name,
        priority=_TICK_PRIORITY,
        pass_context=True,
    )
    def run(job: JobContext, timestamp: int) -> None:
        with failure_kept(context, job):
            tick.work(context)


def _each(items: Sequence[T], work: Callable[[T], None]) -> None:
    """Work on all of them, a few at a time; one that fails keeps none of the others waiting."""

    def work_on(item: T) -> None:
        try:
            work(item)
        except Exception:
            log.exception("%s failed", item)

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        list(pool.map(work_on, items))
