"""In demo mode only: WeChat's sheet for browsers that have no WeChat."""

from __future__ import annotations

from typing import Any

from flask import abort

from app.api import account_schemas as schemas
from app.api.blueprint import bp
from app.flows.people import accounts
from app.web.auth import member_required
from app.web.context import current_context
from app.web.limits import MONEY, limited


@bp.post("/demo/wechat-sheet")
@limited(MONEY)
@member_required
@bp.arguments(schemas.SheetPress)
@bp.response(200, schemas.SheetPress)
def press_sheet(body: dict[str, Any]) -> dict[str, Any]:
    """Press pay or cancel in the simulated WeChat. There is nothing here in production."""
    context = current_context()
    if not context.settings.demo:
        abort(404)
    accounts.press_in_demo(context, action=body["action"], package=body["package"])
    return body
