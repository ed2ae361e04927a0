"""Traffic statistics: what is read on site, H5 and mini-program. Merchants see their own."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from flask import Response, g, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext

from app.core.actor import Scope
from app.core.clock import end_of_day, local_day, start_of_day, utc_now
from app.core.errors import N_
from app.queries.publishing import traffic
from app.views.charts import PERIODS, Chart, Series, Span, read_span

DIMENSIONS = {
    "path": N_("Pages read"),
    "source": N_("Where visits come from"),
    "keyword": N_("Words of search engines"),
    "campaign": N_("Campaigns"),
    "device": N_("Devices"),
    "client": N_("Browsers and WeChat versions"),
    "face": N_("Site, H5, mini-program"),
    "region": N_("Regions"),
}
NAMES = {
    "direct": N_("Directly"), "own": N_("Our own pages"), "phone": N_("Mobile phone"),
    "tablet": N_("Tablet"), "computer": N_("Computer"), "other": N_("Other"),
    "site": N_("Site"), "h5": "H5", "mini": N_("Mini-program"),
    "baidu": N_("Baidu"), "sogou": N_("Sogou"), "weixin.sogou": N_("Sogou WeChat"),
    "so": N_("360 Search"), "bing": N_("Bing"), "sm": N_("Shenma"), "toutiao": N_("Toutiao"),
}  # fmt: skip
_UNKNOWN = N_("Unknown")
_EXPORTED = 5000


class Traffic(BaseView):
    """One page; PostgreSQL decides whose figures they are."""

    route_base = "/console/traffic"
    default_view = "show"

    @expose("/")
    @has_access
    def show(self) -> ResponseReturnValue:
        span, session, whose = _span(), self.appbuilder.session, _whose()
        days = {"first": span.first, "last": span.last, "merchant_id": whose}
        platform = whose is None
        bounds = {
            "since": start_of_day(span.first),
            "until": end_of_day(span.last),
        }
        return self.render_template(
            "console/traffic.html",
            span=span,
            periods=[
                (gettext(label), url_for("Traffic.show", period=name), name == span.name)
                for name, (label, _) in PERIODS.items()
            ],
            sums=traffic.sum_all(session, **days),
            charts=self._charts(span),
            figures_url=url_for("Traffic.figures", period=span.name),
            tables=[
                (name, gettext(label), [_named(name, row) for row in found])
                for name, label in DIMENSIONS.items()
                if (found := traffic.top(session, dimension=name, **days))
            ],
            funnel=traffic.funnel(session, **days, **bounds),
            live=traffic.read_live(session, now=utc_now()) if platform else None,
            words=traffic.searched_words(
                session, first=span.first, last=span.last, found_none=False
            )
            if platform
            else [],
            export_url=url_for("Traffic.export", period=span.name),
            duration=_duration,
        )

    @expose("/figures/")
    @has_access
    @permission_name("show")
    def figures(self) -> ResponseReturnValue:
        """What the page's charts draw, as JSON."""
        return jsonify({"charts": [chart.as_json() for chart in self._charts(_span())]})

    @expose("/export/")
    @has_access
    def export(self) -> ResponseReturnValue:
        """Every dimension of these days as one CSV, with the mark that Excel wants."""
        span, session, whose = _span(), self.appbuilder.session, _whose()
        file = io.StringIO()
        sheet = csv.writer(file)
        sheet.writerow(
            [gettext("Dimension"), gettext("Name"), gettext("Views"), gettext("Visitors"),
             gettext("Visits"), gettext("Bounces"), gettext("Seconds"), gettext("Entries"),
             gettext("Exits")]
        )  # fmt: skip
        for dimension, label in {"all": N_("All"), **DIMENSIONS}.items():
            found = traffic.top(
                session, dimension=dimension, first=span.first, last=span.last,
                merchant_id=whose, limit=_EXPORTED,
            )  # fmt: skip
            for row in found:
                sheet.writerow(
                    [gettext(label), _safe(_named(dimension, row)[0]), row.views, row.visitors,
                     row.visits, row.bounces, row.seconds, row.entries, row.exits]
                )  # fmt: skip
        name = f"traffic-{span.first:%Y%m%d}-{span.last:%Y%m%d}.csv"
        return Response(
            "\ufeff" + file.getvalue(),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def _charts(self, span: Span) -> Sequence[Chart]:
        session, whose = self.appbuilder.session, _whose()
        if span.days == 1:
            since = start_of_day(span.last)
            hours = traffic.sum_by_hour(session, since=since, merchant_id=whose)
            labels = [f"{hour:02d}" for hour in range(24)]
            views, visitors = [v for v, _ in hours], [n for _, n in hours]
        else:
            days = traffic.sum_by_day(session, first=span.first, last=span.last, merchant_id=whose)
            labels = [f"{day:%m-%d}" for day, _ in days]
            views, visitors = [s.views for _, s in days], [s.visitors for _, s in days]
        over_time = Chart(
            id="days", title=gettext("Views and visitors"), kind="columns", unit="count",
            axis=gettext("Hour") if span.days == 1 else gettext("Day"), labels=labels,
            series=[Series(name=gettext("Views"), values=views),
                    Series(name=gettext("Visitors"), values=visitors)],
            nothing=gettext("Nobody has read a page in these days."),
        )  # fmt: skip
        return [over_time, *(self._parts(name, span) for name in ("source", "device"))]

    def _parts(self, dimension: str, span: Span) -> Chart:
        found = traffic.top(
            self.appbuilder.session, dimension=dimension, first=span.first, last=span.last,
            merchant_id=_whose(), limit=6,
        )  # fmt: skip
        return Chart(
            id=dimension, title=gettext(DIMENSIONS[dimension]), kind="ring", unit="count",
            axis=gettext("Name"), labels=[_named(dimension, row)[0] for row in found],
            series=[Series(name=gettext("Visits"), values=[row.visits for row in found])],
            nothing=gettext("Nobody has read a page in these days."),
        )  # fmt: skip


def _span() -> Span:
    return read_span(request.args.get("period", ""), today=local_day(utc_now()))


def _whose() -> int | None:
    """The platform's people see everything; a merchant's only their own pages."""
    if g.actor.scope is Scope.platform:
        return None
    merchant_id: int = g.actor.merchant_id
    return merchant_id


def _named(dimension: str, row: traffic.Sums) -> tuple[str, Any]:
    if not row.name:
        return gettext("All") if dimension == "all" else gettext(_UNKNOWN), row
    return gettext(NAMES[row.name]) if row.name in NAMES else row.name, row


def _duration(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}"


def _safe(text: str) -> str:
    """A cell that a spreadsheet must not take for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t"} else text
