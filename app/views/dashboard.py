"""The first page of each console: what was taken, against the days before, and what is owed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import g, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext

from app.core import money
from app.core.clock import local_day, utc_now
from app.queries.takings import Takings, sum_takings
from app.views.charts import PERIODS, Span, draw_charts, read_known, read_span


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One figure in fen, with what it was in the periods that it is compared with."""

    label: str
    fen: int
    note: str = ""
    before: Sequence[tuple[str, int]] = ()


class Dashboard(BaseView):
    """One page; PostgreSQL decides whose figures they are."""

    route_base = "/console"
    default_view = "show"

    @expose("/")
    @has_access
    def show(self) -> ResponseReturnValue:
        session = self.appbuilder.session
        span = _span()
        known = read_known(session, span=span, scope=g.actor.scope)
        earlier = [(label, sum_takings(session, **bounds)) for label, bounds in span.compared()]
        tiles = _tiles(known.taken, earlier)
        if known.owed is not None:
            note = gettext("on cards and vouchers, not yet spent")
            label = gettext("Outstanding liability")
            owed_fen = sum(fen for _, fen in known.owed)
            tiles.append(Tile(label=label, fen=owed_fen, note=note))
        return self.render_template(
            "console/dashboard.html",
            span=span,
            periods=[
                (gettext(label), url_for("Dashboard.show", period=name), name == span.name)
                for name, (label, _) in PERIODS.items()
            ],
            tiles=tiles,
            new_members=known.taken.new_members,
            charts=draw_charts(session, span=span, known=known),
            figures_url=url_for("Dashboard.figures", period=span.name),
        )

    @expose("/figures/")
    @has_access
    @permission_name("show")
    def figures(self) -> ResponseReturnValue:
        """What the page's charts draw, as JSON; amounts are fen."""
        span = _span()
        session = self.appbuilder.session
        known = read_known(session, span=span, scope=g.actor.scope)
        charts = draw_charts(session, span=span, known=known)
        return jsonify(
            {
                "period": span.name,
                "from": span.first.isoformat(),
                "to": span.last.isoformat(),
                "charts": [chart.as_json() for chart in charts],
            }
        )


def _span() -> Span:
    return read_span(request.args.get("period", ""), today=local_day(utc_now()))


def _tiles(now: Takings, earlier: Sequence[tuple[str, Takings]]) -> list[Tile]:
    def tile(label: str, name: str, note: str = "") -> Tile:
        before = [(when, getattr(taken, name)) for when, taken in earlier]
        return Tile(label=label, fen=getattr(now, name), note=note, before=before)

    counted = {"payments": now.payments, "redemptions": now.redemptions}
    bonus = money.yuan(now.bonuses_fen)
    return [
        tile(
            gettext("Takings"),
            "takings_fen",
            gettext("%(payments)s payments and %(redemptions)s redemptions", **counted),
        ),
        tile(
            gettext("Top-ups"),
            "top_ups_fen",
            gettext("%(count)s top-ups, and ¥%(bonus)s of bonus", count=now.top_ups, bonus=bonus),
        ),
        tile(
            gettext("Redemptions"),
            "redemptions_fen",
            gettext("of which reversed: ¥%(fen)s", fen=money.yuan(now.reversed_redemptions_fen)),
        ),
        tile(gettext("Refunds"), "refunds_fen"),
    ]
