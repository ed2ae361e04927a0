"""The worker: lost work is taken up again, nothing is done twice, one bad job stops no other."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import psycopg
import pytest
from procrastinate import RetryStrategy
from psycopg.rows import dict_row

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.notice_templates import TellingAccount
from app.db import DatabaseDown
from app.flows.sales import orders
from app.gateways.wechat.transport import BoundedHttp
from app.jobs import queue as queue_module
from app.jobs import worker
from app.jobs.queue import TASK_OF_TOPIC, build_queue
from app.jobs.relay import relay_batch, run_relay
from app.services import journal
from app.services.sales import payments

_subjects = itertools.count(1_000_000)


@pytest.fixture
def context(database):
    """As much of a context as a worker needs whose work is a test's."""
    nobody = TellingAccount(appid="", kinds=())
    return SimpleNamespace(database=database, settings=SimpleNamespace(telling_account=nobody))


@pytest.fixture
def jobs(test_database):
    """Reads and writes the queue's tables. Leaves the queue empty."""
    with psycopg.connect(
        test_database.superuser_url, autocommit=True, row_factory=dict_row
    ) as connection:
        connection.execute("DELETE FROM procrastinate_jobs")
        connection.execute("UPDATE outbox_message SET sent_at = now() WHERE sent_at IS NULL")
        yield connection
        connection.execute("DELETE FROM procrastinate_jobs")
        connection.execute("DELETE FROM procrastinate_workers")


@pytest.fixture
def done(monkeypatch):
    """What process_notification was called with, instead of its work."""
    calls: Counter[int] = Counter()

    def note(_context, subject_id):
        calls[subject_id] += 1

    monkeypatch.setitem(queue_module._WORK, "process_notification", note)
    return calls


def _leave_messages(database, number, topic="wechat.notified"):
    subjects = [next(_subjects) for _ in range(number)]
    with database.unit_of_work(SYSTEM) as session:
        for subject in subjects:
            journal.send_later(session, topic, subject_id=subject)
    return subjects


def _relay(database):
    with database.unit_of_work(SYSTEM) as session:
        return relay_batch(session, now=utc_now())


async def _work_until_empty(queue):
    async with queue.open_async():
        await queue.run_worker_async(
            wait=False, concurrency=4, install_signal_handlers=False, listen_notify=False,
            delete_jobs="successful",
        )  # fmt: skip


async def _sweep(queue, *, until, seconds=60.0):
    """Two sweeps side by side until it is so, or time is over; how many of them still live."""
    async with queue.open_async():
        sweeps = [asyncio.create_task(worker._sweep(queue)) for _ in range(2)]
        ends = time.monotonic() + seconds
        while not until() and time.monotonic() < ends:
            await asyncio.sleep(0.05)
        _, unfinished = await asyncio.wait(sweeps, timeout=0.3)
        for sweep in unfinished:
            sweep.cancel()
        await asyncio.gather(*sweeps, return_exceptions=True)
        return len(unfinished)


def _nothing_is_being_done(jobs):
    found = "SELECT count(*) AS jobs FROM procrastinate_jobs WHERE status = 'doing'"
    return lambda: jobs.execute(found).fetchone()["jobs"] == 0


def _begun_by_a_dead_worker(jobs, task, *, queueing_lock=None, seconds=60):
    worker_id = jobs.execute(
        "INSERT INTO procrastinate_workers (last_heartbeat)"
        " VALUES (now() - make_interval(secs => %s)) RETURNING id",
        (seconds,),
    ).fetchone()["id"]
    return jobs.execute(
        "INSERT INTO procrastinate_jobs"
        " (queue_name, task_name, args, status, worker_id, lock, queueing_lock)"
        " VALUES ('default', %s, '{\"subject_id\": 77}', 'doing', %s, %s, %s) RETURNING id",
        (task, worker_id, queueing_lock, queueing_lock),
    ).fetchone()["id"]


# The relay ---------------------------------------------------------------------------------------


