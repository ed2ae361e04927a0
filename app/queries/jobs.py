"""The queue as the operator sees it: jobs by state, work by the clock, how far the relay is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

STATES = ("todo", "doing", "failed", "cancelled", "succeeded", "aborted")

_COUNTS = text(
    "SELECT queue_name, status::text AS status, count(*) AS jobs FROM procrastinate_jobs"
    " GROUP BY 1, 2 ORDER BY 1, 2"
)
_JOBS = text("""
    SELECT j.id, j.queue_name, j.task_name, j.status::text AS status, j.attempts, j.scheduled_at,
           j.args, j.queueing_lock,
           (SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = j.id) AS last_at,
           f.error
    FROM procrastinate_jobs j
    LEFT JOIN LATERAL (SELECT error FROM job_failure WHERE job_id = j.id
                       ORDER BY id DESC LIMIT 1) f ON true
    WHERE j.id < :before AND (:status = '' OR j.status::text = :status)
    ORDER BY j.id DESC LIMIT :limit
""")
_TICKS = text("""
    SELECT d.task_name, to_timestamp(max(d.defer_timestamp)) AS last_due,
           count(j.id) FILTER (WHERE j.status = 'todo') AS waiting,
           count(j.id) FILTER (WHERE j.status = 'doing') AS running
    FROM procrastinate_periodic_defers d LEFT JOIN procrastinate_jobs j ON j.task_name = d.task_name
    GROUP BY d.task_name ORDER BY d.task_name
""")
_RELAY = text(
    "SELECT count(*) AS waiting,"
    " coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::int AS lag_seconds"
    " FROM outbox_message WHERE sent_at IS NULL"
)
_WORKERS = text(
    "SELECT count(*) FROM procrastinate_workers"
    " WHERE last_heartbeat > now() - interval '15 seconds'"
)


@dataclass(frozen=True, kw_only=True)
class QueueCounts:
    """One queue: how many jobs are in each state."""

    name: str
    jobs: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class JobSeen:
    """One job. ``subject`` is what it is about: an id, or nothing for a job by the clock."""

    id: int
    queue: str
    task: str
    status: str
    attempts: int
    scheduled_at: datetime | None
    last_at: datetime | None
    subject: str
    error: str | None
    by_the_clock: bool


@dataclass(frozen=True, kw_only=True)
class TickSeen:
    """Work by the clock: when it was last due, and whether it waits or runs now."""

    task: str
    last_due: datetime
    waiting: int
    running: int


@dataclass(frozen=True, kw_only=True)
class RelaySeen:
    """Messages that transactions left and the relay has not handed over; the oldest one's age."""

    waiting: int
    lag_seconds: int


def count_jobs(session: Session) -> list[QueueCounts]:
    queues: dict[str, dict[str, int]] = {}
    for row in session.execute(_COUNTS):
        queues.setdefault(row.queue_name, {})[row.status] = row.jobs
    return [QueueCounts(name=name, jobs=jobs) for name, jobs in queues.items()]


def find_job(session: Session, *, job_id: int) -> JobSeen | None:
    found, _ = list_jobs(session, before=job_id + 1, limit=1)
    return found[0] if found and found[0].id == job_id else None


def list_jobs(
    session: Session, *, status: str = "", before: int | None = None, limit: int = 50
) -> tuple[Sequence[JobSeen], int | None]:
    """The newest jobs first, and where the next page begins."""
    rows = session.execute(
        _JOBS, {"status": status, "before": before or 2**62, "limit": limit + 1}
    ).all()
    jobs = [
        JobSeen(
            id=row.id,
            queue=row.queue_name,
            task=row.task_name,
            status=row.status,
            attempts=row.attempts,
            scheduled_at=row.scheduled_at,
            last_at=row.last_at,
            subject=str((row.args or {}).get("subject_id", "")),
            error=row.error,
            by_the_clock=row.queueing_lock is not None,
        )
        for row in rows[:limit]
    ]
    return jobs, jobs[-1].id if len(rows) > limit else None


def list_ticks(session: Session) -> list[TickSeen]:
    return [
        TickSeen(
            task=row.task_name, last_due=row.last_due, waiting=row.waiting, running=row.running
        )
        for row in session.execute(_TICKS)
    ]


def read_relay(session: Session) -> RelaySeen:
    row = session.execute(_RELAY).one()
    return RelaySeen(waiting=row.waiting, lag_seconds=row.lag_seconds)


def count_workers(session: Session) -> int:
    """Worker processes whose heart has beaten lately."""
    return int(session.scalar(_WORKERS) or 0)
