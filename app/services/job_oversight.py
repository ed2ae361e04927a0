"""What the operator does to jobs of the queue: run a failed one again, cancel a waiting one.

Every task is safe to run twice, so a retry can do no harm; cancelling leaves its work undone, which
the jobs by the clock usually make up for.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.models.plumbing import JobFailure
from app.services import journal

LONGEST_ERROR = 300

_JOB = text("SELECT task_name, status::text FROM procrastinate_jobs WHERE id = :id FOR UPDATE")
_RETRY = text("SELECT procrastinate_retry_job_v2(:id, :now, NULL, NULL, NULL)")
_CANCEL = text("SELECT procrastinate_cancel_job_v1(:id, false, false)")


class JobStateConflict(DomainError):
    code = "job_state_conflict"
    category = Category.CONFLICT
    template = N_("The job is in another state by now. Please look at the list again.")


class JobWaitsAlready(DomainError):
    code = "job_waits_already"
    category = Category.CONFLICT
    template = N_("The same work waits in the queue already. Please leave it to that job.")


def retry_job(session: Session, *, job_id: int, actor: Actor, now: datetime) -> str:
    """Let a failed job run again now. Returns its task's name.

    Raises:
        JobStateConflict: It has not failed, or somebody was quicker.
        JobWaitsAlready: Work by the clock waits in the queue once only.
    """
    task = _lock(session, job_id, "failed")
    try:
        with session.begin_nested():
            session.execute(_RETRY, {"id": job_id, "now": now})
    except IntegrityError as error:
        raise JobWaitsAlready from error
    _audit(session, "job.retried", job_id, task, actor)
    return task


def cancel_job(session: Session, *, job_id: int, actor: Actor) -> str:
    """Take a waiting job out of the queue. Returns its task's name.

    Raises:
        JobStateConflict: It does not wait, or somebody was quicker.
    """
    task = _lock(session, job_id, "todo")
    session.execute(_CANCEL, {"id": job_id})
    _audit(session, "job.cancelled", job_id, task, actor)
    return task


def note_failure(
    session: Session, *, job_id: int, task_name: str, attempt: int, error: Exception
) -> None:
    """Keep what a job failed of: kind and first line; more lines may hold people's data."""
    first, *_ = str(error).splitlines() or [""]
    session.add(
        JobFailure(
            job_id=job_id,
            task_name=task_name,
            attempt=attempt,
            error=f"{type(error).__name__}: {first}"[:LONGEST_ERROR].rstrip(": "),
        )
    )


def _lock(session: Session, job_id: int, wanted: str) -> str:
    row = session.execute(_JOB, {"id": job_id}).one_or_none()
    if row is None or row.status != wanted:
        raise JobStateConflict
    return str(row.task_name)


def _audit(session: Session, action: str, job_id: int, task: str, actor: Actor) -> None:
    journal.audit(session, action, actor=actor, subject_id=job_id, detail={"task": task})
