"""What stands before every console page: who is it, and what frames the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask, Response, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select

from app.core.actor import Actor
from app.models.base import OPERATOR_ID
from app.models.people import Staff
from app.models.tenants import Merchant, Store
from app.views import cells, roles
from app.views.exports import count_ready
from app.views.menu import Section, first_page, menu_of
from app.web.auth import staff_of_cookie
from app.web.staff_session import forget_session, session_token

_OPEN = ("/login/", "/logout/", "/console/lang/")


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What is around every page of somebody signed in."""

    name: str
    role: str
    place: str | None
    menu: Sequence[Section]
    second_factor: bool
    may_search: bool
    files_ready: int


def register_guard(app: Flask) -> None:
    app.before_request(_find_reader)
    app.after_request(_keep_private)
    app.jinja_env.globals["console_frame"] = _frame
    cells.register_cells(app)


def _find_reader() -> ResponseReturnValue | None:
    """Strangers go to /login/, wherever under /console/ they knock; other faces are left alone."""
    path = request.path
    if not _is_ours(path):
        return None
    g.actor = staff_of_cookie()
    g.user = current_user
    if g.actor is not None and request.endpoint == "Dashboard.show" and not _has_dashboard():
        return redirect(first_page(g.actor.role))
    if g.actor is not None or path.startswith(_OPEN):
        return None
    if session_token() is not None:
        forget_session()  # It has ended on the server.
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("LoginView.login", next=wanted))


def _has_dashboard() -> bool:
    """Editors and cashiers have none: the consoles' address leads them to where they work."""
    return roles.allows(g.actor.role, "can_show", "Dashboard")


def _keep_private(response: Response) -> Response:
    """Nobody who comes to the machine later finds a page in the browser's cache."""
    if _is_ours(request.path):
        response.headers["Cache-Control"] = "no-store"
    return response


def _is_ours(path: str) -> bool:
    return path.startswith(("/console/", *_OPEN)) or path == "/console"


def _frame() -> Frame | None:
    actor: Actor | None = g.get("actor")
    if actor is None or actor.role is None:
        return None
    row = (
        current_app.extensions["appbuilder"]
        .session.execute(
            select(Staff.name, Merchant.name, Store.name)
            .join(Merchant, Merchant.id == Staff.merchant_id)
            .outerjoin(Store, Store.id == Staff.store_id)
            .where(Staff.id == actor.staff_id)
        )
        .one_or_none()
    )
    name, merchant, store = row or ("", None, None)
    return Frame(
        name=name,
        role=roles.LABELS[actor.role],
        place=None if actor.merchant_id == OPERATOR_ID else store or merchant,
        menu=menu_of(actor.role),
        second_factor=roles.allows(actor.role, "can_show", "OwnSecondFactor"),
        may_search=roles.allows(actor.role, "can_list", "Search"),
        files_ready=count_ready(),
    )
