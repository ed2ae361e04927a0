"""One's own second factor: put it onto the phone, confirm it, see what recovery codes are left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.flows.carrying_out import carry_out
from app.flows.people import sign_in_steps
from app.services.people import second_factors, sessions
from app.views.people.login_steps import CodeForm
from app.views.people.qr_codes import svg_path
from app.web.context import current_context
from app.web.signing_in import counted_codes


class OwnSecondFactor(BaseView):  # type: ignore[misc]
    """Two-step sign-in of whoever is signed in."""

    route_base = "/console/second-factor"
    default_view = "show"

    @expose("/")
    @has_access
    def show(self) -> ResponseReturnValue:
        return self._page(CodeForm())

    @expose("/begin/", methods=("POST",))
    @has_access
    def begin(self) -> ResponseReturnValue:
        """Make a secret; the page then shows it until it is confirmed."""
        context = current_context()

        def effect(session: Session) -> str:
            return second_factors.begin_enrolment(
                session, staff_id=g.actor.staff_id, keys=context.keys
            )

        form = CodeForm()
        with form.refusals():
            carry_out(context, effect)
            return redirect(url_for("OwnSecondFactor.show"))
        return self._page(form)

    @expose("/confirm/", methods=("POST",))
    @has_access
    def confirm(self) -> ResponseReturnValue:
        """The phone shows right codes: it is asked for from now on."""
        return self._recovery_codes(second_factors.confirm_enrolment)

    @expose("/renew/", methods=("POST",))
    @has_access
    def renew(self) -> ResponseReturnValue:
        """New recovery codes in place of the old ones, for a code from the phone."""
        return self._recovery_codes(second_factors.renew_recovery_codes)

    @expose("/end/", methods=("POST",))
    @has_access
    def end(self) -> ResponseReturnValue:
        """No codes any more, or another phone. Where they are required, the next sign-in asks."""
        form, context = CodeForm(), current_context()

        def effect(session: Session) -> None:
            second_factors.end_second_factor(
                session,
                staff_id=g.actor.staff_id,
                code=form.code.data,
                keys=context.keys,
                actor=g.actor,
                now=utc_now(),
            )

        if form.validate_on_submit():
            with form.refusals(), counted_codes(g.actor.staff_id):
                carry_out(context, effect)
                flash(gettext("Two-step sign-in is off. Your old recovery codes are void."))
                return redirect(url_for("OwnSecondFactor.show"))
        return self._page(form)

    def _recovery_codes(self, make: Callable[..., Sequence[str]]) -> ResponseReturnValue:
        """Show what ``make`` gives for a code from the phone: this once, and never again."""
        form, context = CodeForm(), current_context()

        def effect(session: Session) -> list[str]:
            codes = make(
                session,
                staff_id=g.actor.staff_id,
                code=form.code.data,
                keys=context.keys,
                actor=g.actor,
                now=utc_now(),
            )
            return [*codes]

        if form.validate_on_submit():
            with form.refusals(), counted_codes(g.actor.staff_id):
                codes = carry_out(context, effect)
                onward = url_for("OwnSecondFactor.show")
                return render_template("console/recovery_codes.html", codes=codes, onward=onward)
        return self._page(form)

    def _page(self, form: CodeForm) -> ResponseReturnValue:
        context, staff_id = current_context(), g.actor.staff_id

        def look(session: Session) -> tuple[bool, int]:
            present = sessions.has_second_factor(session, staff_id)
            return present, second_factors.count_recovery_codes(session, staff_id=staff_id)

        present, left = carry_out(context, look)
        enrolment = None if present else sign_in_steps.find_enrolment(context, staff_id)
        page = self.render_template(
            "console/second_factor.html",
            form=form,
            present=present,
            left=left,
            enrolment=enrolment,
            qr=enrolment and svg_path(enrolment.address),
        )
        return page, 422 if form.refused else 200
