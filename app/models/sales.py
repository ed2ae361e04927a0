"""Top-ups, payments and refunds: what a member or a cashier sees as one event."""

from __future__ import annotations

import enum

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    Base,
    CreatedAt,
    Fen,
    Id,
    IndexedId,
    MerchantOwned,
    PrimaryKey,
    Timestamp,
    state_column,
    unique_where_given,
)


class TopUpChannel(enum.Enum):
    wechat = "wechat"
    code = "code"
    cash = "cash"


class TopUpStatus(enum.Enum):
    """``closing``: being closed at WeChat. ``paid``: paid for a phone that nobody has bound."""

    pending = "pending"
    closing = "closing"
    closed = "closed"
    paid = "paid"
    credited = "credited"
    reversed = "reversed"
    refunded = "refunded"


class TopUp(MerchantOwned, Base):
    """A top-up (充值). ``merchant_id`` is the issuer; ``member_id`` receives, ``payer_id`` pays."""

    __tablename__ = "top_up"
    __table_args__ = (
        CheckConstraint(
            "amount_fen >= 0 AND bonus_fen >= 0 AND amount_fen + bonus_fen > 0",
            name="top_up_amounts",
        ),
        CheckConstraint(
            "status NOT IN ('credited', 'reversed')"
            " OR (card_id IS NOT NULL AND credited_at IS NOT NULL)",
            name="top_up_credited",
        ),
        CheckConstraint("channel <> 'cash' OR store_id IS NOT NULL", name="top_up_cash_has_store"),
        Index(
            "ix_top_up_open",
            "created_at",
            postgresql_where="status IN ('pending', 'closing', 'paid')",
        ),
        Index(
            "ix_top_up_phone",
            "phone_digest",
            postgresql_where="status IN ('pending', 'closing', 'paid')",
        ),
        Index("ix_top_up_instants", "created_at", "credited_at", postgresql_using="brin"),
        unique_where_given("top_up", "wechat_transaction_id"),
        Index("ix_top_up_store", "store_id", "id", postgresql_where="store_id IS NOT NULL"),
        # A cashier's cash of the day, asked for by every cash top-up.
        Index("ix_top_up_staff", "staff_id", "created_at", postgresql_where="staff_id IS NOT NULL"),
        Index(
            "uq_top_up_voucher",
            "voucher_id",
            unique=True,
            postgresql_where="voucher_id IS NOT NULL AND status <> 'reversed'",
        ),
    )
    id: Mapped[PrimaryKey]
    top_up_no: Mapped[str] = mapped_column(Text, unique=True)
    store_id: Mapped[Id | None]
    program_id: Mapped[Id]
    channel: Mapped[TopUpChannel] = state_column(TopUpChannel, "top_up_channel")
    status: Mapped[TopUpStatus] = state_column(
        TopUpStatus, "top_up_status", default=TopUpStatus.pending
    )
    amount_fen: Mapped[Fen]
    bonus_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    member_id: Mapped[IndexedId | None]
    payer_id: Mapped[IndexedId | None]
    phone_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_masked: Mapped[str | None] = mapped_column(Text)
    card_id: Mapped[IndexedId | None]
    voucher_id: Mapped[Id | None]
    staff_id: Mapped[Id | None]
    terminal_id: Mapped[Id | None]
    shift_id: Mapped[Id | None]
    payer_appid: Mapped[str | None] = mapped_column(Text)  # Paid there; none: the mini-program.
    prepay_id: Mapped[str | None] = mapped_column(Text)
    wechat_transaction_id: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[Timestamp | None]
    asked_at: Mapped[Timestamp | None]  # When WeChat was last asked what became of it.
    created_at: Mapped[CreatedAt]
    paid_at: Mapped[Timestamp | None]
    credited_at: Mapped[Timestamp | None]


class PaymentStatus(enum.Enum):
    pending = "pending"
    closing = "closing"
    closed = "closed"
    paid = "paid"
    partly_refunded = "partly_refunded"
    refunded = "refunded"


