"""What a job failed of is kept for the job monitor, beside the queue's own log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from procrastinate import JobContext
from sqlalchemy.exc import DBAPIError

from app.core.actor import SYSTEM
from app.db import DatabaseBusy, DatabaseDown
from app.flows.context import Context
from app.services.job_oversight import note_failure

log = logging.getLogger(__name__)


@contextmanager
def failure_kept(context: Context, job: JobContext) -> Iterator[None]:
    """Note the error in a transaction of its own and let the queue see it, which tries again."""
    try:
        yield
    except Exception as error:
        _keep(context, job, error)
        raise


def _keep(context: Context, job: JobContext, error: Exception) -> None:
    if job.job.id is None:
        return
    try:
        with context.database.unit_of_work(SYSTEM) as session:
            note_failure(
                session,
                job_id=job.job.id,
                task_name=job.job.task_name,
                attempt=job.job.attempts + 1,
                error=error,
            )
    except (DBAPIError, DatabaseBusy, DatabaseDown) as lost:
        log.warning("what job %s failed of could not be kept: %s", job.job.id, lost)
