"""What pages of the app need of WeChat: signatures for the JS-SDK, pictures to scan."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from app.api.blueprint import bp
from app.core.actor import PUBLIC
from app.flows import codes
from app.flows.people import membership
from app.models.vouchers import GiftStatus
from app.queries.tenants.stores import find_pay_point
from app.services.refusals import PayPointNotFound
from app.services.stored_value.gifts import GiftEnded
from app.web.auth import member_required
from app.web.context import current_context
from app.web.limits import LOOK_UP, OPEN_TO_ALL, limited
from app.web.page_signing import PageAddress, PageSignature, sign_our_page

PICTURE = {"type": "string", "format": "binary"}


class CodeForm(Schema):
    form = fields.String(
        load_default="qr",
        validate=validate.OneOf(["qr", "mini-program"]),
        metadata={"description": "qr: for any scanner; mini-program: WeChat's round code"},
    )


@bp.get("/wechat/js-config")
@bp.doc(security=[])
@limited(OPEN_TO_ALL, by_address=True)
@bp.arguments(PageAddress, location="query")
@bp.response(200, PageSignature)
def sign_page(query: dict[str, Any]) -> dict[str, Any]:
    """What wx.config needs on a page of ours."""
    return sign_our_page(query["url"])


@bp.get("/gifts/<string:claim_token>/code")
@limited(LOOK_UP)
@member_required
@bp.arguments(CodeForm, location="query")
@bp.response(200, PICTURE, content_type="image/png")
def draw_gift_code(query: dict[str, Any], claim_token: str) -> Response:
    """A picture that opens the gift, to send or to print. The token is the right to it."""
    _, _, status = membership.preview_gift(current_context(), claim_token=claim_token[:100])
    if status is not GiftStatus.sent:
        raise GiftEnded
    return _picture(query["form"], "g", claim_token)


@bp.get("/pay-points/<string:token>/code")
@limited(LOOK_UP)
@member_required
@bp.arguments(CodeForm, location="query")
@bp.response(200, PICTURE, content_type="image/png")
def draw_pay_point_code(query: dict[str, Any], token: str) -> Response:
    """A picture that opens the payment to this pay point's store."""
    with current_context().database.unit_of_work(PUBLIC) as session:
        if find_pay_point(session, token[:100]) is None:
            raise PayPointNotFound
    return _picture(query["form"], "q", token)


def _picture(form: str, letter: str, token: str) -> Response:
    draw = codes.draw_address if form == "qr" else codes.draw_mini_program_code
    png = draw(current_context(), letter=letter, token=token)
    return Response(png, mimetype="image/jpeg" if png[:2] == b"\xff\xd8" else "image/png")
