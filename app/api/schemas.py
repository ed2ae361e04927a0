"""The member API's shapes: requests are checked by them, answers documented."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.core.errors import N_
from app.services.sales.payments import MAX_PAYMENT_FEN
from app.services.sales.top_ups import MAX_TOP_UP_FEN
from app.services.stored_value.gifts import MAX_MESSAGE
from app.web.body import Fen, Phone, RowId, Words
from app.web.context import current_context
from app.web.paging import PageArguments
from app.web.shapes import CardBalance, PaymentCommon, StoreName
from app.web.wire import Instant


class SignIn(Schema):
    code = Words(required=True, shortest=1, longest=200)


class Departure(Schema):
    page = fields.String(
        required=True,
        validate=validate.Regexp(r"^pages/[a-z]+/[a-z]+$"),
        metadata={"description": "the page of the app that the browser comes back to"},
    )
    state = fields.String(required=True, validate=validate.Regexp(r"^[A-Za-z0-9]{16,64}$"))


class DepartureAddress(Schema):
    url = fields.String()


class OwnAddress(fields.String):
    """An address that is kept without our host, told with it."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        told = super()._serialize(value, attr, obj, **kwargs)
        if not told or not told.startswith("/"):
            return told
        return current_context().settings.public_base_url.rstrip("/") + told


class Profile(Schema):
    id = fields.String()
    nickname = fields.String()
    avatar_url = OwnAddress(metadata={"description": "empty: none yet"})
    phone_masked = fields.String(allow_none=True)


class SignedIn(Schema):
    access_token = fields.String()
    expires_at = Instant()
    member = fields.Nested(Profile)


class ProfileChange(Schema):
    nickname = Words(longest=40, shortest=1)
    avatar_url = fields.URL(schemes={"https"}, validate=validate.Length(max=500))


class PhoneCode(Schema):
    code = Words(required=True, shortest=1, longest=200)
    join = fields.Boolean(
        load_default=False,
        metadata={"description": "the number's other account is mine too: make one of both"},
    )


class Lot(Schema):
    kind = fields.String(validate=validate.OneOf(["principal", "bonus"]))
    remaining_fen = fields.Integer()
    expires_at = Instant(allow_none=True)


class CardProgram(Schema):
    name = fields.String()
    issuer = fields.String()


class Card(Schema):
    id = fields.String()
    card_no = fields.String()
    program = fields.Nested(CardProgram)
    balance_fen = fields.Integer()
    principal_fen = fields.Integer()
    bonus_fen = fields.Integer()
    status = fields.String()
    lots = fields.List(fields.Nested(Lot))


class Cards(Schema):
    items = fields.List(fields.Nested(Card))
    next_cursor = fields.String(allow_none=True)
    total_fen = fields.Integer(metadata={"description": "spendable, over all active cards"})


class Activity(Schema):
    id = fields.String()
    type = fields.String()
    amount_fen = fields.Integer(metadata={"description": "signed"})
    balance_after_fen = fields.Integer(metadata={"description": "over all cards"})
    title = fields.String()
    store = fields.String(allow_none=True)
    occurred_at = Instant()
    reference = fields.String()


class Activities(Schema):
    items = fields.List(fields.Nested(Activity))
    next_cursor = fields.String(allow_none=True)


class ActivityQuery(PageArguments):
    card_id = RowId(load_default=None)


class PaymentCode(Schema):
    code = fields.String(metadata={"description": "18 digits, for one payment"})
    expires_at = Instant()


class Position(Schema):
    lat = fields.Float(load_default=None, validate=validate.Range(-90, 90))
    lng = fields.Float(load_default=None, validate=validate.Range(-180, 180))

    @validates_schema
    def _both_or_none(self, values: dict[str, object], **_: object) -> None:
        if (values.get("lat") is None) != (values.get("lng") is None):
            raise ValidationError(N_("lat and lng go together."), "lat")


class StoreQuery(Position):
    q = Words(load_default=None, longest=50)
    city = Words(load_default=None, longest=40)
    open_now = fields.Boolean(load_default=False)
    accepts_my_cards = fields.Boolean(
        load_default=False,
        metadata={"description": "only those; none without a member's token"},
    )
    cursor = fields.String(load_default=None, validate=validate.Length(max=400))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))


class SpecialDay(Schema):
    first_on = fields.Date()
    last_on = fields.Date()
    opens_at = fields.Time(
        format="%H:%M", allow_none=True, metadata={"description": "null: closed"}
    )
    closes_at = fields.Time(format="%H:%M", allow_none=True)
    note = fields.String()


