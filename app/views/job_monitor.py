"""The job monitor: what the queue does, what failed and why, how far the relay is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import abort, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.core.business_settings import RELAY_LAG_SECONDS
from app.core.clock import utc_now
from app.queries import jobs
from app.queries.jobs import JobSeen
from app.services.business_settings import read_setting
from app.services.job_oversight import cancel_job, retry_job
from app.views import filters, labels
from app.views.desks import Desk, action, those_allowed
from app.views.forms import OnceForm

PAGE = 50
_TONES = {"succeeded": "good", "failed": "bad", "aborted": "bad", "doing": "waiting"}


class JobForm(OnceForm):
    """Retrying and cancelling ask for nothing more than a yes."""


class JobMonitor(Desk):
    """Read by the platform's staff; the administrator runs failed jobs again or cancels others."""

    route_base = "/console/jobs"
    belongs_to = "JobMonitor"
    default_view = "show"

    @expose("/")
    @has_access
    def show(self) -> ResponseReturnValue:
        session = self.appbuilder.session
        status = request.args.get("status", "")
        if status not in jobs.STATES:
            status = ""
        before = filters.number(request.args.get("before", ""))
        found, older = jobs.list_jobs(session, status=status, before=before, limit=PAGE)
        return self.page(
            "console/jobs.html",
            queues=jobs.count_jobs(session),
            states=[(state, gettext(labels.JOB_STATES[state])) for state in jobs.STATES],
            tones=_TONES,
            chosen=status,
            jobs=[(job, task_name(job.task), self._buttons(job)) for job in found],
            ticks=[(tick, task_name(tick.task)) for tick in jobs.list_ticks(session)],
            relay=jobs.read_relay(session),
            alarm_seconds=read_setting(session, RELAY_LAG_SECONDS),
            workers=jobs.count_workers(session),
            newest=url_for("JobMonitor.show", status=status or None) if before else None,
            older=url_for("JobMonitor.show", status=status or None, before=older)
            if older
            else None,
        )

    @expose("/<int:pk>/retry", methods=("GET", "POST"))
    @has_access
    def retry(self, pk: int) -> ResponseReturnValue:
        """Let a failed job run again now."""
        return self._step(
            pk,
            partial(retry_job, job_id=pk, actor=g.actor, now=utc_now()),
            title=gettext("Run job again"),
            done=gettext("Job %(id)s (%(task)s) runs again."),
            facts=[gettext("It may run twice: what it has done already is not done again.")],
        )

    @expose("/<int:pk>/cancel", methods=("GET", "POST"))
    @has_access
    def cancel(self, pk: int) -> ResponseReturnValue:
        """Take a waiting job out of the queue."""
        return self._step(
            pk,
            partial(cancel_job, job_id=pk, actor=g.actor),
            title=gettext("Cancel job"),
            done=gettext("Job %(id)s (%(task)s) is cancelled."),
            tone="danger",
            facts=[
                gettext("Its work stays undone, unless a job by the clock makes up for it."),
                gettext("Money is not lost: what is booked stays booked."),
            ],
        )

    def _step(
        self, pk: int, act: Callable[[Session], object], *, title: str, done: str, **page: Any
    ) -> ResponseReturnValue:
        job = jobs.find_job(self.appbuilder.session, job_id=pk) if pk < 2**63 else None
        if job is None:
            abort(404)
        return self.confirmed(
            JobForm(),
            act,
            said=done % {"id": pk, "task": task_name(job.task)},
            back=url_for("JobMonitor.show"),
            title=title,
            submit=title,
            explanation=f"{pk} · {task_name(job.task)}",
            **page,
        )

    def _buttons(self, job: JobSeen) -> Any:
        if job.status == "failed":
            return those_allowed(action(gettext("Run again"), "JobMonitor.retry", pk=job.id))
        if job.status == "todo":
            return those_allowed(
                action(gettext("Cancel job"), "JobMonitor.cancel", tone="danger", pk=job.id)
            )
        return ()


def task_name(task: str) -> str:
    """What a task is called; one that has no name here by its own."""
    known = labels.TASKS.get(task)
    return gettext(known) if known else task
