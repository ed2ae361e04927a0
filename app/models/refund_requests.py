"""What a member asks of the store where she paid: to have money back."""

from __future__ import annotations

import enum

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    Base,
    CreatedAt,
    Fen,
    Id,
    MerchantOwned,
    PrimaryKey,
    Timestamp,
    state_column,
)


class RefundRequestStatus(enum.Enum):
    """``waiting`` for the store; ``refunded`` with the next refund of its payment."""

    waiting = "waiting"
    refunded = "refunded"


class RefundRequest(MerchantOwned, Base):
    """A member's wish for a refund (退款申请). It moves nothing; the store's refund does."""

    __tablename__ = "refund_request"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="refund_request_amount"),
        CheckConstraint(
            "(status = 'refunded') = (answered_at IS NOT NULL)", name="refund_request_answered"
        ),
        Index(
            "uq_refund_request_waiting",
            "payment_id",
            unique=True,
            postgresql_where="status = 'waiting'",
        ),
        Index("ix_refund_request_store", "store_id", "id"),
        Index("ix_refund_request_member", "member_id", "id"),
        Index("ix_refund_request_merchant", "merchant_id", "id"),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    store_id: Mapped[Id]
    member_id: Mapped[Id]
    payment_id: Mapped[Id]
    payment_no: Mapped[str] = mapped_column(Text)
    amount_fen: Mapped[Fen]
    reason: Mapped[str] = mapped_column(Text)
    status: Mapped[RefundRequestStatus] = state_column(
        RefundRequestStatus, "refund_request_status", default=RefundRequestStatus.waiting
    )
    created_at: Mapped[CreatedAt]
    answered_at: Mapped[Timestamp | None]
