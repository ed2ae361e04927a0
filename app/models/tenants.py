"""Merchants, their stores, and what stands on a counter."""

from __future__ import annotations

import enum
from datetime import date, time

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Numeric,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, column_property, mapped_column

from app.core.coordinates import CoordinateSystem
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


class MerchantKind(enum.Enum):
    operator = "operator"
    merchant = "merchant"


class MerchantStatus(enum.Enum):
    active = "active"
    frozen = "frozen"


class SettlementCycle(enum.Enum):
    daily = "daily"
    weekly = "weekly"
    monthly = "monthly"


class Merchant(Base):
    """A merchant (商户). Row 1 is the operator itself, which issues the group-wide program."""

    __tablename__ = "merchant"
    __table_args__ = (
        CheckConstraint("commission_bp BETWEEN 0 AND 10000", name="merchant_commission"),
        CheckConstraint("(kind = 'operator') = (id = 1)", name="merchant_operator_is_one"),
        CheckConstraint("settlement_days BETWEEN 0 AND 90", name="merchant_settlement_days"),
    )
    id: Mapped[PrimaryKey]
    code: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[MerchantKind] = state_column(
        MerchantKind, "merchant_kind", default=MerchantKind.merchant
    )
    status: Mapped[MerchantStatus] = state_column(
        MerchantStatus, "merchant_status", default=MerchantStatus.active
    )
    commission_bp: Mapped[int] = mapped_column(default=0, server_default="0")
    settlement_cycle: Mapped[SettlementCycle] = state_column(
        SettlementCycle, "merchant_settlement_cycle", default=SettlementCycle.monthly
    )
    # Paid out so many days after a period's end (T+n).
    settlement_days: Mapped[int] = mapped_column(default=1, server_default="1")
    own_programs: Mapped[bool] = mapped_column(default=False, server_default="false")
    own_batches: Mapped[bool] = mapped_column(default=False, server_default="false")
    created_at: Mapped[CreatedAt]


class MerchantPapers(MerchantOwned, Base):
    """A merchant's papers (资质): licence and filing (备案), and whom to call; not public."""

    __tablename__ = "merchant_papers"
    merchant_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("merchant.id"), primary_key=True, autoincrement=False
    )
    licence_no: Mapped[str] = mapped_column(Text, default="", server_default="")
    licence_expires_on: Mapped[date | None]  # Empty: for good.
    filing_no: Mapped[str] = mapped_column(Text, default="", server_default="")
    filing_expires_on: Mapped[date | None]
    contact_name: Mapped[str] = mapped_column(Text, default="", server_default="")
    contact_phone: Mapped[str] = mapped_column(Text, default="", server_default="")


class StoreStatus(enum.Enum):
    open = "open"
    closed = "closed"


