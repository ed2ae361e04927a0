"""Where WeChat Pay tells us of payments and refunds."""

from __future__ import annotations

import json
import logging

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from app.flows.sales import notifications
from app.gateways.wechat.notifications import NotificationRejected
from app.web.context import current_context

log = logging.getLogger(__name__)

bp = Blueprint("wechat", __name__, url_prefix="/wechat")


@bp.post("/pay/notify")
def take_notification() -> ResponseReturnValue:
    """Keep a believable message and answer at once; a job makes something of it."""
    try:
        notifications.receive(current_context(), request.headers, request.get_data(cache=False))
    except NotificationRejected as error:
        log.warning("a notification was refused: %s", error.reason)
        body = json.dumps({"code": "FAIL", "message": error.reason})
        return Response(body, 401, content_type="application/json")
    return Response(status=204)
