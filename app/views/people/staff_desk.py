"""The desk of staff: who comes in, as what, where; passwords, and the door closed or open."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flask import abort, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import PLATFORM_ROLES, Role, Scope
from app.core.clock import utc_now
from app.core.errors import N_
from app.flows import once
from app.flows.carrying_out import carry_out
from app.models.base import OPERATOR_ID
from app.models.people import Staff, StaffStatus
from app.models.tenants import Merchant, Store
from app.services.people import appointments, second_factors, sessions
from app.services.people.appointments import GIVEN_BY, Duty
from app.services.people.staff import STORE_ROLES
from app.views import choosing, roles
from app.views.desks import Action, Desk, action, those_allowed
from app.views.finders import Finder
from app.views.forms import Choice, OnceForm, ReasonForm, Text, Yuan
from app.views.shapes import FirstPassword, Username
from app.web.context import current_context

_MOST_CASH_FEN = 100_000_00


class PersonForm(OnceForm):
    refusals_at = {"role_does_not_fit": "role", "limit_above_own": "daily_cash_limit_fen"}

    name = Text(N_("Person's name"), longest=40)
    role = Choice(N_("Role"))
    merchant_id = Finder(N_("Merchant"))
    store_id = Finder(
        N_("Store"), description=N_("For managers and cashiers; nobody else works at one store.")
    )
    daily_cash_limit_fen = Yuan(
        N_("Cash top-ups per day"),
        needed=False,
        most=_MOST_CASH_FEN,
        description=N_("The most that this person may take in a day. Empty: no limit."),
    )


class NewPersonForm(PersonForm):
    refusals_at = {
        **PersonForm.refusals_at,
        "username_taken": "username",
        "password_too_short": "password",
        "password_too_common": "password",
    }
    sections = (
        (N_("Person"), ("name", "username", "password")),
        (N_("Duty"), ("role", "merchant_id", "store_id", "daily_cash_limit_fen")),
    )

    username = Username()
    password = FirstPassword()


class PasswordResetForm(OnceForm):
    """Nothing to fill in: the button is all."""


class StaffDesk(Desk):
    route_base = "/console/staff"
    belongs_to = "People"

    @expose("/add/", methods=("GET", "POST"))
    @has_access
    def add(self) -> ResponseReturnValue:
        form = NewPersonForm()
        self._offer(form, self._merchant_asked_for())
        if form.validate_on_submit():
            duty, context = self._duty(form), current_context()
            with form.refusals():
                answer = once.run_once(
                    context, form.call(g.actor), _appointing(form, duty), sealed=True
                )
                return self._credentials(
                    json.loads(answer.text), gettext("%(name)s is on the staff", name=duty.name)
                )
        return self.form_page(
            form,
            title=gettext("Add staff"),
            submit=gettext("Add"),
            back=url_for("People.list"),
        )

    @expose("/edit/<int:pk>", methods=("GET", "POST"))
    @has_access
    def edit(self, pk: int) -> ResponseReturnValue:
        """Name, role, limit, or another store."""
        person = self._person(pk)
        form = PersonForm(data=_values(person))
        self._offer(form, person.merchant_id)
        del form.merchant_id
        back, actor = url_for("People.show", pk=pk), g.actor
        if form.validate_on_submit():
            duty = self._duty(form, merchant_id=person.merchant_id)
            with form.refusals():
                carry_out(
                    current_context(),
                    lambda work: appointments.reassign(
                        work, staff_id=pk, duty=duty, actor=actor, now=utc_now()
                    ),
                )
                return self.done(gettext("%(name)s is saved.", name=duty.name), back)
        return self.form_page(
            form,
            title=person.name,
            submit=gettext("Save"),
            back=back,
            explanation=gettext("Another role or store signs this person out at once."),
        )

    @expose("/password/<int:pk>", methods=("GET", "POST"))
    @has_access
    def password(self, pk: int) -> ResponseReturnValue:
        """A new password, made here and shown once."""
        person, form = self._person(pk), PasswordResetForm()
        if form.validate_on_submit():
            context, actor = current_context(), g.actor

            def effect(session: Session) -> dict[str, object]:
                made = appointments.reset_password(session, staff_id=pk, actor=actor, now=utc_now())
                username = session.scalar(select(User.username).where(User.id == person.user_id))
                return {
                    "staff_id": pk,
                    "name": person.name,
                    "username": username,
                    "password": made,
                }

            with form.refusals():
                answer = once.run_once(context, form.call(actor), effect, sealed=True)
                title = gettext("A new password for %(name)s", name=person.name)
                return self._credentials(json.loads(answer.text), title)
        return self.form_page(
            form,
            title=gettext("A new password for %(name)s", name=person.name),
            submit=gettext("Make a new password"),
            back=url_for("People.show", pk=pk),
            template="console/confirm.html",
            tone="danger",
            facts=(
                gettext("The present password is worth nothing any more."),
                gettext("%(name)s is signed out everywhere.", name=person.name),
                gettext("The new one is shown once and is changed at the next sign-in."),
            ),
        )

    @expose("/suspend/<int:pk>", methods=("GET", "POST"))
    @has_access
    def suspend(self, pk: int) -> ResponseReturnValue:
        person = self._person(pk)
        return self._set_status(
            person,
            StaffStatus.frozen,
            title=gettext("Suspend %(name)s", name=person.name),
            submit=gettext("Suspend"),
            said=gettext("%(name)s is suspended.", name=person.name),
            tone="danger",
            facts=(
                gettext("%(name)s is signed out everywhere.", name=person.name),
                gettext("Nobody comes in with this user name until it is reinstated."),
            ),
        )

    @expose("/reinstate/<int:pk>", methods=("GET", "POST"))
    @has_access
    def reinstate(self, pk: int) -> ResponseReturnValue:
        person = self._person(pk)
        return self._set_status(
            person,
            StaffStatus.active,
            title=gettext("Reinstate %(name)s", name=person.name),
            submit=gettext("Reinstate"),
            said=gettext("%(name)s may sign in again.", name=person.name),
            facts=(gettext("%(name)s may sign in with the present password.", name=person.name),),
        )

    def _set_status(
        self, person: Staff, status: StaffStatus, *, said: str, **page: Any
    ) -> ResponseReturnValue:
        form, back, actor = ReasonForm(), url_for("People.show", pk=person.id), g.actor
        if form.validate_on_submit():
            with form.refusals():
                carry_out(
                    current_context(),
                    lambda work: appointments.set_status(
                        work, staff_id=person.id, status=status, reason=form.reason.data,
                        actor=actor, now=utc_now(),
                    ),
                )  # fmt: skip
                return self.done(said, back)
        return self.form_page(form, back=back, template="console/confirm.html", **page)

    def _person(self, pk: int) -> Staff:
        """Somebody the reader sees; whom they may not manage they may not open here either."""
        person: Staff = self.found(Staff, pk)
        if not appointments.may_manage(g.actor, person):
            abort(403)
        return person

    def _merchant_asked_for(self) -> int | None:
        """Narrowed to one merchant, or to one store's, by the page that the reader came from."""
        if g.actor.scope is not Scope.platform:
            own: int = g.actor.merchant_id
            return own
        if (store := request.args.get("store", "")).isdecimal():
            found: int = self.found(Store, int(store)).merchant_id
            return found
        asked = request.args.get("merchant", "")
        return int(self.found(Merchant, int(asked)).id) if asked.isdecimal() else None

    def _offer(self, form: PersonForm, merchant_id: int | None) -> None:
        """Only what the reader may give: roles below their own, places of their own."""
        given = GIVEN_BY[g.actor.role]
        if merchant_id is not None:
            given = given & PLATFORM_ROLES if merchant_id == OPERATOR_ID else given - PLATFORM_ROLES
        form.role.offer((role.name, gettext(roles.LABELS[role])) for role in Role if role in given)
        if g.actor.scope is Scope.platform:
            form.merchant_id.offer_from(self.appbuilder.session, choosing.employers(merchant_id))
        else:
            del form.merchant_id
        if g.actor.scope is Scope.store or merchant_id == OPERATOR_ID:
            del form.store_id
        else:
            stores = choosing.stores(merchant_id)
            form.store_id.offer_from(self.appbuilder.session, stores, none=gettext("No store"))
            form.store_id.validators = ()
            asked = request.args.get("store")
            form.store_id.data = form.store_id.data or asked or ""
            if asked and not form.is_submitted():
                form.role.data = Role.cashier.name
        if merchant_id == OPERATOR_ID:
            del form.daily_cash_limit_fen

    def _duty(self, form: PersonForm, *, merchant_id: int | None = None) -> Duty:
        """What was chosen. That the parts fit together is for the service to say."""
        actor, role = g.actor, Role[form.role.data]
        store_id = int(form.store_id.data) if "store_id" in form and form.store_id.data else None
        if actor.scope is Scope.store:
            store_id = actor.store_id
        if merchant_id is None:
            merchant_id = int(form.merchant_id.data) if "merchant_id" in form else actor.merchant_id
        return Duty(
            name=form.name.data,
            role=role,
            merchant_id=merchant_id,
            store_id=store_id if role in STORE_ROLES else None,
            daily_cash_limit_fen=form.daily_cash_limit_fen.data
            if "daily_cash_limit_fen" in form
            else None,
        )

    def _credentials(self, made: dict[str, Any], title: str) -> str:
        return self.page(
            "console/credentials.html",
            title=title,
            person=made["name"],
            username=made["username"],
            password=made["password"],
            back=url_for("People.show", pk=made["staff_id"]),
        )


