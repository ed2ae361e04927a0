"""Print files: a batch's codes on their way to the print shop, once and by two people."""

from __future__ import annotations

import enum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    Base,
    CreatedAt,
    Id,
    MerchantOwned,
    PrimaryKey,
    Timestamp,
    state_column,
)


class PrintFormat(enum.Enum):
    pdf = "pdf"
    csv = "csv"
    xlsx = "xlsx"
    png = "png"


class PrintLayout(enum.Enum):
    a4 = "a4"
    card = "card"
    label_70x50 = "label_70x50"
    label_60x40 = "label_60x40"
    label_50x30 = "label_50x30"


class CodePanel(enum.Enum):
    """Whether the code can be seen, or lies under a panel that is scratched off."""

    open = "open"
    scratch = "scratch"


class PrintFileStatus(enum.Enum):
    requested = "requested"
    making = "making"
    sealed = "sealed"
    released = "released"
    taken = "taken"
    shredded = "shredded"
    failed = "failed"
    withdrawn = "withdrawn"


class PrintFile(MerchantOwned, Base):
    """A print file (印刷文件). Made sealed, released by a second person, taken out, shredded.

    ``run`` names the attempt that made it and is part of its file's name. ``sealed_key`` opens the
    file; without it, what may be left on a disk is noise. ``merchant_id`` is the batch's issuer.
    """

    __tablename__ = "print_file"
    __table_args__ = (
        CheckConstraint(
            "status NOT IN ('released', 'taken', 'shredded') OR"
            " (released_by_id IS NOT NULL AND released_by_id IS DISTINCT FROM requested_by_id)",
            name="print_second_person",
        ),
        CheckConstraint(
            "status NOT IN ('sealed', 'released', 'taken', 'shredded') OR"
            " (sha256 IS NOT NULL AND byte_count > 0 AND row_count > 0 AND row_count = rows_done)",
            name="print_counted",
        ),
        CheckConstraint(
            "status NOT IN ('shredded', 'failed', 'withdrawn') OR sealed_key IS NULL",
            name="print_shredded",
        ),
        # A batch is taken out once: one request at a time, and none after it was shredded.
        Index(
            "uq_print_file_once",
            "batch_id",
            unique=True,
            postgresql_where="status NOT IN ('failed', 'withdrawn')",
        ),
        Index("ix_print_file_batch", "batch_id", "id"),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[Id] = mapped_column(index=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("voucher_batch.id"))
    format: Mapped[PrintFormat] = state_column(PrintFormat, "print_format")
    layout: Mapped[PrintLayout] = state_column(PrintLayout, "print_layout")
    panel: Mapped[CodePanel] = state_column(CodePanel, "print_panel")
    status: Mapped[PrintFileStatus] = state_column(
        PrintFileStatus, "print_file_status", default=PrintFileStatus.requested
    )
    requested_by_id: Mapped[Id]
    released_by_id: Mapped[Id | None]
    run: Mapped[str | None] = mapped_column(Text)
    sealed_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    rows_done: Mapped[int] = mapped_column(default=0, server_default="0")
    row_count: Mapped[int]
    byte_count: Mapped[Id | None]
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    problem: Mapped[str | None] = mapped_column(Text)
    downloads: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[CreatedAt]
    released_at: Mapped[Timestamp | None]
    delivered_at: Mapped[Timestamp | None]  # When the last byte first left the server.
    ended_at: Mapped[Timestamp | None]
