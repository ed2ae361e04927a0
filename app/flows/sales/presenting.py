"""How business rows look on the wire: one shape for the first answer, a later look and a replay."""

from __future__ import annotations

from datetime import datetime

from app.core.clock import rfc3339
from app.flows.once import Body
from app.models.cards import Card
from app.models.sales import Payment, Refund, TopUp
from app.models.vouchers import Gift
from app.services.ports import PaymentSheet


def payment_body(payment: Payment, store_name: str, sheet: PaymentSheet | None) -> Body:
    """``kaquan.payment_answer`` writes the same when a payment is made."""
    return {
        "id": str(payment.id),
        "payment_no": payment.payment_no,
        "status": payment.status.name,
        "amount_fen": payment.amount_fen,
        "card_fen": payment.card_fen,
        "wechat_fen": payment.wechat_fen,
        "refunded_fen": payment.refunded_card_fen + payment.refunded_wechat_fen,
        "store": {"id": str(payment.store_id), "name": store_name},
        "created_at": rfc3339(payment.created_at),
        "paid_at": _instant(payment.paid_at),
        "wechat_pay": sheet_body(sheet),
    }


def top_up_body(top_up: TopUp, sheet: PaymentSheet | None) -> Body:
    return {
        "id": str(top_up.id),
        "top_up_no": top_up.top_up_no,
        "status": top_up.status.name,
        "amount_fen": top_up.amount_fen,
        "bonus_fen": top_up.bonus_fen,
        "phone_masked": top_up.phone_masked,
        "created_at": rfc3339(top_up.created_at),
        "credited_at": _instant(top_up.credited_at),
        "wechat_pay": sheet_body(sheet),
    }


def code_top_up_body(top_up: TopUp, card: Card) -> Body:
    return {
        "id": str(top_up.id),
        "top_up_no": top_up.top_up_no,
        "credited_fen": top_up.amount_fen + top_up.bonus_fen,
        "principal_fen": top_up.amount_fen,
        "bonus_fen": top_up.bonus_fen,
        "card": {"id": str(card.id), "card_no": card.card_no, "balance_fen": card.balance_fen},
    }


def refund_body(refund: Refund, payment_no: str) -> Body:
    return {
        "id": str(refund.id),
        "refund_no": refund.refund_no,
        "payment_no": payment_no,
        "status": refund.status.name,
        "amount_fen": refund.amount_fen,
        "card_fen": refund.card_fen,
        "wechat_fen": refund.wechat_fen,
        "reason": refund.reason,
        "created_at": rfc3339(refund.created_at),
    }


def gift_body(gift: Gift, *, claim_token: str | None = None) -> Body:
    """A gift; its claim token goes to the sender only, and only while it can be claimed."""
    body: Body = {
        "id": str(gift.id),
        "gift_no": gift.gift_no,
        "status": gift.status.name,
        "amount_fen": gift.amount_fen,
        "message": gift.message,
        "cover": gift.cover,
        "created_at": rfc3339(gift.created_at),
        "expires_at": rfc3339(gift.expires_at),
        "ended_at": _instant(gift.ended_at),
    }
    if claim_token is not None:
        body |= {"claim_token": claim_token, "share_path": f"/g/{claim_token}"}
    return body


def sheet_body(sheet: PaymentSheet | None) -> Body | None:
    """What opens WeChat's sheet. A mini-program knows its own id; a browser has to be told."""
    if sheet is None:
        return None
    named = {} if sheet.appid is None else {"appId": sheet.appid}
    return {
        **named,
        "timeStamp": sheet.time_stamp,
        "nonceStr": sheet.nonce_str,
        "package": sheet.package,
        "signType": sheet.sign_type,
        "paySign": sheet.pay_sign,
    }


def _instant(value: datetime | None) -> str | None:
    return None if value is None else rfc3339(value)
