"""Signing staff in and out, and what the signed-in person may do where."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.models.people import Staff
from app.models.tenants import Merchant, PayPoint, PayPointStatus, Store
from app.pos import schemas
from app.pos.blueprint import bp
from app.services.sessions import SignInRefused, revoke_token, sign_in_staff
from app.web.auth import bearer_digest, current_actor, staff_required
from app.web.context import current_context
from app.web.limits import SIGN_IN, TILL, WRONG_PASSWORD, limited, require_not_exhausted, take


@bp.post("/sessions")
@bp.doc(security=[])
@limited(SIGN_IN, by_address=True)
@bp.arguments(schemas.SignIn)
@bp.response(201, schemas.SignedIn)
def create_session(body: dict[str, Any]) -> dict[str, Any]:
    """Sign in with user name and password. The token carries the person's store and role."""
    username = body["username"]
    require_not_exhausted(WRONG_PASSWORD, username.lower())
    try:
        with current_context().database.unit_of_work(SYSTEM) as session:
            _, opened = sign_in_staff(
                session, username=username, password=body["password"], now=utc_now()
            )
    except SignInRefused:
        take(WRONG_PASSWORD, username.lower())
        raise
    return {"access_token": opened.token, "expires_at": opened.expires_at}


@bp.delete("/sessions/current")
@staff_required
@bp.response(204)
def end_session() -> ResponseReturnValue:
    """Revoke this token."""
    with current_context().database.unit_of_work(SYSTEM) as session:
        revoke_token(session, digest=bearer_digest(), now=utc_now())
    return ""


@bp.get("/me")
@limited(TILL)
@staff_required
@bp.response(200, schemas.Me)
def show_me() -> dict[str, Any]:
    """Who is signed in, in which role, at which store, with which pay point."""
    context, actor = current_context(), current_actor()
    with context.database.unit_of_work(actor) as session:
        staff, username = session.execute(
            select(Staff, User.username)
            .join(User, User.id == Staff.user_id)
            .where(Staff.id == actor.staff_id)
        ).one()
        merchant = session.get_one(Merchant, staff.merchant_id)
        store = None if staff.store_id is None else session.get_one(Store, staff.store_id)
        token = session.scalar(
            select(PayPoint.token)
            .where(PayPoint.store_id == staff.store_id, PayPoint.status == PayPointStatus.active)
            .order_by(PayPoint.id)
            .limit(1)
        )
    address = f"{context.settings.public_base_url}/q/{token}"
    return {
        "username": username,
        "name": staff.name,
        "role": staff.role.name,
        "merchant": merchant,
        "store": store,
        "pay_point": None if token is None else {"token": token, "url": address},
    }
