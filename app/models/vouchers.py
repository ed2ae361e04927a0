"""Voucher batches, vouchers, their redemption; and gifts between members."""

from __future__ import annotations

import enum
from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint
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
)
from app.models.cards import Bearer


class BatchKind(enum.Enum):
    payment = "payment"
    topup = "topup"
    either = "either"


class BatchStatus(enum.Enum):
    draft = "draft"
    approved = "approved"
    generating = "generating"
    generated = "generated"
    printed = "printed"
    closed = "closed"
    cancelled = "cancelled"


class VoucherBatch(MerchantOwned, Base):
    """A voucher batch (券批次). ``sale_price_fen`` is what one voucher sells for: F sold for S.

    A sold batch has S > 0; a promotional one has S = 0 and its whole face is borne by the bearer.
    In an imported batch each voucher has a balance of its own, sold in full long ago; the batch's
    face value is the largest of them. ``terms`` and what follows is printed on the paper.
    """

    __tablename__ = "voucher_batch"
    __table_args__ = (
        CheckConstraint("face_value_fen > 0", name="batch_face_value"),
        CheckConstraint("quantity BETWEEN 1 AND 5000000", name="batch_quantity"),
        CheckConstraint("sale_price_fen BETWEEN 0 AND face_value_fen", name="batch_sale_price"),
        CheckConstraint("kind = 'payment' OR program_id IS NOT NULL", name="batch_program"),
        CheckConstraint(
            "status IN ('draft', 'cancelled') OR"
            " (approved_by_id IS NOT NULL AND approved_by_id IS DISTINCT FROM created_by_id)",
            name="batch_second_person",
        ),
        CheckConstraint("generated_count BETWEEN 0 AND quantity", name="batch_generated_count"),
        UniqueConstraint("batch_no"),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id"), index=True)
    batch_no: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[BatchKind] = state_column(BatchKind, "batch_kind")
    status: Mapped[BatchStatus] = state_column(
        BatchStatus, "batch_status", default=BatchStatus.draft
    )
    program_id: Mapped[int | None] = mapped_column(ForeignKey("card_program.id"))
    face_value_fen: Mapped[Fen]
    sale_price_fen: Mapped[Fen]
    bearer: Mapped[Bearer] = state_column(Bearer, "batch_bearer", default=Bearer.platform)
    quantity: Mapped[int]
    expires_on: Mapped[date | None]
    days_from_activation: Mapped[int | None]
    created_by_id: Mapped[Id | None]
    approved_by_id: Mapped[Id | None]
    created_at: Mapped[CreatedAt]
    is_imported: Mapped[bool] = mapped_column(default=False, server_default="false")
    generated_count: Mapped[int] = mapped_column(default=0, server_default="0")
    title: Mapped[str] = mapped_column(Text, default="", server_default="")
    terms: Mapped[str] = mapped_column(Text, default="", server_default="")
    support_phone: Mapped[str] = mapped_column(Text, default="", server_default="")
    colour: Mapped[str] = mapped_column(Text, default="", server_default="")  # "#rrggbb" or empty.


class BatchAcceptance(MerchantOwned, Base):
    """That a merchant's stores (or one of them) redeem a batch. ``merchant_id`` is the acceptor."""

    __tablename__ = "batch_acceptance"
    __table_args__ = (
        Index(
            "uq_batch_acceptance",
            "batch_id",
            "merchant_id",
            "store_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )
    id: Mapped[PrimaryKey]
    batch_id: Mapped[int] = mapped_column(ForeignKey("voucher_batch.id"))
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id"), index=True)
    store_id: Mapped[int | None] = mapped_column(ForeignKey("store.id"))


class VoucherStatus(enum.Enum):
    inactive = "inactive"
    active = "active"
    redeemed = "redeemed"
    voided = "voided"
    expired = "expired"


class Voucher(MerchantOwned, Base):
    """One printed voucher. Whoever holds it owns it, so only a digest of its code is kept."""

    __tablename__ = "voucher"
    __table_args__ = (
        CheckConstraint("face_value_fen > 0", name="voucher_face_value"),
        CheckConstraint(
            "(status = 'redeemed') = (redeemed_at IS NOT NULL)", name="voucher_redeemed"
        ),
        CheckConstraint(
            "status NOT IN ('active', 'redeemed') OR activated_at IS NOT NULL",
            name="voucher_activated",
        ),
        Index("ix_voucher_batch_status", "batch_id", "status"),
        Index("ix_voucher_expires_on", "expires_on", postgresql_where="status = 'active'"),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    batch_id: Mapped[Id]
    serial_no: Mapped[str] = mapped_column(Text, unique=True)
    code_digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    key_version: Mapped[int]
    code_last4: Mapped[str] = mapped_column(Text)
    face_value_fen: Mapped[Fen]
    status: Mapped[VoucherStatus] = state_column(
        VoucherStatus, "voucher_status", default=VoucherStatus.inactive
    )
    frozen: Mapped[bool] = mapped_column(default=False, server_default="false")
    activated_at: Mapped[Timestamp | None]
    expires_on: Mapped[date | None]  # The last local day on which it is good.
    redeemed_at: Mapped[Timestamp | None]
    replaced_by_id: Mapped[Id | None]  # The voucher that a damaged one was exchanged for.


class Redemption(MerchantOwned, Base):
    """A redemption (核销) at a store. ``merchant_id`` is the acceptor, who is paid."""

    __tablename__ = "redemption"
    __table_args__ = (
        Index(
            "uq_redemption_voucher",
            "voucher_id",
            unique=True,
            postgresql_where="reversed_at IS NULL",
        ),
        Index("ix_redemption_store", "store_id", "id"),
        Index("ix_redemption_instants", "redeemed_at", postgresql_using="brin"),
        Index("ix_redemption_merchant", "merchant_id", "id"),
        Index("ix_redemption_reversed", "reversed_at", postgresql_where="reversed_at IS NOT NULL"),
        CheckConstraint("face_value_fen > 0", name="redemption_face_value"),
    )
    id: Mapped[PrimaryKey]
    redemption_no: Mapped[str] = mapped_column(Text, unique=True)
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    store_id: Mapped[Id]
    staff_id: Mapped[Id]
    terminal_id: Mapped[Id | None]
    voucher_id: Mapped[Id]
    batch_id: Mapped[IndexedId]
    serial_no: Mapped[str] = mapped_column(Text)
    face_value_fen: Mapped[Fen]
    commission_bp: Mapped[int]
    commission_fen: Mapped[Fen]
    redeemed_at: Mapped[Timestamp]
    reversed_at: Mapped[Timestamp | None]
    reversed_by_id: Mapped[Id | None]
    reversal_reason: Mapped[str | None] = mapped_column(Text)


class GiftStatus(enum.Enum):
    sent = "sent"
    claimed = "claimed"
    returned = "returned"
    revoked = "revoked"


class Gift(MerchantOwned, Base):
    """A gift (赠送) of card value on its way. ``merchant_id`` is the issuer of its first lot."""

    __tablename__ = "gift"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="gift_amount"),
        CheckConstraint("(status = 'sent') = (ended_at IS NULL)", name="gift_ended"),
        CheckConstraint("(status = 'claimed') = (receiver_id IS NOT NULL)", name="gift_receiver"),
        Index("ix_gift_sender", "sender_id", "id"),
        Index("ix_gift_receiver", "receiver_id", "id"),
        Index("ix_gift_open", "expires_at", postgresql_where="status = 'sent'"),
    )
    id: Mapped[PrimaryKey]
    gift_no: Mapped[str] = mapped_column(Text, unique=True)
    sender_id: Mapped[Id]
    receiver_id: Mapped[Id | None]
    amount_fen: Mapped[Fen]
    message: Mapped[str] = mapped_column(Text, default="", server_default="")
    cover: Mapped[str] = mapped_column(Text, default="", server_default="")
    claim_digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    status: Mapped[GiftStatus] = state_column(GiftStatus, "gift_status", default=GiftStatus.sent)
    expires_at: Mapped[Timestamp]
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[Timestamp | None]
