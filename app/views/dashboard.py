"""The first page of each console: what was taken today, against yesterday, and what is owed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from flask import g
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access
from sqlalchemy.orm import Session

from app.core.actor import Scope
from app.core.clock import SHANGHAI, end_of_day, local_day, utc_now
from app.queries.takings import Takings, rank_stores, sum_by_hour, sum_takings
from app.queries.trial_balance import outstanding_fen

_STORES_SHOWN = 8


class Dashboard(BaseView):
    """One page; PostgreSQL decides whose figures they are."""

    route_base = "/console"
    default_view = "show"

    @expose("/")
    @has_access
    def show(self) -> ResponseReturnValue:
        session = self.appbuilder.session
        today = local_day(utc_now())
        since, until = _bounds(today)
        hours = sum_by_hour(session, since=since, until=until)
        return self.render_template(
            "console/dashboard.html",
            today=today,
            now=_takings_of(session, today),
            yesterday=_takings_of(session, today - timedelta(days=1)),
            last_week=_takings_of(session, today - timedelta(days=7)),
            hours=list(enumerate(hours)),
            highest=max(hours),
            stores=rank_stores(session, since=since, until=until, limit=_STORES_SHOWN),
            # A store holds no member's money: cards are the issuer's.
            liability=None if g.actor.scope is Scope.store else outstanding_fen(session),
        )


def _takings_of(session: Session, day: date) -> Takings:
    since, until = _bounds(day)
    return sum_takings(session, since=since, until=until)


def _bounds(day: date) -> tuple[datetime, datetime]:
    return datetime.combine(day, time(), SHANGHAI), end_of_day(day)
