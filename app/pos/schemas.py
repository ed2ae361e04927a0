"""The staff API's shapes."""

from __future__ import annotations

from marshmallow import Schema, ValidationError, fields, validates_schema

from app.core.errors import N_
from app.services.sales.payments import MAX_PAYMENT_FEN
from app.services.sales.top_ups import MAX_TOP_UP_FEN
from app.web.body import Digits, Fen, Phone, RowId, Words
from app.web.shapes import CardBalance, PaymentCommon, StoreName
from app.web.wire import Instant


class SignIn(Schema):
    username = Words(required=True, shortest=1, longest=64)
    password = Words(required=True, shortest=1, longest=200)


class SignedIn(Schema):
    access_token = fields.String()
    expires_at = Instant()


class MerchantName(Schema):
    code = fields.String()
    name = fields.String()


class PayPoint(Schema):
    token = fields.String()
    url = fields.String()


class Me(Schema):
    username = fields.String()
    name = fields.String()
    role = fields.String()
    merchant = fields.Nested(MerchantName)
    store = fields.Nested(StoreName, allow_none=True)
    terminal_id = fields.String(allow_none=True)
    pay_point = fields.Nested(PayPoint, allow_none=True)


class Redemption(Schema):
    redemption_no = fields.String()
    serial_no = fields.String()
    face_value_fen = fields.Integer()
    redeemed_at = fields.String(metadata={"format": "date-time"})
    status = fields.String()


class RedemptionSeen(Schema):
    redemption_no = fields.String(allow_none=True)
    redeemed_at = fields.String(metadata={"format": "date-time"})
    store = fields.String(allow_none=True)


class Voucher(Schema):
    serial_no = fields.String()
    face_value_fen = fields.Integer()
    status = fields.String()
    batch = fields.String()
    expires_on = fields.Date(allow_none=True)
    redeemable = fields.Boolean()
    reason = fields.String(allow_none=True, metadata={"description": "the refusal's code"})
    reason_text = fields.String(allow_none=True)
    redemption = fields.Nested(RedemptionSeen, allow_none=True)


class Reason(Schema):
    reason = Words(required=True, shortest=1, longest=200)


class Receiver(Schema):
    """Exactly one of phone, payment_code and card_no says whom."""

    phone = Phone(load_default=None, allow_none=True)
    payment_code = Digits(load_default=None, allow_none=True, shortest=1, longest=40)
    card_no = Digits(load_default=None, allow_none=True, shortest=1, longest=40)

    @validates_schema
    def _one_receiver(self, values: dict[str, object], **_: object) -> None:
        given = [n for n in ("phone", "payment_code", "card_no") if values.get(n) is not None]
        if len(given) != 1:
            raise ValidationError(N_("Give exactly one of phone, payment_code, card_no."), "phone")


class NewCashTopUp(Receiver):
    """Cash for whom, how much, and into which program: the group-wide one unless named."""

    amount_fen = Fen(required=True, maximum=MAX_TOP_UP_FEN)
    program_id = RowId(load_default=None, allow_none=True)


class Member(Schema):
    nickname = fields.String()
    phone_masked = fields.String(allow_none=True)


class CashTopUp(Schema):
    id = fields.String()
    top_up_no = fields.String()
    status = fields.String()
    amount_fen = fields.Integer()
    bonus_fen = fields.Integer()
    credited_fen = fields.Integer()
    created_at = fields.String(metadata={"format": "date-time"})
    member = fields.Nested(Member)
    card = fields.Nested(CardBalance)


class ReversedTopUp(Schema):
    top_up_no = fields.String()
    status = fields.String()
    amount_fen = fields.Integer()
    bonus_fen = fields.Integer()


class NewPayment(Schema):
    payment_code = Digits(required=True, shortest=1, longest=40)
    amount_fen = Fen(required=True, maximum=MAX_PAYMENT_FEN)


class Payment(PaymentCommon):
    wechat_pay = fields.Dict(
        allow_none=True, metadata={"description": "null: the member's own phone shows the sheet"}
    )


class NewRefund(Schema):
    amount_fen = Fen(required=True, maximum=MAX_PAYMENT_FEN)
    reason = Words(required=True, shortest=1, longest=200)


class Refund(Schema):
    id = fields.String()
    refund_no = fields.String()
    payment_no = fields.String()
    status = fields.String()
    amount_fen = fields.Integer()
    card_fen = fields.Integer()
    wechat_fen = fields.Integer()
    reason = fields.String()
    created_at = fields.String(metadata={"format": "date-time"})
