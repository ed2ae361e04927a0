"""One's own saved reports: their links, what the clock makes of them, and what it has delivered."""

from __future__ import annotations

from flask import abort, flash, g, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import local, utc_now
from app.core.errors import N_
from app.flows import report_delivering
from app.flows.once import Body
from app.flows.report_files import ReportPlan
from app.models.saved_reports import (
    DeliveryStatus,
    ReportDelivery,
    ReportSchedule,
    ReportSpan,
    SavedReport,
)
from app.queries.reports import REPORTS
from app.services import saved_reports
from app.views.desks import Desk
from app.views.forms import Choice, OnceForm, Shape, Text
from app.views.once import write_once
from app.views.reports import plan_of, read_asked
from app.views.saved_links import list_own, url_of
from app.web.context import current_context

_SHOWN = 30
SPANS = {
    ReportSpan.yesterday: N_("Yesterday"),
    ReportSpan.last_week: N_("Last week"),
    ReportSpan.this_month: N_("This month"),
    ReportSpan.last_month: N_("Last month"),
    ReportSpan.last_quarter: N_("Last quarter"),
    ReportSpan.fixed: N_("Exactly these days"),
}
SCHEDULES = {
    ReportSchedule.none: N_("Not by itself"),
    ReportSchedule.daily: N_("Every day at 7:30, of yesterday"),
    ReportSchedule.weekly: N_("Every Monday at 7:30, of last week"),
    ReportSchedule.monthly: N_("On the first of every month at 7:30, of last month"),
}
_STATES = {
    DeliveryStatus.waiting: (N_("On its way"), "waiting"),
    DeliveryStatus.kept: (N_("In the download centre"), "good"),
    DeliveryStatus.sent: (N_("Mail sent"), "good"),
    DeliveryStatus.failed: (N_("Failed"), "bad"),
}
_PROBLEMS = {
    "no_server": N_("No mail server is set up. The file is in the download centre."),
    "file": N_("The file could not be made. Make it again in the download centre."),
}


class SaveForm(OnceForm):
    """How it is called, which days it is about, and whether the clock makes it."""

    name = Text(N_("Name"), longest=60)
    span = Choice(N_("Days, whenever it is opened"))
    schedule = Choice(N_("Made by itself"))
    format = Choice(N_("Format"))
    email = Text(
        N_("E-mail to"),
        needed=False,
        longest=120,
        checks=[Shape(r"[^@\s]+@[^@\s]+\.[^@\s]+", N_("An address such as name@company.cn."))],
    )
    refusals_at = {"report_name_taken": "name"}


class SavedReports(Desk):
    """Beside the reports. A saved report is its person's alone, whoever else works there."""

    route_base = "/console/saved-reports"
    default_view = "list"
    belongs_to = "Reports"

    @expose("/")
    @has_access
    def list(self) -> ResponseReturnValue:
        """What one has saved, and what was delivered."""
        session = self.appbuilder.session
        newest = select(ReportDelivery).order_by(ReportDelivery.id.desc()).limit(_SHOWN)
        return self.page(
            "console/saved_reports.html",
            saved=[
                (one, url_of(one), gettext(REPORTS[one.report].title), _days_words(one),
                 gettext(SCHEDULES[one.schedule]))
                for one in list_own(session)
            ],
            deliveries=[(one, *_state_words(one)) for one in session.scalars(newest)],
            when=lambda instant: f"{local(instant):%Y-%m-%d %H:%M}" if instant else "",
            has_mail=current_context().settings.smtp is not None,
        )  # fmt: skip

    @expose("/add", methods=("GET", "POST"))
    @has_access
    def add(self) -> ResponseReturnValue:
        """Save the report that is on the screen, with its filters."""
        name, report, asked = read_asked()
        plan, form = plan_of(name, report, asked), SaveForm()
        form.span.offer([(span.name, gettext(word)) for span, word in SPANS.items()])
        form.schedule.offer([(one.name, gettext(word)) for one, word in SCHEDULES.items()])
        form.format.offer([("xlsx", "Excel (xlsx)"), ("csv", "CSV")])
        if not form.is_submitted():
            form.name.data, form.span.data = plan.title, ReportSpan.last_month.name
        back = url_for(
            "Reports.show",
            report=name,
            group=asked.group,
            **{"from": plan.first.isoformat(), "to": plan.last.isoformat()},
        )
        if form.validate_on_submit():
            wish = _wish(form, name, plan)

            def effect(session: Session) -> Body:
                saved_reports.save_report(session, wish=wish, actor=g.actor, now=utc_now())
                return {}

            with form.refusals():
                write_once(form, effect)
                said = gettext("The report “%(name)s” is saved.", name=wish.name)
                return self.done(said, url_for("SavedReports.list"))
        return self.form_page(
            form,
            title=gettext("Save report"),
            submit=gettext("Save"),
            back=back,
            explanation=_explanation(plan.title, plan.first, plan.last),
        )

    @expose("/delete/<int:pk>", methods=("POST",))
    @has_access
    @permission_name("list")
    def delete(self, pk: int) -> ResponseReturnValue:
        """Forget a saved report. What was made of it stays in the download centre."""
        self.found(SavedReport, pk)
        name = report_delivering.forget(current_context(), g.actor, pk)
        if name is None:
            abort(404)
        flash(gettext("The saved report “%(name)s” is deleted. Its files stay.", name=name))
        return redirect(url_for("SavedReports.list"))


def _wish(form: SaveForm, report: str, plan: ReportPlan) -> saved_reports.Wish:
    """What is to be kept: the days themselves only when exactly these are meant."""
    span = ReportSpan[form.span.data]
    fixed = span is ReportSpan.fixed
    return saved_reports.Wish(
        name=form.name.data,
        report=report,
        span=span,
        plan=plan.to_json(),
        first_on=plan.first if fixed else None,
        last_on=plan.last if fixed else None,
        schedule=ReportSchedule[form.schedule.data],
        format=form.format.data,
        email=form.email.data or "",
    )


def _days_words(saved: SavedReport) -> str:
    if saved.first_on is not None:
        return f"{saved.first_on} – {saved.last_on}"
    return gettext(SPANS[saved.span])


def _state_words(delivery: ReportDelivery) -> tuple[str, str, str]:
    word, tone = _STATES[delivery.status]
    problem = delivery.problem
    known = _PROBLEMS.get(problem)
    if problem and known is None:
        known = N_("The mail server did not take it. The file is in the download centre.")
    return gettext(word), tone, gettext(known) if known else ""


def _explanation(title: str, first: object, last: object) -> str:
    return gettext(
        "%(title)s with the filters on the screen (%(first)s to %(last)s). Only you see it.",
        title=title,
        first=first,
        last=last,
    )