class SecondFactorDesk(Desk):
    """Somebody's phone is lost: another person takes the second factor off."""

    route_base = "/console/staff/second-factor"
    belongs_to = "People"

    @expose("/reset/<int:pk>", methods=("GET", "POST"))
    @has_access
    def reset(self, pk: int) -> ResponseReturnValue:
        person, form, actor = self.found(Staff, pk), ReasonForm(), g.actor
        back = url_for("People.show", pk=pk)
        if form.validate_on_submit():
            with form.refusals():
                carry_out(
                    current_context(),
                    lambda work: second_factors.drop_second_factor(
                        work, staff_id=pk, reason=form.reason.data, actor=actor, now=utc_now()
                    ),
                )
                said = gettext("%(name)s signs in by password alone now.", name=person.name)
                return self.done(said, back)
        return self.form_page(
            form,
            title=gettext("Take two-step sign-in of %(name)s off", name=person.name),
            submit=gettext("Take off"),
            back=back,
            tone="danger",
            template="console/confirm.html",
            facts=(
                gettext("Make sure in person or by telephone that it is really %(name)s who asks.",
                        name=person.name),
                gettext("Codes of the old phone and recovery codes are worth nothing any more."),
                gettext("%(name)s is signed out everywhere.", name=person.name),
            ),
        )  # fmt: skip


