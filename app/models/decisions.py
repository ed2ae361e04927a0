"""What two people decide about a card: adjustments (调账) and returns (退卡)."""

from __future__ import annotations

import enum
from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
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


class AdjustmentStatus(enum.Enum):
    requested = "requested"
    booked = "booked"
    refused = "refused"
    withdrawn = "withdrawn"  # By whoever asked, before anybody decided.


class CardAdjustment(MerchantOwned, Base):
    """A request to correct what a card holds (调账). ``merchant_id`` is the card's issuer.

    ``amount_fen`` is signed: positive puts value onto the card.
    """

    __tablename__ = "card_adjustment"
    __table_args__ = (
        CheckConstraint("amount_fen <> 0", name="card_adjustment_amount"),
        CheckConstraint("reason <> ''", name="card_adjustment_reason"),
        CheckConstraint(
            "(status = 'withdrawn') = (decided_by_id = created_by_id)",
            name="card_adjustment_two_people",
        ),
        CheckConstraint(
            "(status = 'requested') = (decided_by_id IS NULL)"
            " AND (status = 'requested') = (decided_at IS NULL)",
            name="card_adjustment_decided",
        ),
        CheckConstraint(
            "(status = 'booked') = (entry_id IS NOT NULL)", name="card_adjustment_booked"
        ),
    )
    id: Mapped[PrimaryKey]
    adjustment_no: Mapped[str] = mapped_column(Text, unique=True)
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id"), index=True)
    card_id: Mapped[IndexedId]
    member_id: Mapped[Id | None]
    amount_fen: Mapped[Fen]
    reason: Mapped[str] = mapped_column(Text)
    status: Mapped[AdjustmentStatus] = state_column(
        AdjustmentStatus, "card_adjustment_status", default=AdjustmentStatus.requested
    )
    created_by_id: Mapped[Id]
    created_at: Mapped[CreatedAt]
    decided_by_id: Mapped[Id | None]
    decided_at: Mapped[Timestamp | None]
    decision_note: Mapped[str] = mapped_column(Text, default="", server_default="")
    entry_id: Mapped[Id | None]


class ReturnStatus(enum.Enum):
    requested = "requested"
    carried_out = "carried_out"
    refused = "refused"
    withdrawn = "withdrawn"


class ReturnReason(enum.Enum):
    """Whose matter it is that the card is given back."""

    holder = "holder"
    merchant = "merchant"


class PayoutWay(enum.Enum):
    cash = "cash"
    wechat = "wechat"
    bank = "bank"


class CardReturn(MerchantOwned, Base):
    """A card given back (退卡): who asked, what was calculated, how it was paid out.

    ``lines`` is the calculation as the holder saw it: label, rule and fen of each line.
    ``rest_way`` takes what WeChat cannot: orders older than a year, value that came as cash.
    """

    __tablename__ = "card_return"
    __table_args__ = (
        CheckConstraint(
            "refund_fen >= 0 AND interest_fen >= 0 AND forfeited_fen >= 0",
            name="card_return_amounts",
        ),
        CheckConstraint("note <> ''", name="card_return_note"),
        CheckConstraint(
            "NOT two_people OR (status = 'withdrawn') = (decided_by_id = created_by_id)",
            name="card_return_two_people",
        ),
        CheckConstraint(
            "(status = 'requested') = (decided_by_id IS NULL)"
            " AND (status = 'requested') = (decided_at IS NULL)",
            name="card_return_decided",
        ),
        Index(
            "uq_card_return_card",
            "card_id",
            unique=True,
            postgresql_where="status NOT IN ('refused', 'withdrawn')",
        ),
    )
    id: Mapped[PrimaryKey]
    return_no: Mapped[str] = mapped_column(Text, unique=True)
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id"), index=True)
    card_id: Mapped[Id]
    member_id: Mapped[Id | None]
    store_id: Mapped[int | None] = mapped_column(ForeignKey("store.id"))  # Whose till pays cash.
    status: Mapped[ReturnStatus] = state_column(
        ReturnStatus, "card_return_status", default=ReturnStatus.requested
    )
    return_reason: Mapped[ReturnReason] = state_column(ReturnReason, "card_return_reason")
    asked_on: Mapped[date]  # The local day on which the holder asked for it.
    way: Mapped[PayoutWay] = state_column(PayoutWay, "card_return_way")
    rest_way: Mapped[PayoutWay | None] = state_column(PayoutWay, "card_return_rest_way")
    refund_fen: Mapped[Fen]
    interest_fen: Mapped[Fen]
    forfeited_fen: Mapped[Fen]
    lines: Mapped[list[dict[str, object]]] = mapped_column(JSONB)
    note: Mapped[str] = mapped_column(Text)
    two_people: Mapped[bool]
    created_by_id: Mapped[Id]
    created_at: Mapped[CreatedAt]
    decided_by_id: Mapped[Id | None]
    decided_at: Mapped[Timestamp | None]
    decision_note: Mapped[str] = mapped_column(Text, default="", server_default="")
