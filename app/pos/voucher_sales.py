"""Selling paper from the store's stock: for cash, or for WeChat Pay by a code on the screen."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.errors import N_
from app.flows.once import Body, MoneyCall
from app.flows.vouchers import selling_paper
from app.flows.vouchers.selling_paper import sale_body
from app.models.tills import SaleTender
from app.pos.blueprint import bp
from app.pos.calls import run_once
from app.services.tills import till_sales
from app.services.tills.till_sales import MOST_AT_ONCE, Chosen
from app.services.vouchers.voucher_sales import SerialRange
from app.web.auth import current_actor, till_required
from app.web.body import Words, request_hash, request_key
from app.web.context import current_context
from app.web.limits import TILL, limited
from app.web.wire import IDEMPOTENT, answered


class Span(Schema):
    first = Words(required=True, shortest=1, longest=40)
    last = Words(required=True, shortest=1, longest=40)


class Papers(Schema):
    """Single serial numbers, a range, or both; all of one batch."""

    serials = fields.List(
        Words(shortest=1, longest=40), load_default=list, validate=validate.Length(0, MOST_AT_ONCE)
    )
    range = fields.Nested(Span, load_default=None, allow_none=True)

    @validates_schema
    def _something(self, values: dict[str, object], **_: object) -> None:
        if not values.get("serials") and values.get("range") is None:
            raise ValidationError(N_("Scan or type at least one serial number."), "serials")


class NewSale(Papers):
    tender = fields.Enum(
        SaleTender, required=True, metadata={"description": "cash or wechat (a code to scan)"}
    )


class Sale(Schema):
    sale_no = fields.String()
    status = fields.String(metadata={"description": "pending, closing, closed, sold"})
    tender = fields.String()
    quantity = fields.Integer()
    amount_fen = fields.Integer()
    code_url = fields.String(
        allow_none=True, metadata={"description": "draw it as a QR code; the customer scans it"}
    )
    created_at = fields.String(metadata={"format": "date-time"})
    expires_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    sold_at = fields.String(allow_none=True, metadata={"format": "date-time"})


@bp.post("/voucher-sales")
@bp.doc(**IDEMPOTENT)
@limited(TILL)
@till_required
@bp.arguments(NewSale)
@bp.response(201, Sale)
def create_sale(body: dict[str, Any]) -> Response:
    """Sell papers. For cash they are good at once; by WeChat when the money is there."""
    context, actor = current_context(), current_actor()
    chosen = chosen_papers(body)
    if body["tender"] is SaleTender.wechat:
        call = MoneyCall(caller=actor.caller, key=request_key(), request_hash=request_hash())
        return answered(selling_paper.sell_by_wechat(context, call, chosen=chosen, till=actor))

    def effect(session: Session) -> Body:
        return sale_body(
            till_sales.sell_for_cash(session, chosen=chosen, till=actor, now=utc_now())
        )

    return run_once(effect)


@bp.get("/voucher-sales/<string:sale_no>")
@limited(TILL)
@till_required
@bp.response(200, Sale)
def show_sale(sale_no: str) -> dict[str, Any]:
    """One sale of this store: whether WeChat's money is there."""
    return sale_body(
        selling_paper.find_sale(current_context(), sale_no=sale_no[:40], till=current_actor())
    )


@bp.post("/voucher-sales/<string:sale_no>/close")
@limited(TILL)
@till_required
@bp.response(201, Sale)
def close_sale(sale_no: str) -> dict[str, Any]:
    """The customer gives up: the papers may be sold again, unless the money was quicker."""
    return sale_body(
        selling_paper.close_sale(current_context(), sale_no=sale_no[:40], till=current_actor())
    )


def chosen_papers(body: dict[str, Any]) -> Chosen:
    """What was scanned or typed, in capitals as it is printed."""
    span = body["range"]
    return Chosen(
        serials=[serial.strip().upper() for serial in body["serials"]],
        span=None
        if span is None
        else SerialRange(first=span["first"].strip().upper(), last=span["last"].strip().upper()),
    )
