"""Signing staff in and out, and what the signed-in person may do where."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from app.flows.people import signing_in
from app.flows.tills import terminals
from app.pos import schemas
from app.pos.blueprint import bp
from app.pos.terminals import TERMINAL_TOKEN, terminal_token
from app.web.auth import bearer_digest, current_actor, staff_required
from app.web.context import current_context
from app.web.limits import SIGN_IN, TILL, limited
from app.web.signing_in import sign_in_staff


@bp.post("/sessions")
@bp.doc(security=[], parameters=[TERMINAL_TOKEN])
@limited(SIGN_IN, by_address=True)
@bp.arguments(schemas.SignIn)
@bp.response(201, schemas.SignedIn)
def create_session(body: dict[str, Any]) -> dict[str, Any]:
    """Sign in with user name and password. The token carries the person's store and role.

    Sent from an enrolled device with its own token, the session is this device's and ends with it.
    """
    opened = sign_in_staff(**body)
    device = terminal_token()
    if device is not None:
        terminals.bind_session(current_context(), session_token=opened.token, terminal_token=device)
    return {"access_token": opened.token, "expires_at": opened.expires_at}


@bp.delete("/sessions/current")
@staff_required
@bp.response(204)
def end_session() -> ResponseReturnValue:
    """Revoke this token."""
    signing_in.sign_out(current_context(), bearer_digest())
    return ""


@bp.get("/me")
@limited(TILL)
@staff_required
@bp.response(200, schemas.Me)
def show_me() -> dict[str, Any]:
    """Who is signed in, in which role, at which store, with which pay point."""
    context = current_context()
    actor = current_actor()
    seen = signing_in.describe_staff(context, actor)
    token = seen.pay_point_token
    address = f"{context.settings.public_base_url}/q/{token}"
    return {
        "username": seen.username,
        "name": seen.staff.name,
        "role": seen.staff.role.name,
        "merchant": seen.merchant,
        "store": seen.store,
        "terminal_id": None if actor.terminal_id is None else str(actor.terminal_id),
        "pay_point": None if token is None else {"token": token, "url": address},
    }
