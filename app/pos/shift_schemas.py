"""Shapes of shifts, their reports, and a colleague's word."""

from __future__ import annotations

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.core.errors import N_
from app.services.tills.shifts import MAX_CASH_FEN
from app.web.body import Fen, RowId, Words


class CashInDrawer(Fen):
    """Counted cash: it may be nothing."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(maximum=MAX_CASH_FEN, **kwargs)
        self.validators = [validate.Range(0, MAX_CASH_FEN)]


class Credentials(Schema):
    """A colleague's user name with exactly one of password and PIN (on enrolled terminals)."""

    username = Words(required=True, shortest=1, longest=64)
    password = Words(load_default=None, allow_none=True, shortest=1, longest=200)
    pin = Words(load_default=None, allow_none=True, shortest=1, longest=12)

    @validates_schema
    def _one_proof(self, values: dict[str, object], **_: object) -> None:
        if (values.get("password") is None) == (values.get("pin") is None):
            raise ValidationError(N_("Give either the password or the PIN."), "pin")


class OpenShift(Schema):
    opening_float_fen = CashInDrawer(required=True)


class CountedShift(Schema):
    counted_fen = CashInDrawer(required=True)
    reason = Words(load_default="", longest=200)


class CloseShift(CountedShift):
    shift_id = RowId(
        load_default=None,
        allow_none=True,
        metadata={"description": "a manager may close one that somebody left open"},
    )


class HandOverShift(CountedShift):
    successor = fields.Nested(Credentials, required=True)


class ReportLine(Schema):
    kind = fields.String(
        metadata={
            "description": "top_up_cash, top_up_cash_reversed, vouchers_sold_at_till …; payment,"
            " refund, redemption, redemption_reversed, voucher_sale; payment_scanned"
        }
    )
    tender = fields.String(metadata={"description": "cash, card, wechat or paper"})
    count = fields.Integer()
    amount_fen = fields.Integer(metadata={"description": "what was given back is negative"})


class Shift(Schema):
    id = fields.String()
    status = fields.String()
    staff = fields.String()
    terminal_id = fields.String(allow_none=True)
    opening_float_fen = fields.Integer()
    expected_fen = fields.Integer(metadata={"description": "float and cash, by the ledger"})
    counted_fen = fields.Integer(allow_none=True)
    difference_fen = fields.Integer(allow_none=True)
    difference_reason = fields.String()
    opened_at = fields.String(metadata={"format": "date-time"})
    closed_at = fields.String(allow_none=True, metadata={"format": "date-time"})


class ShiftReport(Shift):
    report = fields.String(metadata={"description": "X while the shift is open, Z afterwards"})
    cash = fields.List(fields.Nested(ReportLine))
    other = fields.List(fields.Nested(ReportLine))
    scanned = fields.List(
        fields.Nested(ReportLine),
        metadata={"description": "members who scanned the counter's code: the whole store's"},
    )


class CurrentShift(Schema):
    shift = fields.Nested(ShiftReport, allow_none=True)
    required = fields.Boolean(metadata={"description": "no cash here without an open shift"})


class HandedOver(Schema):
    closed = fields.Nested(ShiftReport)
    opened = fields.Nested(ShiftReport)
