"""Reports (报表) on screen: chart, table, what it was before, and the file to take away."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Response, abort, g, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext

from app.core import money
from app.core.actor import Scope
from app.core.clock import SHANGHAI, end_of_day, local_day, utc_now
from app.core.errors import N_
from app.flows import report_files
from app.flows.report_files import ReportPlan
from app.queries.reports import NOT_OVER_TIME, REPORTS, Asked, Report, Value, add_up, read_report
from app.views import filters, labels
from app.views.charts import Chart, Series
from app.views.exporting import content_type, headers_for
from app.views.names import options_of
from app.views.saved_reports import links_to_saved
from app.web.context import current_context

_SHOWN = 60  # Bars beyond that are no picture.
_LONGEST_DAYS = 800
WORDS = {
    "card": N_("Cards"),
    "wechat": N_("WeChat Pay"),
    "combined": N_("Card and WeChat Pay"),
    "voucher": N_("Paper vouchers"),
    "cash": N_("Cash"),
    "code": N_("Code"),
    "refund": N_("Refund"),
    "reversal": N_("Redemption reversed"),
    "new": N_("New"),
    "active": N_("Active (paid in the period)"),
    "repeat": N_("Repeat (paid more than once)"),
    "sleeping": N_("Sleeping (did not pay)"),
    "band_0": N_("Hold nothing"),
    "band_100": N_("Hold up to ¥100"),
    "band_500": N_("Hold ¥100 to ¥500"),
    "band_1000": N_("Hold ¥500 to ¥1,000"),
    "band_more": N_("Hold ¥1,000 or more"),
    "account:gift": N_("Gifts on their way"),
    "": N_("(none)"),
}


class Reports(BaseView):
    """One page a report. Whose figures they are is decided by PostgreSQL."""

    route_base = "/console/reports"
    default_view = "show"

    @expose("/")
    @has_access
    def show(self) -> ResponseReturnValue:
        """The chosen report with its filters."""
        name, report, asked = read_asked()
        session = self.appbuilder.session
        rows = read_report(session, name, asked)
        chart = _chart(report, asked, rows)
        g.menu_view = "Reports"
        return self.render_template(
            "console/reports.html",
            name=name,
            report=report,
            asked=asked,
            first=asked.since.astimezone(SHANGHAI).date(),
            last=local_day(asked.until - timedelta(seconds=1)),
            choices=[
                (gettext(one.title), url_for("Reports.show", **{**request.args, "report": key}),
                 key == name)
                for key, one in _offered().items()
            ],
            groups=[(key, gettext(label)) for key, label in report.groups.items() if key],
            merchants=options_of(session, "merchant_id") if g.actor.scope is Scope.platform else (),
            stores=options_of(session, "store_id") if report.by_store else (),
            headings=[
                *(gettext(column.label) for column in report.columns),
                *(label for label, _, _ in _earlier(asked) if report.rows_compared),
            ],
            rows=_rows(session, name, report, asked, rows),
            sums=[None if total is None else _shown(column.kind, total)
                  for column, total in zip(report.columns, add_up(report, rows), strict=True)],
            compared=_compared(session, name, report, asked),
            chart=chart,
            figures_url=url_for("Reports.figures", **request.args) if chart else "",
            export_url=url_for("Reports.export", **request.args),
            saved=links_to_saved(session),
            save_url=url_for("SavedReports.add", **request.args),
        )  # fmt: skip

    @expose("/figures/")
    @has_access
    @permission_name("show")
    def figures(self) -> ResponseReturnValue:
        """What the page's chart draws, as JSON; amounts are fen."""
        name, report, asked = read_asked()
        chart = _chart(report, asked, read_report(self.appbuilder.session, name, asked))
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
        since=datetime.combine(first, time(), SHANGHAI),
        until=end_of_day(last),
        group=group if group in report.groups else next(iter(report.groups)),
        merchant_id=filters.number(request.args.get("merchant_id", "")),
        store_id=filters.number(request.args.get("store_id", "")) if report.by_store else None,
    )
    return name, report, asked


def _earlier(asked: Asked) -> Sequence[tuple[str, datetime, datetime]]:
    """As many days before, and the same days a year ago."""
    days = asked.until - asked.since
    return (
        (gettext("As many days before"), asked.since - days, asked.since),
        (gettext("Same days a year ago"), _year_before(asked.since), _year_before(asked.until)),
    )


