"""Where the official account's messages arrive."""

from __future__ import annotations

import logging

from flask import Response, request
from flask.typing import ResponseReturnValue

from app.api.wechat_notify import bp
from app.core.clock import utc_now
from app.flows.messaging import official_account
from app.gateways.wechat.oa_messages import OaRejected, check_signature
from app.web.context import current_context

log = logging.getLogger(__name__)


@bp.get("/oa/callback")
def prove_callback() -> ResponseReturnValue:
    """WeChat asks once, when the address is set, whether we know the token."""
    keys = current_context().official_account.keys
    try:
        check_signature(keys, request.args, request.args.get("signature", ""), now=utc_now())
    except OaRejected as error:
        log.warning("a proof for the official account was refused: %s", error.reason)
        return Response("", 403)
    return Response(request.args.get("echostr", "")[:200], content_type="text/plain")


@bp.post("/oa/callback")
def take_message() -> ResponseReturnValue:
    """A message or an event; answered within WeChat's five seconds."""
    try:
        answer = official_account.receive(
            current_context(), request.args, request.get_data(cache=False)
        )
    except OaRejected as error:
        log.warning("a message for the official account was refused: %s", error.reason)
        return Response("", 403)
    kind = "text/plain" if answer == "success" else "application/xml"
    return Response(answer, content_type=kind)