def test_messages_that_nobody_waits_for_are_marked_and_the_others_handed_over(database, jobs):
    _leave_messages(database, 3, topic="card.adjusted")
    [subject] = _leave_messages(database, 1, topic="refund.requested")
    assert _relay(database) == 4
    assert _relay(database) == 0, "all are marked"
    [job] = jobs.execute("SELECT task_name, args FROM procrastinate_jobs").fetchall()
    assert job == {"task_name": "request_refund", "args": {"subject_id": subject}}


def test_every_topic_that_is_handed_over_has_its_task(context, test_database):
    tasks = build_queue(context, test_database.database_url).tasks
    assert set(TASK_OF_TOPIC.values()) <= set(tasks)


def test_a_notification_goes_before_what_came_earlier_but_matters_less(database, jobs, context):
    _leave_messages(database, 1, topic="payment.captured")
    _leave_messages(database, 1, topic="wechat.notified")
    _relay(database)
    found = jobs.execute("SELECT task_name FROM procrastinate_jobs ORDER BY priority DESC, id")
    assert [row["task_name"] for row in found] == ["process_notification", "report_payment"]


def test_a_lost_database_is_waited_for(database, context, monkeypatch):
    """The relay goes on; anything else that it cannot survive ends the whole worker."""
    stop, tries = threading.Event(), []

    def relay(_session, *, now, account):
        assert account is context.settings.telling_account
        tries.append(now)
        if len(tries) == 1:
            raise DatabaseDown
        stop.set()
        return 0

    monkeypatch.setattr("app.jobs.relay.relay_batch", relay)
    run_relay(context, stop)
    assert len(tries) == 2


def test_a_relay_that_dies_takes_its_worker_with_it(context, test_database, jobs, monkeypatch):
    """Else the worker would look alive while no message is handed over any more."""

    def die(_context, _stop):
        raise ZeroDivisionError

    monkeypatch.setattr(worker, "run_relay", die)
    monkeypatch.setattr(queue_module, "_TICKS", ())
    with pytest.raises(ZeroDivisionError):
        worker.run_worker(context, test_database.database_url)


# Side by side ------------------------------------------------------------------------------------


def test_two_workers_and_two_relays_side_by_side_do_nothing_twice(
    database, context, test_database, jobs, done, monkeypatch
):
    monkeypatch.setattr(queue_module, "_TICKS", ())
    subjects = _leave_messages(database, 60)
    line = threading.Barrier(2)

    def work():
        line.wait()
        while _relay(database):
            pass
        asyncio.run(_work_until_empty(build_queue(context, test_database.database_url)))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asyncio.run(_work_until_empty(build_queue(context, test_database.database_url)))
    assert done == Counter(subjects)


def test_a_poison_job_fails_in_the_end_and_keeps_nobody_waiting(
    database, context, test_database, jobs, done, monkeypatch
):
    monkeypatch.setattr(queue_module, "_TICKS", ())
    monkeypatch.setattr(queue_module, "_SOON", RetryStrategy(max_attempts=3))
    [poison] = _leave_messages(database, 1)
    healthy = _leave_messages(database, 5)
    note = queue_module._WORK["process_notification"]

    def swallow(given, subject_id):
        note(given, subject_id)
        assert subject_id != poison, "poison"

    monkeypatch.setitem(queue_module._WORK, "process_notification", swallow)
    _relay(database)
    for _ in range(5):
        asyncio.run(_work_until_empty(build_queue(context, test_database.database_url)))
    assert [done[subject] for subject in healthy] == [1] * 5
    [left] = jobs.execute("SELECT id, args, status FROM procrastinate_jobs").fetchall()
    kept = jobs.execute(
        "SELECT attempt, error FROM job_failure WHERE job_id = %s ORDER BY id", (left.pop("id"),)
    ).fetchall()
    assert [(row["attempt"], row["error"]) for row in kept] == [
        (attempt, "AssertionError: poison") for attempt in (1, 2, 3, 4)
    ]
    assert left == {"args": {"subject_id": poison}, "status": "failed"}
    assert done[poison] == 4, "once, and three times again"


# Killed midway -----------------------------------------------------------------------------------


