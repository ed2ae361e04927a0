"""Shapes that both JSON faces speak: what one of them documents, the other means, too."""

from __future__ import annotations

from marshmallow import Schema, fields

from app.web.body import Words


class Code(Schema):
    code = Words(required=True, shortest=1, longest=200)


class StoreName(Schema):
    id = fields.String()
    name = fields.String()


class CardBalance(Schema):
    id = fields.String()
    card_no = fields.String()
    balance_fen = fields.Integer()


class Tier(Schema):
    threshold_fen = fields.Integer()
    bonus_fen = fields.Integer()


class ProgramTerms(Schema):
    """A card program as somebody chooses among several: what a top-up of each brings."""

    id = fields.String()
    name = fields.String()
    issuer = fields.String()
    is_default = fields.Boolean()
    min_top_up_fen = fields.Integer()
    tiers = fields.List(fields.Nested(Tier))


class PaymentCommon(Schema):
    """A payment as ``flows.sales.presenting`` tells it, less what opens WeChat's sheet."""

    id = fields.String()
    payment_no = fields.String()
    status = fields.String()
    amount_fen = fields.Integer()
    card_fen = fields.Integer()
    wechat_fen = fields.Integer()
    refunded_fen = fields.Integer()
    store = fields.Nested(StoreName)
    created_at = fields.String(metadata={"format": "date-time"})
    paid_at = fields.String(allow_none=True, metadata={"format": "date-time"})
