"""Reconciliation (对账) with WeChat: its bills as they came, what was compared, what differs."""

from __future__ import annotations

import enum
from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Fen, Id, PrimaryKey, Timestamp, state_column


class ReconciliationStatus(enum.Enum):
    """``waiting``: WeChat has no bill yet. ``rejected``: its bill cannot be believed."""

    waiting = "waiting"
    rejected = "rejected"
    matched = "matched"
    differing = "differing"


class Reconciliation(Base):
    """One local day of WeChat's, compared line by line with our orders and the ledger."""

    __tablename__ = "reconciliation"
    id: Mapped[PrimaryKey]
    bill_on: Mapped[date] = mapped_column(unique=True)
    status: Mapped[ReconciliationStatus] = state_column(
        ReconciliationStatus, "reconciliation_status"
    )
    problem: Mapped[str] = mapped_column(Text, default="", server_default="")
    trade_sha1: Mapped[str | None] = mapped_column(Text)
    flow_sha1: Mapped[str | None] = mapped_column(Text)
    payments: Mapped[int] = mapped_column(default=0, server_default="0")
    payments_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    refunds: Mapped[int] = mapped_column(default=0, server_default="0")
    refunds_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    fee_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    transferred_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    open_differences: Mapped[int] = mapped_column(default=0, server_default="0")
    reconciled_at: Mapped[Timestamp]


class BillLine(Base):
    """A payment or refund as WeChat's trade bill tells it. Kept, for later days ask for it."""

    __tablename__ = "wechat_bill_line"
    __table_args__ = (
        UniqueConstraint("bill_on", "line_no", name="uq_wechat_bill_line"),
        Index("ix_wechat_bill_line_number", "number"),
    )
    id: Mapped[PrimaryKey]
    bill_on: Mapped[date]
    line_no: Mapped[int]
    is_refund: Mapped[bool]
    number: Mapped[str] = mapped_column(Text)  # Our order number, or our refund number.
    wechat_no: Mapped[str] = mapped_column(Text)  # WeChat's transaction, or its refund number.
    order_no: Mapped[str] = mapped_column(Text)
    amount_fen: Mapped[Fen]
    fee_fen: Mapped[Fen]
    occurred_at: Mapped[Timestamp]


class DifferenceKind(enum.Enum):
    missing_here = "missing_here"
    missing_there = "missing_there"
    amount_differs = "amount_differs"
    ledger_differs = "ledger_differs"
    duplicate = "duplicate"
    fee_differs = "fee_differs"


class DifferenceStatus(enum.Enum):
    """``gone``: a later look found that nothing differs any more."""

    unresolved = "unresolved"
    proposed = "proposed"
    corrected = "corrected"
    gone = "gone"


class Correction(enum.Enum):
    """What puts a difference right once two people agree.

    ``confirm``: book what WeChat says, as its notification would have. ``unapplied``: book it as
    money that is not ours to keep. ``expense``: bring the ledger to WeChat's amount at the
    platform's cost or gain. ``explain``: nothing is booked; the note says why.
    """

    confirm = "confirm"
    unapplied = "unapplied"
    expense = "expense"
    explain = "explain"


class ReconciliationDifference(Base):
    """What WeChat, our orders and the ledger do not agree on. Amounts are fen; none: not there.

    What comes back after it was corrected, because a bill was changed, is the next ``turn``.
    """

    __tablename__ = "reconciliation_difference"
    __table_args__ = (
        UniqueConstraint("bill_on", "kind", "number", "turn", name="uq_reconciliation_difference"),
        CheckConstraint("decided_by_id <> proposed_by_id", name="difference_two_people"),
        CheckConstraint(
            "(status IN ('proposed', 'corrected')) <= (proposed_by_id IS NOT NULL)",
            name="difference_proposed",
        ),
        CheckConstraint(
            "(status = 'corrected') = (decided_by_id IS NOT NULL)", name="difference_decided"
        ),
        Index(
            "ix_reconciliation_difference_open",
            "number",
            postgresql_where="status IN ('unresolved', 'proposed')",
        ),
    )
    id: Mapped[PrimaryKey]
    reconciliation_id: Mapped[int] = mapped_column(ForeignKey("reconciliation.id"), index=True)
    bill_on: Mapped[date]
    kind: Mapped[DifferenceKind] = state_column(DifferenceKind, "difference_kind")
    number: Mapped[str] = mapped_column(Text)
    turn: Mapped[int] = mapped_column(default=1, server_default="1")
    wechat_no: Mapped[str | None] = mapped_column(Text)
    ours_fen: Mapped[Fen | None]
    ledger_fen: Mapped[Fen | None]
    wechat_fen: Mapped[Fen | None]
    suggestion: Mapped[Correction] = state_column(Correction, "difference_suggestion")
    status: Mapped[DifferenceStatus] = state_column(
        DifferenceStatus, "difference_status", default=DifferenceStatus.unresolved
    )
    correction: Mapped[Correction | None] = state_column(Correction, "difference_correction")
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    proposed_by_id: Mapped[Id | None]
    proposed_at: Mapped[Timestamp | None]
    decided_by_id: Mapped[Id | None]
    decided_at: Mapped[Timestamp | None]
    decision_note: Mapped[str] = mapped_column(Text, default="", server_default="")
    found_at: Mapped[CreatedAt]
