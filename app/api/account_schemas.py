"""Shapes of programs, records and the account, for the member API."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.schemas import TopUp
from app.core.clock import rfc3339
from app.services.sales.payments import MAX_PAYMENT_FEN
from app.services.sales.refund_requests import MAX_REASON
from app.web.body import Fen, Phone, Words
from app.web.reasons import reason_text
from app.web.shapes import ProgramTerms
from app.web.wire import Instant


class Program(ProgramTerms):
    cap_fen = fields.Integer()
    accepted_by = fields.List(fields.String(), metadata={"description": "merchants"})


class Programs(Schema):
    items = fields.List(fields.Nested(Program))
    next_cursor = fields.String(allow_none=True)


class TopUpRecord(TopUp):
    channel = fields.String()
    program = fields.String()
    store = fields.String(allow_none=True)
    mine = fields.Boolean(metadata={"description": "false: for another person's phone"})


class TopUpRecords(Schema):
    items = fields.List(fields.Nested(TopUpRecord))
    next_cursor = fields.String(allow_none=True)


class Reason(fields.String):
    """What a person gave, or what the program says by itself."""

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str:
        return reason_text(str(value or ""))


class RefundRecord(Schema):
    id = fields.String()
    refund_no = fields.String()
    payment_no = fields.String(allow_none=True)
    status = fields.String()
    amount_fen = fields.Integer()
    card_fen = fields.Integer()
    wechat_fen = fields.Integer()
    reason = Reason()
    store = fields.String(allow_none=True)
    created_at = fields.String(metadata={"format": "date-time"})


class RefundRecords(Schema):
    items = fields.List(fields.Nested(RefundRecord))
    next_cursor = fields.String(allow_none=True)


class NewRefundRequest(Schema):
    amount_fen = Fen(required=True, maximum=MAX_PAYMENT_FEN)
    reason = Words(required=True, shortest=1, longest=MAX_REASON)


class State(fields.String):
    """The name of a state."""

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str:
        return str(value.name)


class RefundRequest(Schema):
    id = fields.String()
    payment_no = fields.String()
    amount_fen = fields.Integer()
    reason = fields.String()
    status = State()
    created_at = Instant()
    answered_at = Instant(allow_none=True)


class RefundRequests(Schema):
    items = fields.List(fields.Nested(RefundRequest))
    next_cursor = fields.String(allow_none=True)


class Phone(Schema):
    phone = Phone(required=True)


class Recipient(Schema):
    phone_masked = fields.String()
    name_masked = fields.String(
        allow_none=True, metadata={"description": "null: nobody has bound this number yet"}
    )


class Erasure(Schema):
    put_aside_fen = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(0),
        metadata={"description": "what all cards still hold, as the member was shown it"},
    )


class MoneyRequest(Schema):
    status = fields.String(validate=validate.OneOf(["unknown", "running", "done"]))
    answer = fields.Dict(allow_none=True, metadata={"description": "what the call answered"})


class SheetPress(Schema):
    action = fields.String(required=True, validate=validate.OneOf(["pay", "cancel"]))
    package = Words(required=True, shortest=1, longest=200)


class Row(fields.Dict):
    """A row of an export: instants and states as text."""

    def _serialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        return {name: _plain(one) for name, one in value.items()}


class Export(Schema):
    made_at = Instant()
    profile = fields.List(Row())
    cards = fields.List(Row())
    lots = fields.List(Row())
    changes = fields.List(Row())
    payments = fields.List(Row())
    top_ups = fields.List(Row())
    refunds = fields.List(Row())
    refund_requests = fields.List(Row())
    gifts = fields.List(Row())


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    return value.name if isinstance(value, enum.Enum) else value
