"""The feed's shapes."""

from __future__ import annotations

from marshmallow import Schema, fields

from app.web.wire import Instant


class FeedItem(Schema):
    id = fields.String(metadata={"description": "the resume point after this event"})
    event = fields.String(
        metadata={
            "description": "payment.pending, payment.paid, payment.closed, voucher.redeemed,"
            " voucher.reversed, top_up.credited, top_up.reversed, refund.made, refund.succeeded,"
            " refund.abnormal, voucher_sale.sold, voucher_sale.closed"
        }
    )
    kind = fields.String(
        metadata={"description": "payment, redemption, top_up, refund or voucher_sale"}
    )
    number = fields.String()
    status = fields.String(metadata={"description": "when it was published"})
    amount_fen = fields.Integer()
    card_fen = fields.Integer()
    wechat_fen = fields.Integer()
    cash_fen = fields.Integer()
    bonus_fen = fields.Integer()
    reference = fields.String(
        allow_none=True, metadata={"description": "a refund's payment, a redemption's serial no."}
    )
    occurred_at = fields.String(metadata={"format": "date-time"})


class FeedPage(Schema):
    items = fields.List(fields.Nested(FeedItem))
    next_cursor = fields.String(allow_none=True)
    resume_after = fields.String(metadata={"description": "ask with this next time"})


class Ticket(Schema):
    ticket = fields.String()
    expires_at = Instant()
