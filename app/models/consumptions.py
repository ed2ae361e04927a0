"""Consumption (消费记录): electronic cards and paper vouchers as one thing to read.

No table: a union of payments that were paid and of redemptions, so row-level security of both
holds. ``id`` numbers the union (``record_id`` doubled, odd for paper), ``record_id`` is the row's.
"""

from __future__ import annotations

import enum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Enum,
    Text,
    case,
    cast,
    literal,
    null,
    select,
    type_coerce,
    union_all,
)

from app.models.base import Base
from app.models.sales import Payment, PaymentStatus
from app.models.vouchers import Redemption


class ConsumptionKind(enum.Enum):
    card = "card"
    paper = "paper"


class ConsumptionStatus(enum.Enum):
    paid = "paid"
    partly_refunded = "partly_refunded"
    refunded = "refunded"
    redeemed = "redeemed"
    reversed = "reversed"


_PAID = (PaymentStatus.paid, PaymentStatus.partly_refunded, PaymentStatus.refunded)
_KIND = Enum(ConsumptionKind, native_enum=False, length=24)
_STATUS = Enum(ConsumptionStatus, native_enum=False, length=24)


def _word(value: str) -> Any:
    return literal(value, Text)


_UNION = union_all(
    select(
        (Payment.id * 2).label("id"),
        Payment.id.label("record_id"),
        type_coerce(_word("card"), _KIND).label("kind"),
        Payment.payment_no.label("document_no"),
        Payment.paid_at.label("occurred_at"),
        Payment.merchant_id,
        Payment.store_id,
        Payment.staff_id,
        Payment.member_id,
        cast(null(), BigInteger).label("batch_id"),
        Payment.amount_fen,
        Payment.card_fen,
        Payment.wechat_fen,
        (Payment.refunded_card_fen + Payment.refunded_wechat_fen).label("returned_fen"),
        type_coerce(cast(Payment.status, Text), _STATUS).label("status"),
    ).where(Payment.status.in_(_PAID)),
    select(
        (Redemption.id * 2 + 1).label("id"),
        Redemption.id.label("record_id"),
        type_coerce(_word("paper"), _KIND).label("kind"),
        Redemption.redemption_no.label("document_no"),
        Redemption.redeemed_at.label("occurred_at"),
        Redemption.merchant_id,
        Redemption.store_id,
        Redemption.staff_id,
        cast(null(), BigInteger).label("member_id"),
        Redemption.batch_id,
        Redemption.face_value_fen.label("amount_fen"),
        cast(0, BigInteger).label("card_fen"),
        cast(0, BigInteger).label("wechat_fen"),
        case((Redemption.reversed_at.is_(None), 0), else_=Redemption.face_value_fen).label(
            "returned_fen"
        ),
        type_coerce(
            case((Redemption.reversed_at.is_(None), _word("redeemed")), else_=_word("reversed")),
            _STATUS,
        ).label("status"),
    ),
).subquery("consumption")


class Consumption(Base):
    """One payment or redemption that took place, with what of it went back since."""

    __table__ = _UNION
    __mapper_args__ = {"primary_key": [_UNION.c.id]}  # noqa: RUF012 - SQLAlchemy's own way
