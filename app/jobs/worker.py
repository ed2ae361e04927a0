"""The worker process: the queue's worker, the relay, the sweep of a dead worker's jobs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading

from procrastinate import App
from sqlalchemy import text

from app.core.actor import SYSTEM
from app.flows.context import Context
from app.jobs.queue import build_queue
from app.jobs.relay import run_relay

log = logging.getLogger(__name__)

SWEEP_SECONDS = 15
STALLED_SECONDS = 30
KEEP_DAYS = 3

# Old news: answers beyond any retry, messages handed over, buckets that are full again.
_CLEANUPS = (
    "DELETE FROM idempotency_record WHERE created_at < now() - interval '30 days'",
    "DELETE FROM outbox_message WHERE sent_at < now() - interval '3 days'",
    "DELETE FROM rate_limit_bucket WHERE refilled_at < now() - interval '1 day'",
    "DELETE FROM payment_code WHERE expires_at < now() - interval '1 day'",
)


def run_worker(context: Context, database_url: str) -> None:
    """Work until SIGTERM or SIGINT; a job under way is finished first."""
    stop = threading.Event()
    relay = threading.Thread(target=run_relay, args=(context, stop), name="relay", daemon=True)
    relay.start()
    try:
        asyncio.run(_work(build_queue(context, database_url), context))
    finally:
        stop.set()
        relay.join(timeout=5)


async def _work(queue: App, context: Context) -> None:
    async with queue.open_async():
        worker = asyncio.create_task(
            queue.run_worker_async(
                concurrency=4,
                install_signal_handlers=False,
                delete_jobs="successful",
                fetch_job_polling_interval=2.0,
                update_heartbeat_interval=5.0,
                stalled_worker_timeout=STALLED_SECONDS,
            )
        )
        sweep = asyncio.create_task(_sweep(queue, context))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, worker.cancel)
        log.info("the worker is at work")
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({worker, sweep}, return_when=asyncio.FIRST_COMPLETED)
        for task in (sweep, worker):
            task.cancel()
        results = await asyncio.gather(worker, sweep, return_exceptions=True)
    failed = [r for r in results if isinstance(r, Exception)]
    if failed:
        raise failed[0]


async def _sweep(queue: App, context: Context) -> None:
    """Outside the queue, so that a full queue cannot keep it from running."""
    while True:
        for job in await queue.job_manager.get_stalled_jobs(
            seconds_since_heartbeat=STALLED_SECONDS
        ):
            log.warning("job %s of a dead worker is run again", job.id)
            await queue.job_manager.retry_job(job)
        await asyncio.to_thread(_clean_up, context)
        await asyncio.sleep(SWEEP_SECONDS)


def _clean_up(context: Context) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        for statement in _CLEANUPS:
            session.execute(text(statement))