class Payment(MerchantOwned, Base):
    """A payment (消费). ``merchant_id`` accepts; the commission rate is that of its moment."""

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="payment_amount"),
        CheckConstraint(
            "amount_fen = card_fen + wechat_fen AND card_fen >= 0 AND wechat_fen >= 0",
            name="payment_tenders",
        ),
        CheckConstraint(
            "refunded_card_fen BETWEEN 0 AND card_fen"
            " AND refunded_wechat_fen BETWEEN 0 AND wechat_fen"
            " AND refunded_commission_fen BETWEEN 0 AND commission_fen",
            name="payment_refunds",
        ),
        CheckConstraint(
            "status NOT IN ('paid', 'partly_refunded', 'refunded') OR paid_at IS NOT NULL",
            name="payment_paid_at",
        ),
        Index("ix_payment_member", "member_id", "id"),
        unique_where_given("payment", "wechat_transaction_id"),
        Index("ix_payment_store", "store_id", "id"),
        Index("ix_payment_merchant", "merchant_id", "id"),
        # By the hour, for figures; a block range costs a payment next to nothing.
        Index("ix_payment_instants", "created_at", "paid_at", postgresql_using="brin"),
        # Few are charged by a cashier: scan and pay writes nothing here.
        Index("ix_payment_staff", "staff_id", "id", postgresql_where="staff_id IS NOT NULL"),
        Index("ix_payment_open", "created_at", postgresql_where="status IN ('pending', 'closing')"),
    )
    id: Mapped[PrimaryKey]
    payment_no: Mapped[str] = mapped_column(Text, unique=True)
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    store_id: Mapped[Id]
    pay_point_id: Mapped[Id | None]
    member_id: Mapped[Id]
    staff_id: Mapped[Id | None]
    terminal_id: Mapped[Id | None]
    status: Mapped[PaymentStatus] = state_column(PaymentStatus, "payment_status")
    amount_fen: Mapped[Fen]
    card_fen: Mapped[Fen]
    wechat_fen: Mapped[Fen]
    commission_bp: Mapped[int]
    commission_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    refunded_card_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    refunded_wechat_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    refunded_commission_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    payer_appid: Mapped[str | None] = mapped_column(Text)  # Paid there; none: the mini-program.
    prepay_id: Mapped[str | None] = mapped_column(Text)
    wechat_transaction_id: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[Timestamp | None]
    asked_at: Mapped[Timestamp | None]  # When WeChat was last asked what became of it.
    created_at: Mapped[CreatedAt]
    paid_at: Mapped[Timestamp | None]
    closed_at: Mapped[Timestamp | None]


class RefundStatus(enum.Enum):
    processing = "processing"
    succeeded = "succeeded"
    abnormal = "abnormal"
    closed = "closed"


class RefundOrigin(enum.Enum):
    """What is given back: a payment, or money that was never ours to keep."""

    payment = "payment"
    late_payment = "late_payment"
    top_up = "top_up"
    card_return = "card_return"
    voucher_sale = "voucher_sale"


class Refund(MerchantOwned, Base):
    """A refund (退款). The card part is back at once; ``status`` is that of the WeChat part."""

    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint(
            "amount_fen = card_fen + wechat_fen AND amount_fen > 0"
            " AND card_fen >= 0 AND wechat_fen >= 0",
            name="refund_tenders",
        ),
        CheckConstraint(
            "num_nonnulls(payment_id, top_up_id, voucher_sale_id) = 1", name="refund_of_one"
        ),
        Index("ix_refund_payment", "payment_id"),
        Index("ix_refund_instants", "created_at", postgresql_using="brin"),
        Index("ix_refund_store", "store_id", "id"),
        Index("ix_refund_open", "created_at", postgresql_where="status = 'processing'"),
    )
    id: Mapped[PrimaryKey]
    refund_no: Mapped[str] = mapped_column(Text, unique=True)
    store_id: Mapped[Id | None]
    member_id: Mapped[IndexedId | None]
    payment_id: Mapped[Id | None]
    top_up_id: Mapped[IndexedId | None]
    voucher_sale_id: Mapped[Id | None]
    origin: Mapped[RefundOrigin] = state_column(RefundOrigin, "refund_origin")
    status: Mapped[RefundStatus] = state_column(RefundStatus, "refund_status")
    amount_fen: Mapped[Fen]
    card_fen: Mapped[Fen]
    wechat_fen: Mapped[Fen]
    commission_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    order_no: Mapped[str] = mapped_column(Text)
    order_fen: Mapped[Fen]
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    staff_id: Mapped[Id | None]
    terminal_id: Mapped[Id | None]
    replaces_id: Mapped[Id | None]
    wechat_refund_id: Mapped[str | None] = mapped_column(Text)
    asked_at: Mapped[Timestamp | None]
    created_at: Mapped[CreatedAt]
    succeeded_at: Mapped[Timestamp | None]
