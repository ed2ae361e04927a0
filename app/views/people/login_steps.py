"""What signing in asks for after the password: a code, a password of one's own, a second factor."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_babel import gettext
from wtforms.validators import ValidationError

from app.core.errors import N_
from app.core.passwords import MAX_LENGTH, MIN_LENGTH
from app.flows.people import sign_in_steps
from app.flows.people.sign_in_steps import SignInExpired, Step, Ticket
from app.views.forms import ConsoleForm, Secret, Text, sentence_of
from app.views.menu import first_page
from app.views.people.qr_codes import svg_path
from app.web.context import current_context
from app.web.redirects import safe_path
from app.web.signing_in import counted_codes
from app.web.staff_session import begin_session, forget_ticket, keep_ticket, kept_ticket

_LONGEST_CODE = 20


class CodeForm(ConsoleForm):
    refusals_at = {"second_factor_wrong": "code"}

    code = Text(
        N_("Code from the phone"),
        longest=_LONGEST_CODE,
        render_kw={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"},
    )


class NewPasswordForm(ConsoleForm):
    refusals_at = {
        "password_unchanged": "wanted",
        "password_too_short": "wanted",
        "password_too_common": "wanted",
    }

    wanted = Secret(
        N_("New password"),
        render_kw={"autocomplete": "new-password", "minlength": MIN_LENGTH, "autofocus": True},
    )
    again = Secret(N_("New password again"), render_kw={"autocomplete": "new-password"})

    def validate_again(self, field: Any) -> None:
        if field.data != self.wanted.data:
            raise ValidationError(gettext("The two new passwords differ."))


class LoginSteps(BaseView):  # type: ignore[misc]
    """Each step is a page; whoever opens one that is not due is sent to the one that is."""

    route_base = "/login"
    default_view = "code"

    @expose("/code/", methods=("GET", "POST"))
    def code(self) -> ResponseReturnValue:
        """Six digits from the phone, or a recovery code."""
        form = CodeForm()

        def show(ticket: Ticket) -> Ticket:
            with counted_codes(ticket.staff_id):
                after, recovered = sign_in_steps.show_code(
                    current_context(), ticket, typed=form.code.data
                )
            if recovered:
                flash(gettext("This recovery code is used up now. The others are still good."))
            return after

        return _step(Step.code, form, "console/sign_in_code.html", show)

    @expose("/password/", methods=("GET", "POST"))
    def password(self) -> ResponseReturnValue:
        """In place of a password that somebody else has given out."""
        form = NewPasswordForm()

        def choose(ticket: Ticket) -> Ticket:
            return sign_in_steps.choose_password(
                current_context(), ticket, wanted=form.wanted.data[:MAX_LENGTH]
            )

        return _step(
            Step.password, form, "console/sign_in_password.html", choose, shortest=MIN_LENGTH
        )

    @expose("/second-factor/", methods=("GET", "POST"))
    def enrolment(self) -> ResponseReturnValue:
        """Where a second factor is required and somebody has none yet."""
        form = CodeForm()
        codes: list[str] = []

        def confirm(ticket: Ticket) -> Ticket:
            if "begin" in request.form:
                sign_in_steps.begin_enrolment(current_context(), ticket)
                return ticket
            with counted_codes(ticket.staff_id):
                after, made = sign_in_steps.confirm_enrolment(
                    current_context(), ticket, code=form.code.data
                )
            codes.extend(made)
            return after

        answer = _step(Step.enrolment, form, "console/sign_in_enrolment.html", confirm)
        if not codes:
            return answer
        # Shown once, and only now: the session is open, the link leads inside.
        assert not isinstance(answer, tuple | str), "the last step redirects"
        page: str = render_template(
            "console/recovery_codes.html", codes=codes, onward=answer.location
        )
        return page


def go_on(ticket: Ticket, wanted: str | None) -> ResponseReturnValue:
    """To the next step, or inside."""
    step = sign_in_steps.next_step(current_context(), ticket)
    if step is not None:
        keep_ticket(ticket.staff_id, ticket.fingerprint, code_shown=ticket.code_shown)
        return redirect(url_for(f"LoginSteps.{step.name}", next=wanted))
    opened, role = sign_in_steps.open_session(current_context(), ticket)
    begin_session(opened.token)
    return redirect(wanted or first_page(role))


def _step(
    due: Step, form: ConsoleForm, template: str, take: Any, **more: Any
) -> ResponseReturnValue:
    wanted = safe_path(request.args.get("next"))
    try:
        ticket = _ticket()
        if sign_in_steps.next_step(current_context(), ticket) is not due:
            return go_on(ticket, wanted)
        if request.method == "POST" and ("begin" in request.form or form.validate()):
            with form.refusals():
                return go_on(take(ticket), wanted)
    except SignInExpired as refusal:
        forget_ticket()
        flash(sentence_of(refusal))
        return redirect(url_for("LoginView.login", next=wanted))
    if due is Step.enrolment:
        found = sign_in_steps.find_enrolment(current_context(), ticket.staff_id)
        more = {**more, "enrolment": found, "qr": found and svg_path(found.address)}
    page = render_template(template, form=form, **more)
    return page, 422 if form.refused else 200


def _ticket() -> Ticket:
    kept = kept_ticket()
    if kept is None:
        raise SignInExpired
    return Ticket(staff_id=kept[0], fingerprint=kept[1], code_shown=kept[2])
