"""Signing in and out at the consoles, and one's own password."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Request, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext
from flask_login import UserMixin

from app.core.actor import Actor
from app.core.clock import utc_now
from app.core.errors import DomainError
from app.core.keys import token_digest
from app.core.passwords import MAX_LENGTH, MIN_LENGTH
from app.flows.people import signing_in
from app.services.people.sessions import STAFF_LIFETIME
from app.views.forms import sentence_of
from app.views.menu import first_page
from app.views.people.login_steps import go_on
from app.web.context import current_context
from app.web.errors import TooManyRequests
from app.web.limits import SIGN_IN, client_address, take
from app.web.redirects import safe_path
from app.web.signing_in import check_password
from app.web.staff_session import forget_session, session_token

_LONGEST_NAME = 64


@dataclass(frozen=True)
class ConsoleUser(UserMixin):  # type: ignore[misc]
    """Who is signed in, as Flask-AppBuilder wants to know it."""

    actor: Actor

    @property
    def id(self) -> int | None:
        return self.actor.staff_id


def load_user(_request: Request) -> ConsoleUser | None:
    actor: Actor | None = g.get("actor")
    return None if actor is None else ConsoleUser(actor)


class LoginView(BaseView):
    """The one way in, and out."""

    route_base = ""
    default_view = "login"

    @expose("/login/", methods=("GET", "POST"))
    def login(self) -> ResponseReturnValue:
        """Staff of every tier sign in here; where they land depends on their role."""
        wanted = safe_path(request.args.get("next"))
        if g.actor is not None and request.method == "GET":
            return redirect(wanted or first_page(g.actor.role))
        if request.method == "GET":
            return _form()
        username = request.form.get("username", "").strip()
        try:
            take(SIGN_IN, client_address())
            ticket = check_password(
                username=username[:_LONGEST_NAME],
                password=request.form.get("password", "")[:MAX_LENGTH],
            )
        except DomainError as refusal:
            return _refused(refusal, username)
        _end_session()
        forget_session()
        return go_on(ticket, wanted)

    @expose("/logout/", methods=("GET", "POST"))
    def logout(self) -> ResponseReturnValue:
        """End this session on the server: its cookie is worth nothing any more."""
        _end_session()
        forget_session()
        return redirect(url_for("LoginView.login"))


class OwnPassword(BaseView):
    """Everybody changes their own password here. All their sessions end with the old one."""

    route_base = "/console/password"
    default_view = "change"

    @expose("/", methods=("GET", "POST"))
    @has_access
    @permission_name("change")
    def change(self) -> ResponseReturnValue:
        problem = None
        if request.method == "POST":
            problem = _change()
            if problem is None:
                forget_session()
                flash(gettext("Your password is changed. Please sign in with the new one."))
                return redirect(url_for("LoginView.login"))
        page = render_template("console/password.html", problem=problem, shortest=MIN_LENGTH)
        return page, 200 if problem is None else 422


def _end_session() -> None:
    """Revoke the token in this request's cookie, so that a copy of it is worth nothing."""
    token = session_token()
    if token is not None:
        signing_in.sign_out(current_context(), token_digest(token))


def _change() -> str | None:
    """Why it did not work; None when it did."""
    wanted = request.form.get("wanted", "")
    if wanted != request.form.get("again", ""):
        return gettext("The two new passwords differ.")
    present = request.form.get("present", "")[:MAX_LENGTH]
    try:
        signing_in.change_password(current_context(), g.actor, present=present, wanted=wanted)
    except DomainError as refusal:
        return sentence_of(refusal)
    return None


def _form(*, problem: str | None = None, username: str = "") -> str:
    return render_template(
        "console/login.html",
        problem=problem,
        username=username,
        hours=int(STAFF_LIFETIME.total_seconds()) // 3600,
        year=utc_now().year,
    )


def _refused(refusal: DomainError, username: str) -> ResponseReturnValue:
    page = _form(problem=sentence_of(refusal), username=username)
    headers = {}
    if isinstance(refusal, TooManyRequests):
        headers["Retry-After"] = str(refusal.params["seconds"])
    return page, refusal.category.value, headers
