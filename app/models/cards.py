"""Card programs, cards and the lots of money on them."""

from __future__ import annotations

import enum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
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


class LotKind(enum.Enum):
    principal = "principal"
    bonus = "bonus"


class Bearer(enum.Enum):
    """Who pays for a bonus or a promotion in the end."""

    platform = "platform"
    issuer = "issuer"


class ProgramStatus(enum.Enum):
    onsale = "onsale"
    offsale = "offsale"


class CardProgram(MerchantOwned, Base):
    """A card program (卡产品): its issuer is ``merchant_id``; acceptance is listed apart."""

    __tablename__ = "card_program"
    __table_args__ = (
        UniqueConstraint("merchant_id", "code"),
        CheckConstraint("registered_cap_fen > 0 AND anonymous_cap_fen > 0", name="program_caps"),
        CheckConstraint("min_top_up_fen > 0", name="program_min_top_up"),
        CheckConstraint("principal_days > 0", name="program_principal_days"),
        CheckConstraint("bonus_days > 0", name="program_bonus_days"),
        Index(
            "uq_card_program_default",
            "is_default",
            unique=True,
            postgresql_where="is_default",
        ),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id"), index=True)
    code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[ProgramStatus] = state_column(
        ProgramStatus, "program_status", default=ProgramStatus.onsale
    )
    is_default: Mapped[bool] = mapped_column(default=False, server_default="false")
    registered_cap_fen: Mapped[Fen] = mapped_column(default=500_000, server_default="500000")
    anonymous_cap_fen: Mapped[Fen] = mapped_column(default=100_000, server_default="100000")
    min_top_up_fen: Mapped[Fen] = mapped_column(default=1, server_default="1")
    spend_first: Mapped[LotKind] = state_column(
        LotKind, "program_spend_first", default=LotKind.principal
    )
    bonus_bearer: Mapped[Bearer] = state_column(
        Bearer, "program_bonus_bearer", default=Bearer.issuer
    )
    principal_days: Mapped[int | None]  # Empty: principal of a registered card never expires.
    bonus_days: Mapped[int | None]
    created_at: Mapped[CreatedAt]


class ProgramAcceptance(MerchantOwned, Base):
    """That a merchant takes a program's cards at its stores. ``merchant_id`` is the acceptor."""

    __tablename__ = "program_acceptance"
    program_id: Mapped[int] = mapped_column(ForeignKey("card_program.id"), primary_key=True)
    merchant_id: Mapped[int] = mapped_column(
        ForeignKey("merchant.id"), primary_key=True, index=True
    )


class BonusTier(MerchantOwned, Base):
    """One tier of a program (充300送60): from this top-up on, this bonus, the highest tier wins."""

    __tablename__ = "bonus_tier"
    __table_args__ = (
        UniqueConstraint("program_id", "threshold_fen"),
        CheckConstraint("threshold_fen > 0 AND bonus_fen > 0", name="bonus_tier_positive"),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id"), index=True)
    program_id: Mapped[int] = mapped_column(ForeignKey("card_program.id"))
    threshold_fen: Mapped[Fen]
    bonus_fen: Mapped[Fen]


class CardStatus(enum.Enum):
    active = "active"
    frozen = "frozen"
    lost = "lost"
    replaced = "replaced"
    returned = "returned"


class Card(MerchantOwned, Base):
    """A stored-value card (储值卡). ``merchant_id`` is the issuer; the balance is guarded.

    ``balance_fen`` is the sum of the lots and of the card's postings. Only the ledger writes it.
    """

    __tablename__ = "card"
    __table_args__ = (
        CheckConstraint("balance_fen >= 0", name="card_balance_not_negative"),
        CheckConstraint(
            "status NOT IN ('replaced', 'returned') OR balance_fen = 0", name="card_ended_is_empty"
        ),
        Index(
            "uq_card_member_program",
            "member_id",
            "program_id",
            unique=True,
            postgresql_where="status NOT IN ('replaced', 'returned')",
        ),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id"), index=True)
    program_id: Mapped[int] = mapped_column(ForeignKey("card_program.id"), index=True)
    member_id: Mapped[IndexedId | None]  # Empty: an anonymous card.
    card_no: Mapped[str] = mapped_column(Text, unique=True)
    status: Mapped[CardStatus] = state_column(CardStatus, "card_status", default=CardStatus.active)
    balance_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    replaced_by_id: Mapped[Id | None]
    created_at: Mapped[CreatedAt]


class Lot(MerchantOwned, Base):
    """A lot (资金批次) on a card: principal or bonus of one origin, with its own expiry.

    ``bonus_bearer_id`` is the merchant whom a bonus is charged to when it is spent; empty for
    principal and for what the platform bears. ``gifts_left``: how often it may still be given away
    (its first owner gives it, and whoever gets it may give it on once).
    """

    __tablename__ = "lot"
    __table_args__ = (
        CheckConstraint("remaining_fen BETWEEN 0 AND original_fen", name="lot_remaining"),
        CheckConstraint("original_fen > 0", name="lot_original"),
        CheckConstraint("kind = 'bonus' OR bonus_bearer_id IS NULL", name="lot_bearer"),
        # Not only for lots that are left: an index that asks for remaining_fen makes every payment
        # write all indexes of the lot anew.
        Index("ix_lot_expires_at", "expires_at", postgresql_where="expires_at IS NOT NULL"),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    card_id: Mapped[IndexedId]
    kind: Mapped[LotKind] = state_column(LotKind, "lot_kind")
    original_fen: Mapped[Fen]
    remaining_fen: Mapped[Fen]
    bonus_bearer_id: Mapped[Id | None]
    expires_at: Mapped[Timestamp | None]
    gifts_left: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[CreatedAt]