def _compared(session: Any, name: str, report: Report, asked: Asked) -> Sequence[tuple[str, Any]]:
    """The sums of earlier periods, for reports that have sums."""
    if not any(column.sums for column in report.columns):
        return []
    return [
        (label, [
            None if total is None else _shown(column.kind, total)
            for column, total in zip(report.columns, add_up(report, read_report(
                session, name, replace(asked, since=since, until=until))), strict=True)
        ])
        for label, since, until in _earlier(asked)
    ]  # fmt: skip


def _rows(
    session: Any, name: str, report: Report, asked: Asked, rows: Sequence[Sequence[Value]]
) -> Sequence[Sequence[tuple[str, str]]]:
    """The rows as shown; where rows are compared one by one, earlier periods stand beside them."""
    shown = [_row(report, row) for row in rows]
    if not report.rows_compared:
        return shown
    kind = report.columns[-1].kind
    for _, since, until in _earlier(asked):
        then = read_report(session, name, replace(asked, since=since, until=until))
        known = {row[0]: row[-1] for row in then}
        for cells, row in zip(shown, rows, strict=True):
            is_compared = row[0] in report.rows_compared
            cells.append(_shown(kind, known.get(row[0], 0)) if is_compared else ("number", "—"))
    return shown


def _year_before(instant: datetime) -> datetime:
    day = instant.astimezone(SHANGHAI).date()
    try:
        earlier = day.replace(year=day.year - 1)
    except ValueError:  # The 29th of February.
        earlier = date(day.year - 1, 2, 28)
    return datetime.combine(earlier, time(), SHANGHAI)


def _shown(kind: str, value: Value) -> tuple[str, str]:
    """A cell's class and text."""
    if kind == "money":
        return "money", money.yuan(int(value))
    if kind == "integer":
        return "number", f"{value:,}"
    if kind == "percent":
        return "number", f"{int(value) // 100}.{int(value) % 100 // 10}%"
    return "name", _word(str(value)) if kind == "word" else str(value) or "—"


def _row(report: Report, row: Sequence[Value]) -> list[tuple[str, str]]:
    return [_shown(one.kind, cell) for one, cell in zip(report.columns, row, strict=True)]


def _word(value: str) -> str:
    known = WORDS.get(value) or labels.ENTRY_KINDS.get(value)
    return gettext(known) if known else value


def _chart(report: Report, asked: Asked, rows: Sequence[Sequence[Value]]) -> Chart | None:
    if not report.drawn or not rows or len(rows) > _SHOWN:
        return None
    chart = Chart(
        id="report",
        title=gettext(report.title),
        kind="columns" if report.over_time and asked.group not in NOT_OVER_TIME else "bars",
        unit="fen" if report.columns[report.drawn[0]].kind == "money" else "count",
        axis=gettext(report.columns[0].label),
        labels=[_label(report, row) for row in rows],
        stacked=report.drawn == (2, 3, 4),
        series=[
            Series(name=gettext(report.columns[place].label),
                   values=[int(row[place]) for row in rows])
            for place in report.drawn
        ],
    )  # fmt: skip
    return None if chart.empty else chart


def _label(report: Report, row: Sequence[Value]) -> str:
    """What a bar is called: the words before the first figure."""
    parts = [
        _word(str(cell)) if column.kind == "word" else str(cell)
        for column, cell in zip(report.columns, row, strict=True)
        if column.kind in ("text", "word")
    ]
    return " ".join(part for part in parts if part)


def plan_of(name: str, report: Report, asked: Asked) -> ReportPlan:
    """The report with its filters and the reader's words, as a file of it is written."""
    return ReportPlan(
        report=name,
        first=asked.since.astimezone(SHANGHAI).date(),
        last=local_day(asked.until - timedelta(seconds=1)),
        title=gettext(report.title),
        headings=[gettext(column.label) for column in report.columns],
        words={code: gettext(word) for code, word in {**labels.ENTRY_KINDS, **WORDS}.items()},
        sum_label=gettext("Sum"),
        group=asked.group,
        merchant_id=asked.merchant_id,
        store_id=asked.store_id,
    )
