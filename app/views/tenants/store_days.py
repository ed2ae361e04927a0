"""A store's special days at the console: holidays with other hours, and closed for now."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select

from app.core.clock import local_day, utc_now
from app.core.errors import N_
from app.flows.carrying_out import carry_out
from app.models.tenants import Store, StoreSpecialDay
from app.services.tenants.store_days import SpecialDay, add_special_day, drop_special_day
from app.views.desks import Desk, action, those_allowed
from app.views.forms import ConsoleForm, Day, Hour, OnceForm, Text
from app.web.context import current_context


class SpecialDayForm(OnceForm):
    refusals_at: ClassVar = {
        "special_day_invalid": "last_on",
        "special_day_times": "opens",
        "special_day_taken": "first_on",
    }
    first_on = Day(N_("First day"))
    last_on = Day(N_("Last day"))
    opens = Hour(N_("Opens at"), needed=False, description=N_("Empty: closed all day."))
    closes = Hour(N_("Closes at"), needed=False)
    note = Text(
        N_("Why"), needed=False, longest=60, description=N_("Customers read it: Spring Festival.")
    )


class StoreDays(Desk):
    route_base = "/console/store-days"
    default_view = "days"
    belongs_to = "Stores"

    @expose("/<int:pk>")
    @has_access
    def days(self, pk: int) -> ResponseReturnValue:
        """What is to come, the soonest first."""
        store: Store = self.found(Store, pk)
        to_come = (
            select(StoreSpecialDay)
            .where(StoreSpecialDay.store_id == pk, StoreSpecialDay.last_on >= local_day(utc_now()))
            .order_by(StoreSpecialDay.first_on)
        )
        return self.page(
            "console/store_days.html",
            title=gettext("Special days of %(name)s", name=store.name),
            back=url_for("Stores.show", pk=pk),
            days=[
                (one, those_allowed(_dropping(one)))
                for one in self.appbuilder.session.scalars(to_come)
            ],
            buttons=those_allowed(
                action(gettext("Add special days"), "StoreDays.add", tone="main", pk=pk)
            ),
        )

    @expose("/<int:pk>/add", methods=("GET", "POST"))
    @has_access
    def add(self, pk: int) -> ResponseReturnValue:
        """Other hours from one day to another, or closed."""
        store: Store = self.found(Store, pk)
        form = SpecialDayForm()
        return self.filled_in(
            form,
            lambda session: add_special_day(
                session,
                store_id=pk,
                day=SpecialDay(
                    first_on=form.first_on.data,
                    last_on=form.last_on.data,
                    opens=form.opens.data,
                    closes=form.closes.data,
                    note=form.note.data or "",
                ),
                actor=g.actor,
                now=utc_now(),
            ),
            said=gettext("Members and the site see it at once."),
            back=url_for("StoreDays.days", pk=pk),
            title=gettext("Add special days"),
            submit=gettext("Add"),
            explanation=store.name,
        )

    @expose("/drop/<int:pk>", methods=("GET", "POST"))
    @has_access
    def drop(self, pk: int) -> ResponseReturnValue:
        """The usual hours again."""
        found: StoreSpecialDay = self.found(StoreSpecialDay, pk)
        form, back = ConsoleForm(), url_for("StoreDays.days", pk=found.store_id)
        if form.validate_on_submit():
            with form.refusals():
                carry_out(
                    current_context(),
                    lambda work: drop_special_day(work, day_id=pk, actor=g.actor),
                )
                return self.done(gettext("The usual hours hold again on these days."), back)
        span = gettext(
            "From %(first)s to %(last)s the usual hours hold again.",
            first=found.first_on.isoformat(),
            last=found.last_on.isoformat(),
        )
        return self.form_page(
            form,
            title=gettext("Drop special days"),
            submit=gettext("Drop"),
            back=back,
            tone="danger",
            template="console/confirm.html",
            facts=[span, gettext("Members and the site see it at once.")],
        )


def _dropping(day: StoreSpecialDay) -> Any:
    return action(gettext("Drop"), "StoreDays.drop", tone="danger", pk=day.id)
