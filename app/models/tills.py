"""What a till needs beside the business itself: its store's feed, secrets that are good once."""

from __future__ import annotations

import enum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
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


class FeedEvent(MerchantOwned, Base):
    """Something that a store has received or given back, in the order in which it became known.

    The relay writes these from the outbox, one batch after the other, so that ids become visible in
    their order: whoever has seen up to one id misses nothing by asking for what comes after it.
    """

    __tablename__ = "feed_event"
    __table_args__ = (
        Index("ix_feed_event_store", "store_id", "id"),
        Index("ix_feed_event_age", "published_at", postgresql_using="brin"),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    store_id: Mapped[Id]
    event: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[Id]
    body: Mapped[dict[str, object]] = mapped_column(JSONB)
    occurred_at: Mapped[Timestamp]
    published_at: Mapped[CreatedAt]


class SecretPurpose(enum.Enum):
    """What a secret opens: a feed's stream, a device's enrolment, a way back from WeChat."""

    stream = "stream"
    enrolment = "enrolment"
    wechat_binding = "wechat_binding"
    wechat_sign_in = "wechat_sign_in"


class OneTimeSecret(Base):
    """A short-lived secret that is good once. Only its digest is kept."""

    __tablename__ = "one_time_secret"
    __table_args__ = (Index("ix_one_time_secret_age", "expires_at"),)
    id: Mapped[PrimaryKey]
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    purpose: Mapped[SecretPurpose] = state_column(SecretPurpose, "one_time_secret_purpose")
    merchant_id: Mapped[Id | None]
    store_id: Mapped[Id | None]
    staff_id: Mapped[Id | None]
    detail: Mapped[dict[str, object]] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Timestamp]
    used_at: Mapped[Timestamp | None]


class PinFailure(Base):
    """How often somebody has typed a wrong PIN at a terminal since the last right password."""

    __tablename__ = "pin_failure"
    staff_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    terminal_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    wrong: Mapped[int]
    last_at: Mapped[CreatedAt]


class ShiftEntry(MerchantOwned, Base):
    """That a journal entry moved cash of a shift's drawer. What it moved is in the ledger."""

    __tablename__ = "shift_entry"
    __table_args__ = (Index("ix_shift_entry_shift", "shift_id"),)
    entry_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    shift_id: Mapped[int] = mapped_column(ForeignKey("shift.id"))
    kind: Mapped[str] = mapped_column(Text)  # The entry's, which a store may not look up.
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    store_id: Mapped[Id]
    staff_id: Mapped[Id | None]


class VoucherSaleStatus(enum.Enum):
    pending = "pending"
    closing = "closing"
    closed = "closed"
    sold = "sold"
    refunded = "refunded"


class SaleTender(enum.Enum):
    cash = "cash"
    wechat = "wechat"


class VoucherSale(MerchantOwned, Base):
    """Paper sold over a store's counter. It becomes good when the price is there, not before."""

    __tablename__ = "voucher_sale"
    __table_args__ = (
        CheckConstraint("amount_fen > 0 AND quantity > 0", name="voucher_sale_amount"),
        CheckConstraint(
            "status NOT IN ('sold', 'refunded') OR sold_at IS NOT NULL", name="voucher_sale_sold_at"
        ),
        Index("ix_voucher_sale_store", "store_id", "id"),
        Index(
            "ix_voucher_sale_open",
            "created_at",
            postgresql_where="status IN ('pending', 'closing')",
        ),
    )
    id: Mapped[PrimaryKey]
    sale_no: Mapped[str] = mapped_column(Text, unique=True)
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    store_id: Mapped[Id]
    batch_id: Mapped[Id]
    staff_id: Mapped[Id]
    terminal_id: Mapped[Id | None]
    shift_id: Mapped[Id | None]
    tender: Mapped[SaleTender] = state_column(SaleTender, "voucher_sale_tender")
    status: Mapped[VoucherSaleStatus] = state_column(VoucherSaleStatus, "voucher_sale_status")
    quantity: Mapped[int]
    amount_fen: Mapped[Fen]
    code_url: Mapped[str | None] = mapped_column(Text)
    wechat_transaction_id: Mapped[str | None] = mapped_column(Text, unique=True)
    expires_at: Mapped[Timestamp | None]
    asked_at: Mapped[Timestamp | None]  # When WeChat was last asked what became of it.
    created_at: Mapped[CreatedAt]
    sold_at: Mapped[Timestamp | None]
    closed_at: Mapped[Timestamp | None]


class VoucherSaleItem(MerchantOwned, Base):
    """One paper of a sale. ``held`` until the sale has ended: nobody else can sell it meanwhile."""

    __tablename__ = "voucher_sale_item"
    __table_args__ = (
        Index("uq_voucher_sale_item_held", "voucher_id", unique=True, postgresql_where="held"),
    )
    sale_id: Mapped[int] = mapped_column(ForeignKey("voucher_sale.id"), primary_key=True)
    voucher_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    store_id: Mapped[Id]
    serial_no: Mapped[str] = mapped_column(Text)
    held: Mapped[bool] = mapped_column(default=True, server_default="true")


class ApprovalAction(enum.Enum):
    reverse_redemption = "reverse_redemption"
    reverse_top_up = "reverse_top_up"


class ApprovalStatus(enum.Enum):
    asked = "asked"
    approved = "approved"
    withdrawn = "withdrawn"


class Approval(MerchantOwned, Base):
    """What a cashier asks for and a manager does, at the same till: both people are kept."""

    __tablename__ = "approval"
    __table_args__ = (
        CheckConstraint(
            "(status = 'approved') = (approved_by_id IS NOT NULL)", name="approval_approved"
        ),
        CheckConstraint("approved_by_id <> asked_by_id", name="approval_two_people"),
        Index("ix_approval_store", "store_id", "id"),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    store_id: Mapped[Id]
    terminal_id: Mapped[Id | None]
    action: Mapped[ApprovalAction] = state_column(ApprovalAction, "approval_action")
    number: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    status: Mapped[ApprovalStatus] = state_column(
        ApprovalStatus, "approval_status", default=ApprovalStatus.asked
    )
    asked_by_id: Mapped[Id]
    approved_by_id: Mapped[Id | None]
    created_at: Mapped[CreatedAt]
    decided_at: Mapped[Timestamp | None]
