"""The worker's jobs, done within a test when it says so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from procrastinate.exceptions import AlreadyEnqueued

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.flows.context import Context
from app.jobs.queue import build_queue
from app.jobs.relay import relay_batch
from tests.wechat_far_end import eventually


class Jobs:
    """The worker's work, done when a test says so: the relay, then the queue until it is empty.

    Its event loop has a thread of its own: a browser test before may have left one in ours.
    """

    def __init__(self, context: Context, database_url: str) -> None:
        self._context = context
        self._queue = build_queue(context, database_url)
        self._runner = asyncio.Runner()
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._await(self._queue.open_async)

    def _await(self, work: Callable[[], Awaitable[object]]) -> None:
        async def whole() -> None:
            await work()

        self._thread.submit(lambda: self._runner.run(whole())).result()

    def run(self) -> None:
        while True:
            with self._context.database.unit_of_work(SYSTEM) as session:
                handed_over = relay_batch(
                    session,
                    now=utc_now(),
                    account=self._context.settings.telling_account,
                )
            self._await(
                partial(
                    self._queue.run_worker_async,
                    wait=False,
                    concurrency=4,
                    install_signal_handlers=False,
                    listen_notify=False,
                    delete_jobs="successful",
                )
            )
            if not handed_over:
                return

    def run_until(self, fact: Callable[[], bool], *, seconds: float = 60) -> None:
        """For what WeChat's far end does in its own time, and we make something of."""

        def tried() -> bool:
            self.run()
            return fact()

        eventually(tried, seconds=seconds)

    def run_task(self, name: str) -> None:
        """One run of a periodic task, now."""
        with suppress(AlreadyEnqueued):  # A tick of its own is waiting already.
            self._await(partial(self._queue.tasks[name].defer_async, timestamp=0))
        self.run()

    def close(self) -> None:
        self._await(self._queue.close_async)
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()