def person_buttons(person: Staff) -> Sequence[Action]:
    pk, found = person.id, []
    if appointments.may_manage(g.actor, person):
        found = [
            action(gettext("Edit"), "StaffDesk.edit", pk=pk),
            action(gettext("New password"), "StaffDesk.password", pk=pk),
            action(gettext("Reinstate"), "StaffDesk.reinstate", pk=pk)
            if person.status is StaffStatus.frozen
            else action(gettext("Suspend"), "StaffDesk.suspend", tone="danger", pk=pk),
        ]
    if person.id != g.actor.staff_id and roles.allows(
        g.actor.role, "can_reset", "SecondFactorDesk"
    ):
        present = carry_out(
            current_context(), lambda work: sessions.has_second_factor(work, person.id)
        )
        if present:
            label = gettext("Take two-step sign-in off")
            found.append(action(label, "SecondFactorDesk.reset", tone="danger", pk=pk))
    return those_allowed(*found)


def _appointing(form: NewPersonForm, duty: Duty) -> Any:
    actor = g.actor

    def effect(session: Session) -> dict[str, object]:
        person, password = appointments.appoint(
            session,
            duty=duty,
            username=form.username.data,
            password=form.password.data,
            actor=actor,
        )
        return {
            "staff_id": person.id,
            "name": duty.name,
            "username": form.username.data,
            "password": password,
        }

    return effect


def _values(person: Staff) -> dict[str, Any]:
    return {
        "name": person.name,
        "role": person.role.name,
        "store_id": "" if person.store_id is None else str(person.store_id),
        "daily_cash_limit_fen": person.daily_cash_limit_fen,
    }
