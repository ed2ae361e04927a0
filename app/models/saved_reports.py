"""Reports that somebody has saved under a name, and what was delivered of them by the clock."""

from __future__ import annotations

import enum
from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.actor import Role
from app.models.base import Base, CreatedAt, Id, MerchantOwned, PrimaryKey, Timestamp, state_column


class ReportSpan(enum.Enum):
    """Which days a saved report is about whenever it is opened; ``fixed``: those that it names."""

    fixed = "fixed"
    yesterday = "yesterday"
    last_week = "last_week"
    this_month = "this_month"
    last_month = "last_month"
    last_quarter = "last_quarter"


class ReportSchedule(enum.Enum):
    """How often it is made by itself, of the day, week or month that is just over."""

    none = "none"
    daily = "daily"
    weekly = "weekly"
    monthly = "monthly"


class DeliveryStatus(enum.Enum):
    """``kept``: it lies in the download centre and nobody is written to."""

    waiting = "waiting"
    kept = "kept"
    sent = "sent"
    failed = "failed"


class SavedReport(MerchantOwned, Base):
    """A report with its filters under a name (常用报表). One person's, like a file of theirs.

    ``role`` is theirs when they saved it: should it change, nothing is made by itself any more.
    ``plan`` is the report with its filters, headings and words, as a file of it is written.
    """

    __tablename__ = "saved_report"
    __table_args__ = (
        UniqueConstraint("staff_id", "name", name="uq_saved_report_name"),
        CheckConstraint("name <> ''", name="saved_report_name"),
        CheckConstraint("format IN ('xlsx', 'csv')", name="saved_report_format"),
        CheckConstraint(
            "(span = 'fixed') = (first_on IS NOT NULL AND last_on IS NOT NULL)",
            name="saved_report_days",
        ),
        CheckConstraint("(schedule = 'none') = (next_at IS NULL)", name="saved_report_next"),
        Index("ix_saved_report_next", "next_at", postgresql_where="next_at IS NOT NULL"),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    store_id: Mapped[Id | None]
    staff_id: Mapped[Id]
    role: Mapped[Role] = state_column(Role, "saved_report_role")
    name: Mapped[str] = mapped_column(Text)
    report: Mapped[str] = mapped_column(Text)
    span: Mapped[ReportSpan] = state_column(ReportSpan, "saved_report_span")
    first_on: Mapped[date | None]
    last_on: Mapped[date | None]
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)
    schedule: Mapped[ReportSchedule] = state_column(
        ReportSchedule, "saved_report_schedule", default=ReportSchedule.none
    )
    format: Mapped[str] = mapped_column(Text, default="xlsx", server_default="xlsx")
    email: Mapped[str] = mapped_column(Text, default="", server_default="")
    next_at: Mapped[Timestamp | None]
    created_at: Mapped[CreatedAt]


class ReportDelivery(MerchantOwned, Base):
    """One time that a saved report was made by the clock, and whether its mail has gone out.

    Of one report and one period there is one, however often the clock asks.
    """

    __tablename__ = "report_delivery"
    __table_args__ = (
        UniqueConstraint("saved_report_id", "last_on", name="uq_report_delivery"),
        Index("ix_report_delivery_staff", "staff_id", "id"),
        Index("ix_report_delivery_open", "next_try_at", postgresql_where="status = 'waiting'"),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    store_id: Mapped[Id | None]
    staff_id: Mapped[Id]
    saved_report_id: Mapped[Id]
    export_file_id: Mapped[Id]
    name: Mapped[str] = mapped_column(Text)
    first_on: Mapped[date]
    last_on: Mapped[date]
    email: Mapped[str] = mapped_column(Text)
    status: Mapped[DeliveryStatus] = state_column(
        DeliveryStatus, "report_delivery_status", default=DeliveryStatus.waiting
    )
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    next_try_at: Mapped[Timestamp]
    problem: Mapped[str] = mapped_column(Text, default="", server_default="")
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[Timestamp | None]
