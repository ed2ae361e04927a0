"""The worker process: the queue's worker, the relay, and the sweep of jobs that a dead worker left.

When one of the three ends, for example because the database went away, the process ends, and
whoever keeps it running (the supervisor, systemd) starts it again.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Sequence

from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status

from app.flows.context import Context
from app.jobs.queue import LONG, build_queue
from app.jobs.relay import run_relay

log = logging.getLogger(__name__)

# What a killed worker had begun is begun again within STALLED_SECONDS + SWEEP_SECONDS. One that
# only stood still for so long works beside the second one: every task is safe to run twice.
HEARTBEAT_SECONDS = 2.0
STALLED_SECONDS = 12
SWEEP_SECONDS = 4
_PATIENCE_SECONDS = 3.0


def run_worker(context: Context, database_url: str) -> None:
    """Work until SIGTERM or SIGINT; a job under way is finished first."""
    asyncio.run(_work(build_queue(context, database_url), context))


async def _work(queue: App, context: Context) -> None:
    stop = threading.Event()
    async with queue.open_async():
        workers = [
            asyncio.create_task(_take_jobs(queue, name, at_once))
            for name, at_once in (("default", 4), (LONG, 1))
        ]
        parts = [
            *workers,
            asyncio.create_task(_sweep(queue)),
            asyncio.create_task(asyncio.to_thread(run_relay, context, stop)),
        ]
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop, workers)
        log.info("the worker is at work")
        await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await _end(parts[:-1])
        results = await asyncio.gather(*parts, return_exceptions=True)
    failed = [result for result in results if isinstance(result, Exception)]
    if failed:
        raise failed[0]


async def _end(parts: Sequence[asyncio.Task[None]]) -> None:
    """Cancel until all have ended: a queue's worker that is only starting misses the first word."""
    pending = {part for part in parts if not part.done()}
    while pending:
        for part in pending:
            part.cancel()
        _, pending = await asyncio.wait(pending, timeout=_PATIENCE_SECONDS)


async def _take_jobs(queue: App, name: str, at_once: int) -> None:
    await queue.run_worker_async(
        queues=[name],
        concurrency=at_once,
        install_signal_handlers=False,
        delete_jobs="successful",
        fetch_job_polling_interval=2.0,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=STALLED_SECONDS,
    )


def _stop(workers: list[asyncio.Task[None]]) -> None:
    for worker in workers:
        worker.cancel()


async def _sweep(queue: App) -> None:
    """Outside the queue, so that a full queue cannot keep it from running."""
    while True:
        for job in await queue.job_manager.get_stalled_jobs(
            seconds_since_heartbeat=STALLED_SECONDS
        ):
            log.warning("job %s (%s) of a dead worker is taken up", job.id, job.task_name)
            try:
                await _take_up(queue, job)
            except ConnectorException as error:
                # Another worker was quicker. If the database is gone, the next look says so.
                log.info("job %s was taken up already: %s", job.id, error)
        await asyncio.sleep(SWEEP_SECONDS)


async def _take_up(queue: App, job: Job) -> None:
    """A job is run again. A periodic one gives way to its next tick, which may wait already."""
    if job.queueing_lock is None:
        await queue.job_manager.retry_job(job)
        return
    assert job.id is not None, "a job from the database has an id"
    await queue.job_manager.finish_job_by_id_async(
        job_id=job.id, status=Status.FAILED, delete_job=True
    )
