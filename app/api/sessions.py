"""Signing members in and out."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from app.api import schemas
from app.api.blueprint import bp
from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.errors import Category, DomainError, N_
from app.services.members import find_or_create_member
from app.services.ports import GatewayRefused, GatewayUnavailable
from app.services.refusals import WeChatUnavailable
from app.services.sessions import open_member_session, revoke_token
from app.web.auth import bearer_digest, member_required
from app.web.context import current_context
from app.web.limits import SIGN_IN, limited


class LoginCodeInvalid(DomainError):
    code = "login_code_invalid"
    category = Category.INVALID
    template = N_("WeChat does not accept this sign-in. Please close the mini-program and open it again.")


@bp.post("/sessions")
@bp.doc(security=[])
@limited(SIGN_IN, by_address=True)
@bp.arguments(schemas.SignIn)
@bp.response(201, schemas.SignedIn)
def create_session(body: dict[str, Any]) -> ResponseReturnValue | dict[str, object]:
    """Exchange the code of wx.login for a bearer token."""
    context = current_context()
    try:
        identity = context.wechat_login.sign_in(body["code"])
    except GatewayRefused:
        raise LoginCodeInvalid from None
    except GatewayUnavailable:
        raise WeChatUnavailable from None
    with context.database.unit_of_work(SYSTEM) as session:
        member = find_or_create_member(
            session, appid=context.settings.wechat.mini_appid, identity=identity
        )
        opened = open_member_session(session, member_id=member.id, now=utc_now())
    return {"access_token": opened.token, "expires_at": opened.expires_at, "member": member}


@bp.delete("/sessions/current")
@member_required
@bp.response(204)
def end_session() -> ResponseReturnValue:
    """Revoke this token."""
    with current_context().database.unit_of_work(SYSTEM) as session:
        revoke_token(session, digest=bearer_digest(), now=utc_now())
    return ""
