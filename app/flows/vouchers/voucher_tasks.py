"""Tasks with vouchers: small ones while somebody waits, large ones step by step in a job."""

from __future__ import annotations

import logging
import time

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.errors import DomainError
from app.flows.context import Context
from app.services import journal
from app.services.vouchers import voucher_tasks
from app.services.vouchers.voucher_tasks import TOPIC

log = logging.getLogger(__name__)

# After so long a job gives way and asks for itself again: others wait for the worker, and who
# stops it waits for the job under way.
SLICE_SECONDS = 4.0
# Between two steps, so that a console's question is not kept waiting behind a million rows.
PAUSE_SECONDS = 0.01


def work(context: Context, task_id: int) -> None:
    """Go on with a task for some seconds. Killed at any moment, it is gone on with by another."""
    until = time.monotonic() + SLICE_SECONDS
    while time.monotonic() < until:
        try:
            with context.database.unit_of_work(SYSTEM) as session:
                more = voucher_tasks.work_on_task(
                    session, task_id=task_id, keys=context.keys, now=utc_now()
                )
        except DomainError as problem:
            log.warning("voucher task %s ends: %s", task_id, problem.code)
            with context.database.unit_of_work(SYSTEM) as session:
                voucher_tasks.fail_task(session, task_id=task_id, problem=problem, now=utc_now())
            return
        if not more:
            return
        time.sleep(PAUSE_SECONDS)
    with context.database.unit_of_work(SYSTEM) as session:
        journal.send_later(session, TOPIC, subject_id=task_id)
