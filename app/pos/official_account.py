"""Inside WeChat: the till opened from the official account's menu, and the JS-SDK's scanner."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, flash, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app.core.keys import token_digest
from app.flows.people import staff_wechat
from app.flows.people.staff_wechat import RETURN_PATH, WeChatReturnInvalid
from app.pos.blueprint import bp
from app.web.auth import actor_behind, till_required
from app.web.context import current_context
from app.web.limits import SIGN_IN, TILL, client_address, limited, take
from app.web.page_signing import PageAddress, PageSignature, sign_our_page
from app.web.staff_session import begin_session, session_token

pages = Blueprint("pos_wechat", __name__)
STATE = "wechat_state"


@pages.get("/pos/wechat/")
def open_till() -> ResponseReturnValue:
    """What the official account's menu links to: to WeChat, and back with who it is."""
    take(SIGN_IN, client_address())
    gone = staff_wechat.depart(current_context(), None)
    session[STATE] = gone.state
    return redirect(gone.url)


@pages.get(RETURN_PATH)
def come_back() -> ResponseReturnValue:
    """Back from WeChat, in the browser that set out: signed in, or bound."""
    take(SIGN_IN, client_address())
    context = current_context()
    state, code = request.args.get("state", "")[:100], request.args.get("code", "")[:200]
    expected = session.pop(STATE, None)
    # Nobody is signed in, or bound, by a link that somebody else began.
    if not isinstance(expected, str) or not secrets.compare_digest(
        expected.encode(), state.encode()
    ):
        raise WeChatReturnInvalid
    token = session_token()
    actor = None if token is None else actor_behind(token_digest(token))
    if actor is not None and session.pop("wechat_binding", None):
        staff_wechat.bind(context, actor, code=code, state=state)
        flash(gettext("Your WeChat is bound: the official account's menu opens the till for you."))
        return redirect("/console/own-wechat/")
    opened = staff_wechat.sign_in(context, code=code, state=state)
    begin_session(opened.token)
    return redirect("/pos/")


@bp.get("/wechat/js-config")
@limited(TILL)
@till_required
@bp.arguments(PageAddress, location="query")
@bp.response(200, PageSignature)
def sign_page(query: dict[str, Any]) -> dict[str, Any]:
    """What wx.config needs on a page of ours, for wx.scanQRCode inside WeChat."""
    return sign_our_page(query["url"])
