"""What a till asks before it takes money, and the pictures that it shows a customer."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from app.core.errors import DomainError
from app.documents.barcodes import QUIET_ZONE, draw_qr
from app.flows.sales.taking_cash import CashReceiver
from app.flows.tills import counter
from app.pos.blueprint import bp
from app.pos.schemas import Member, Receiver
from app.pos.voucher_sales import Papers, chosen_papers
from app.web.auth import current_actor, till_required
from app.web.context import current_context
from app.web.limits import TILL, WRONG_CODE, limited, require_not_exhausted, take
from app.web.shapes import ProgramTerms

_GUESSES = {"member_not_found", "card_not_found", "payment_code_invalid"}


class ReceiverSeen(Schema):
    member = fields.Nested(Member)
    programs = fields.List(fields.Nested(ProgramTerms))


class PapersSeen(Schema):
    batch = fields.String()
    kind = fields.String(metadata={"description": "payment or top_up"})
    quantity = fields.Integer()
    face_value_fen = fields.Integer(metadata={"description": "of one paper"})
    amount_fen = fields.Integer(metadata={"description": "what the customer pays for all"})


class PictureArguments(Schema):
    text = fields.String(required=True, validate=validate.Length(1, 300))


@bp.post("/top-ups/lookup")
@limited(TILL)
@till_required
@bp.arguments(Receiver)
@bp.response(200, ReceiverSeen)
def look_up_receiver(body: dict[str, Any]) -> counter.ReceiverSeen:
    """Who would get a cash top-up, by a masked name, and what each program adds. Changes nothing.

    A till that guesses numbers is told to wait, as one that guesses voucher codes.
    """
    actor = current_actor()
    require_not_exhausted(WRONG_CODE, actor.caller)
    receiver = CashReceiver(
        phone=body["phone"], payment_code=body["payment_code"], card_no=body["card_no"]
    )
    try:
        return counter.find_receiver(current_context(), receiver=receiver, till=actor)
    except DomainError as error:
        if error.code in _GUESSES:
            take(WRONG_CODE, actor.caller)
        raise


@bp.post("/voucher-sales/quote")
@limited(TILL)
@till_required
@bp.arguments(Papers)
@bp.response(200, PapersSeen)
def quote_sale(body: dict[str, Any]) -> Any:
    """What these papers cost here, before anything is sold. Refused as the sale would be."""
    return counter.quote_papers(current_context(), chosen=chosen_papers(body), till=current_actor())


@bp.get("/qr.svg")
@limited(TILL)
@till_required
@bp.arguments(PictureArguments, location="query")
@bp.response(200, {"type": "string"}, content_type="image/svg+xml")
def draw_code(query: dict[str, Any]) -> Response:
    """A QR code as a picture: the store's pay point, or a sale's ``code_url``."""
    code = draw_qr(query["text"])
    side = code.size + 2 * QUIET_ZONE
    dark = "".join(
        f"M{x + QUIET_ZONE} {y + QUIET_ZONE}h1v1h-1z"
        for y in range(code.size)
        for x in range(code.size)
        if code.is_dark(x, y)
    )
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"'
        ' shape-rendering="crispEdges"><path fill="#fff"'
        f' d="M0 0h{side}v{side}H0z"/><path d="{dark}"/></svg>'
    )
    return Response(picture, content_type="image/svg+xml")
