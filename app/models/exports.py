"""Files that somebody on the staff has asked for, on their way and to be fetched."""

from __future__ import annotations

import enum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.actor import Role
from app.models.base import (
    Base,
    CreatedAt,
    Id,
    MerchantOwned,
    PrimaryKey,
    Timestamp,
    state_column,
)


class ExportStatus(enum.Enum):
    """``expired``: the file is gone; what was asked for is still known, and may be asked again."""

    waiting = "waiting"
    running = "running"
    done = "done"
    failed = "failed"
    expired = "expired"


class ExportFile(MerchantOwned, Base):
    """A file (导出文件) of one person's. ``merchant_id`` and ``store_id`` are where they work.

    Nobody but that person sees the row or gets the file. ``role`` is theirs at that moment: should
    it change meanwhile, the job refuses to write what they may no longer read.
    """

    __tablename__ = "export_file"
    __table_args__ = (
        CheckConstraint("(status = 'done') <= (stored_name IS NOT NULL)", name="export_file_done"),
        CheckConstraint("format IN ('xlsx', 'csv', 'tsv', 'json', 'ods')", name="export_format"),
        Index("ix_export_file_staff", "staff_id", "id"),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    store_id: Mapped[Id | None]
    staff_id: Mapped[Id]
    role: Mapped[Role] = state_column(Role, "export_file_role")
    title: Mapped[str] = mapped_column(Text)
    file_name: Mapped[str] = mapped_column(Text)
    format: Mapped[str] = mapped_column(Text)
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)
    status: Mapped[ExportStatus] = state_column(
        ExportStatus, "export_status", default=ExportStatus.waiting
    )
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    rows_done: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    rows_total: Mapped[int | None] = mapped_column(BigInteger)
    stored_name: Mapped[str | None] = mapped_column(Text)  # Random: nobody guesses it.
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[CreatedAt]
    seen_at: Mapped[Timestamp | None]  # When the job last gave a sign of life.
    finished_at: Mapped[Timestamp | None]
    fetched_at: Mapped[Timestamp | None]
    expires_at: Mapped[Timestamp | None]
