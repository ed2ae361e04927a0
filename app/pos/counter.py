"""What a till asks before it takes money, and the pictures that it shows a customer."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.core.errors import N_, DomainError
from app.documents.barcodes import QUIET_ZONE, draw_qr
from app.flows import counter
from app.flows.topping_up import CashReceiver
from app.pos.blueprint import bp
from app.pos.schemas import Member
from app.pos.voucher_sales import Papers, chosen_papers
from app.web.auth import current_actor, till_required
from app.web.body import Words, check_phone
from app.web.context import current_context
from app.web.limits import TILL, WRONG_CODE, limited, require_not_exhausted, take

_GUESSES = {"member_not_found", "card_not_found", "payment_code_invalid"}


class Receiver(Schema):
    """Exactly one of phone, payment_code and card_no says whom."""

    phone = fields.String(load_default=None, allow_none=True, validate=check_phone)
    payment_code = Words(load_default=None, allow_none=True, shortest=1, longest=40)
    card_no = Words(load_default=None, allow_none=True, shortest=1, longest=40)

    @validates_schema
    def _one_receiver(self, values: dict[str, object], **_: object) -> None:
        given = [n for n in ("phone", "payment_code", "card_no") if values.get(n) is not None]
        if len(given) != 1:
            raise ValidationError(N_("Give exactly one of phone, payment_code, card_no."), "phone")


class Tier(Schema):
    threshold_fen = fields.Integer()
    bonus_fen = fields.Integer()


class Program(Schema):
    id = fields.String()
    name = fields.String()
    issuer = fields.String()
    is_default = fields.Boolean()
    min_top_up_fen = fields.Integer()
    tiers = fields.List(fields.Nested(Tier))


class ReceiverSeen(Schema):
    member = fields.Nested(Member)
    programs = fields.List(fields.Nested(Program))


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
    code = body["payment_code"]
    receiver = CashReceiver(
        phone=body["phone"],
        payment_code=None if code is None else code.replace(" ", ""),
        card_no=body["card_no"],
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