class Store(MerchantOwned, Base):
    """A store (门店). ``closed`` is for good or for now; the hours say when it is open today."""

    __tablename__ = "store"
    __table_args__ = (
        UniqueConstraint("merchant_id", "code"),
        # By their hours: at night few of all stores are open.
        Index("ix_store_hours", "hours", "id"),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id"), index=True)
    code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[StoreStatus] = state_column(
        StoreStatus, "store_status", default=StoreStatus.open
    )
    address: Mapped[str] = mapped_column(Text, default="", server_default="")
    city: Mapped[str] = mapped_column(Text, default="", server_default="")
    phone: Mapped[str] = mapped_column(Text, default="", server_default="")
    lat: Mapped[float | None] = mapped_column(Numeric(9, 6, asdecimal=False))  # GCJ-02 degrees
    lng: Mapped[float | None] = mapped_column(Numeric(9, 6, asdecimal=False))
    # In which system the position was given; it is converted before it is kept.
    coordinate_source: Mapped[CoordinateSystem] = state_column(
        CoordinateSystem, "store_coordinate_source", default=CoordinateSystem.gcj02
    )
    # core/opening_hours: [["12345", "09:00", "21:30"], …] in local time; empty: always open.
    hours: Mapped[list[list[str]]] = mapped_column(JSONB, default=list, server_default="[]")
    # What a till must have before it moves money. Demo stores ask for neither.
    shift_required: Mapped[bool] = mapped_column(default=False, server_default="false")
    terminal_required: Mapped[bool] = mapped_column(default=False, server_default="false")
    created_at: Mapped[CreatedAt]


class StoreSpecialDay(MerchantOwned, Base):
    """Days on which a store's hours are others: a holiday, or closed for now.

    From ``first_on`` to ``last_on`` it is open from ``opens`` to ``closes`` in local time (not
    after ``opens``: on the next day); without them it is closed.
    """

    __tablename__ = "store_special_day"
    __table_args__ = (
        CheckConstraint("first_on <= last_on", name="special_day_order"),
        CheckConstraint("(opens IS NULL) = (closes IS NULL)", name="special_day_times"),
        Index("ix_store_special_day_store", "store_id", "last_on"),
    )
    id: Mapped[PrimaryKey]
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    first_on: Mapped[date]
    last_on: Mapped[date]
    opens: Mapped[time | None]
    closes: Mapped[time | None]
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    created_at: Mapped[CreatedAt]


class PayPointStatus(enum.Enum):
    active = "active"
    retired = "retired"


class PayPoint(MerchantOwned, Base):
    """A pay point (收款码): the QR on a counter. Its token is public and never changes."""

    __tablename__ = "pay_point"
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id"), index=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"), index=True)
    token: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text, default="", server_default="")
    status: Mapped[PayPointStatus] = state_column(
        PayPointStatus, "pay_point_status", default=PayPointStatus.active
    )


class TerminalStatus(enum.Enum):
    enrolled = "enrolled"
    revoked = "revoked"


class Terminal(MerchantOwned, Base):
    """A terminal (收银终端): a tablet or phone that a store has enrolled.

    Its token says which device it is and opens nothing by itself: a person signs in on it.
    """

    __tablename__ = "terminal"
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id"), index=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[TerminalStatus] = state_column(
        TerminalStatus, "terminal_status", default=TerminalStatus.enrolled
    )
    token_digest: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    enrolled_by_id: Mapped[Id | None]
    enrolled_at: Mapped[CreatedAt]
    revoked_at: Mapped[Timestamp | None]


class ShiftStatus(enum.Enum):
    open = "open"
    counted = "counted"
    closed = "closed"


class Shift(MerchantOwned, Base):
    """A shift (班次): a drawer from the opening float to the counted cash.

    A drawer is a terminal's, or that of a person who works without one.
    """

    __tablename__ = "shift"
    __table_args__ = (
        CheckConstraint("opening_float_fen >= 0", name="shift_opening_float"),
        CheckConstraint("(status = 'open') = (counted_fen IS NULL)", name="shift_counted"),
        Index("uq_shift_open_drawer", "drawer", unique=True, postgresql_where="status = 'open'"),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id"), index=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"), index=True)
    staff_id: Mapped[IndexedId]
    terminal_id: Mapped[Id | None]
    drawer: Mapped[str] = mapped_column(Text)
    follows_id: Mapped[Id | None]  # The shift that was handed over to this one.
    status: Mapped[ShiftStatus] = state_column(
        ShiftStatus, "shift_status", default=ShiftStatus.open
    )
    opening_float_fen: Mapped[Fen]
    expected_fen: Mapped[Fen | None] = mapped_column(BigInteger)
    counted_fen: Mapped[Fen | None] = mapped_column(BigInteger)
    difference_fen: Mapped[int | None] = column_property(counted_fen - expected_fen)  # Short: < 0.
    difference_reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    opened_at: Mapped[CreatedAt]
    closed_at: Mapped[Timestamp | None]
    closed_by_id: Mapped[Id | None]