def test_what_a_killed_worker_had_begun_is_done_after_all(
    context, test_database, jobs, done, monkeypatch
):
    """Two workers look for it at the same time, and both stay alive."""
    monkeypatch.setattr(queue_module, "_TICKS", ())
    job_id = _begun_by_a_dead_worker(jobs, "process_notification")
    queue = build_queue(context, test_database.database_url)
    assert asyncio.run(_sweep(queue, until=_nothing_is_being_done(jobs))) == 2
    [job] = jobs.execute("SELECT id, status FROM procrastinate_jobs").fetchall()
    assert job == {"id": job_id, "status": "todo"}
    asyncio.run(_work_until_empty(build_queue(context, test_database.database_url)))
    assert done == Counter({77: 1})


def test_a_killed_tick_gives_way_to_the_next_one(context, test_database, jobs):
    """Run again, it would be a second one in the queue beside the tick that is waiting already."""
    _begun_by_a_dead_worker(jobs, "settle_orders", queueing_lock="settle_orders")
    next_id = jobs.execute(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args, lock, queueing_lock)"
        " VALUES ('default', 'settle_orders', '{\"timestamp\": 0}', 'settle_orders',"
        " 'settle_orders') RETURNING id"
    ).fetchone()["id"]
    queue = build_queue(context, test_database.database_url)
    assert asyncio.run(_sweep(queue, until=_nothing_is_being_done(jobs))) == 2
    left = jobs.execute("SELECT id, status FROM procrastinate_jobs").fetchall()
    assert left == [{"id": next_id, "status": "todo"}]


def test_what_a_living_worker_does_is_left_to_it(context, test_database, jobs):
    _begun_by_a_dead_worker(jobs, "process_notification", seconds=worker.HEARTBEAT_SECONDS)
    queue = build_queue(context, test_database.database_url)
    asyncio.run(_sweep(queue, until=_nothing_is_being_done(jobs), seconds=0.5))
    [job] = jobs.execute("SELECT status FROM procrastinate_jobs").fetchall()
    assert job["status"] == "doing"


def test_even_with_a_killed_worker_everything_is_made_up_for_in_time():
    """The limits that outsiders count on, in seconds, from the numbers that make them up."""
    found_again = worker.HEARTBEAT_SECONDS + worker.STALLED_SECONDS + worker.SWEEP_SECONDS
    tick, restart = 10, 5
    whole_call = BoundedHttp.__init__.__kwdefaults__["total_seconds"]

    def seconds(span: timedelta) -> float:
        return span.total_seconds()

    retaken = max(found_again, seconds(orders.CLOSE_AGAIN_AFTER))
    released = seconds(payments.PREPAY_PATIENCE) + tick + restart + retaken + tick + whole_call
    assert released <= 90, "a held card part back after a failed prepay"
    asked = seconds(orders.ASK_AGAIN_AFTER) + 2 * tick + restart + found_again + whole_call
    assert asked + seconds(orders.ASK_AGAIN_AFTER) <= 4 * 60, "a lost notification made up for"
    assert restart + found_again + 2 * whole_call <= 90, "a success after close refunded"


# By the clock ------------------------------------------------------------------------------------


def test_every_tick_runs_alone_and_waits_once(context, test_database):
    queue = build_queue(context, test_database.database_url)
    ticks = {name for name, _ in queue.periodic_registry.periodic_tasks}
    assert {"settle_orders", "settle_refunds", "seal_audit", "keep_balances", "expire"} <= ticks
    for name in ticks:
        assert (queue.tasks[name].lock, queue.tasks[name].queueing_lock) == (name, name)


def test_crons_have_seconds_where_the_library_reads_them(context, test_database):
    """The sixth field is the second. Wrongly placed, a tick would run once an hour."""
    queue = build_queue(context, test_database.database_url)
    begun = int(time.time()) // 3600 * 3600 + 1
    gaps = {}
    for (name, _), task in queue.periodic_registry.periodic_tasks.items():
        first = task.croniter.get_next(ret_type=float, start_time=begun)
        gaps[name] = task.croniter.get_next(ret_type=float, start_time=first) - first
    assert gaps["settle_orders"] == 10
    assert gaps["settle_refunds"] == 30
    assert gaps["seal_audit"] == gaps["return_expired_gifts"] == 60
    assert gaps["keep_balances"] == gaps["clean_up"] == 600
    assert gaps["expire"] == gaps["return_unclaimed_top_ups"] == 3600
