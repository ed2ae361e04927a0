"""Reports (报表) on screen: chart, table, what it was before, and the file to take away."""

from __future__ import annotations

import io
from datetime import timedelta

from flask import Response, abort, g, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext

from app.core.actor import Scope
from app.core.clock import end_of_day, local_day, start_of_day, utc_now
from app.core.errors import N_
from app.flows import report_files
from app.flows.report_files import ReportPlan
from app.queries.reports import REPORTS, Asked, Report, read_report
from app.views import filters, labels, report_tables
from app.views.choosing import TYPED, filter_field, read_typed_filters
from app.views.exporting import content_type, headers_for
from app.views.saved_links import links_to_saved
from app.web.context import current_context

_LONGEST_DAYS = 800


class Reports(BaseView):
    """One page a report. Whose figures they are is decided by PostgreSQL."""

    route_base = "/console/reports"
    default_view = "show"

    @expose("/")
    @has_access
    def show(self) -> ResponseReturnValue:
        """The chosen report with its filters."""
        name, report, asked = read_asked()
        session, places = self.appbuilder.session, _places(report)
        if (meant := read_typed_filters(session, places, request.args)) is not None:
            return redirect(url_for("Reports.show", **meant))
        rows = read_report(session, name, asked)
        table = report_tables.tabulate(
            session, name, report, asked, rows, filters.number(request.args.get("page", "")) or 1
        )
        chart = report_tables.chart_of(report, asked, rows)
        g.menu_view = "Reports"
        return self.render_template(
            "console/reports.html",
            name=name,
            report=report,
            asked=asked,
            first=local_day(asked.since),
            last=local_day(asked.until - timedelta(seconds=1)),
            choices=[
                (gettext(one.title), url_for("Reports.show", **{**_kept(), "report": key}),
                 key == name)
                for key, one in _offered().items()
            ],
            groups=[(key, gettext(label)) for key, label in report.groups.items() if key],
            places=[
                filter_field(session, column, gettext(label), request.args)
                for column, label in places.items()
            ],
            narrowed_to=lambda column, value: url_for(
                "Reports.show", **{**_without_typed(column), column: value}
            ),
            table=table,
            page_url=lambda page: url_for("Reports.show", **{**request.args, "page": page}),
            chart=chart,
            figures_url=url_for("Reports.figures", **_kept()) if chart else "",
            export_url=url_for("Reports.export", **_kept()),
            saved=links_to_saved(session),
            save_url=url_for("SavedReports.add", **_kept()),
        )  # fmt: skip

    @expose("/figures/")
    @has_access
    @permission_name("show")
    def figures(self) -> ResponseReturnValue:
        """What the page's chart draws, as JSON; amounts are fen."""
        name, report, asked = read_asked()
        rows = read_report(self.appbuilder.session, name, asked)
        chart = report_tables.chart_of(report, asked, rows)
        return jsonify({"charts": [chart.as_json()] if chart else []})

    @expose("/export/", methods=("POST",))
    @has_access
    def export(self) -> ResponseReturnValue:
        """The same table as a file."""
        name, report, asked = read_asked()
        kind = request.form.get("format", "xlsx")
        if kind not in report_files.FORMATS:
            abort(400)
        plan, file = plan_of(name, report, asked), io.BytesIO()
        report_files.audit(current_context(), g.actor, report=name, kind=kind)
        report_files.write_report(self.appbuilder.session, plan, kind, file)
        file_name = f"{plan.title} {plan.first:%Y%m%d}-{plan.last:%Y%m%d}.{kind}"
        return Response(
            file.getvalue(), content_type=content_type(kind), headers=headers_for(file_name)
        )


def _offered() -> dict[str, Report]:
    """A store holds no member's money: cards and paper are the issuer's."""
    in_store = g.actor.scope is Scope.store
    return {name: one for name, one in REPORTS.items() if one.by_store or not in_store}


def _places(report: Report) -> dict[str, str]:
    """The filters for whose figures they are."""
    found = {"merchant_id": N_("Merchant")} if g.actor.scope is Scope.platform else {}
    return {**found, "store_id": N_("Store")} if report.by_store else found


def _without_typed(column: str) -> dict[str, str]:
    return {name: value for name, value in _kept().items() if name != f"{column}{TYPED}"}


def _kept() -> dict[str, str]:
    """What was asked for, without the place in it."""
    return {name: value for name, value in request.args.items() if name != "page"}


def read_asked() -> tuple[str, Report, Asked]:
    offered = _offered()
    name = request.args.get("report", "takings")
    if name not in offered:
        abort(404)
    report = offered[name]
    period = filters.read_period(request.args, today=local_day(utc_now()))
    last = period.last or local_day(utc_now())
    first = period.first or last - timedelta(days=29)
    first = max(first, last - timedelta(days=_LONGEST_DAYS))
    group = request.args.get("group", "")
    asked = Asked(
        since=start_of_day(first),
        until=end_of_day(last),
        group=group if group in report.groups else next(iter(report.groups)),
        merchant_id=filters.number(request.args.get("merchant_id", "")),
        store_id=filters.number(request.args.get("store_id", "")) if report.by_store else None,
    )
    return name, report, asked


def plan_of(name: str, report: Report, asked: Asked) -> ReportPlan:
    """The report with its filters and the reader's words, as a file of it is written."""
    return ReportPlan(
        report=name,
        first=local_day(asked.since),
        last=local_day(asked.until - timedelta(seconds=1)),
        title=gettext(report.title),
        headings=[gettext(label) for label in report.labels(asked.group)],
        words={
            code: gettext(word)
            for code, word in {**labels.ENTRY_KINDS, **report_tables.WORDS}.items()
        },
        sum_label=gettext("Sum"),
        earlier=report_tables.earlier_names(),
        group=asked.group,
        merchant_id=asked.merchant_id,
        store_id=asked.store_id,
    )