class Store(Schema):
    id = fields.String()
    name = fields.String()
    merchant = fields.String()
    address = fields.String()
    phone = fields.String()
    lat = fields.Float(allow_none=True, metadata={"description": "GCJ-02"})
    lng = fields.Float(allow_none=True, metadata={"description": "GCJ-02"})
    distance_m = fields.Integer(allow_none=True)
    open_now = fields.Boolean()
    opens_at = fields.Time(format="%H:%M", allow_none=True)
    closes_at = fields.Time(format="%H:%M", allow_none=True)
    accepts_my_cards = fields.Boolean()
    special_days = fields.List(
        fields.Nested(SpecialDay), metadata={"description": "of the next 30 days"}
    )


class City(Schema):
    name = fields.String()
    stores = fields.Integer()


class Cities(Schema):
    items = fields.List(fields.Nested(City))
    next_cursor = fields.String(allow_none=True)


class Stores(Schema):
    items = fields.List(fields.Nested(Store))
    next_cursor = fields.String(allow_none=True)


class PayPoint(Schema):
    token = fields.String()
    store = fields.Nested(StoreName)
    merchant = fields.String()
    open = fields.Boolean()


class NewPayment(Schema):
    pay_point = Words(required=True, shortest=1, longest=100)
    amount_fen = Fen(required=True, maximum=MAX_PAYMENT_FEN)


class QuoteLine(Schema):
    card_no = fields.String()
    program = fields.String()
    kind = fields.String()
    amount_fen = fields.Integer()


class Quote(Schema):
    amount_fen = fields.Integer()
    card_fen = fields.Integer()
    wechat_fen = fields.Integer()
    lines = fields.List(fields.Nested(QuoteLine))


class PaymentSheet(Schema):
    appId = fields.String(  # noqa: N815 - WeChat's names
        metadata={"description": "where it can be paid, when not in the mini-program"}
    )
    timeStamp = fields.String()  # noqa: N815
    nonceStr = fields.String()  # noqa: N815
    package = fields.String()
    signType = fields.String()  # noqa: N815
    paySign = fields.String()  # noqa: N815


class Payment(PaymentCommon):
    wechat_pay = fields.Nested(PaymentSheet, allow_none=True)


class Payments(Schema):
    items = fields.List(fields.Nested(Payment))
    next_cursor = fields.String(allow_none=True)


class PaymentQuery(Schema):
    status = fields.String(
        load_default=None,
        validate=validate.OneOf(
            ["pending", "closing", "closed", "paid", "partly_refunded", "refunded"]
        ),
    )
    cursor = fields.String(load_default=None, validate=validate.Length(max=400))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))


class NewTopUp(Schema):
    amount_fen = Fen(required=True, maximum=MAX_TOP_UP_FEN)
    phone = Phone(load_default=None, allow_none=True)
    program_id = RowId(load_default=None, allow_none=True)


class TopUp(Schema):
    id = fields.String()
    top_up_no = fields.String()
    status = fields.String()
    amount_fen = fields.Integer()
    bonus_fen = fields.Integer()
    phone_masked = fields.String(allow_none=True)
    created_at = fields.String(metadata={"format": "date-time"})
    credited_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    wechat_pay = fields.Nested(PaymentSheet, allow_none=True)


class CodeTopUp(Schema):
    id = fields.String()
    top_up_no = fields.String()
    credited_fen = fields.Integer()
    principal_fen = fields.Integer()
    bonus_fen = fields.Integer()
    card = fields.Nested(CardBalance)


class NewGift(Schema):
    card_id = RowId(load_default=None, allow_none=True)
    amount_fen = Fen(required=True, maximum=MAX_TOP_UP_FEN)
    message = Words(load_default="", longest=MAX_MESSAGE)
    cover = Words(load_default="", longest=40)


class Gift(Schema):
    id = fields.String()
    gift_no = fields.String()
    status = fields.String()
    amount_fen = fields.Integer()
    message = fields.String()
    cover = fields.String()
    created_at = fields.String(metadata={"format": "date-time"})
    expires_at = fields.String(metadata={"format": "date-time"})
    ended_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    claim_token = fields.String()
    share_path = fields.String()


class Gifts(Schema):
    items = fields.List(fields.Nested(Gift))
    next_cursor = fields.String(allow_none=True)


class GiftPreview(Schema):
    status = fields.String()
    amount_fen = fields.Integer()
    message = fields.String()
    cover = fields.String()
    sender = fields.String(metadata={"description": "nickname"})
    expires_at = Instant()


class ClaimToken(Schema):
    claim_token = Words(required=True, shortest=1, longest=100)


class GiftQuery(Schema):
    box = fields.String(load_default="sent", validate=validate.OneOf(["sent", "received"]))
    cursor = fields.String(load_default=None, validate=validate.Length(max=400))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))
