"""What is kept about paper beside the vouchers: sealed codes, custody, events, tasks, imports."""

from __future__ import annotations

import enum
from typing import Any

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
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


class VoucherChunk(Base):
    """The secret codes of one chunk of a batch, sealed until they are printed, then shredded.

    Written with the chunk's vouchers, so that what is not committed cannot be printed.
    """

    __tablename__ = "voucher_chunk"
    __table_args__ = (CheckConstraint("quantity > 0", name="chunk_quantity"),)
    batch_id: Mapped[int] = mapped_column(ForeignKey("voucher_batch.id"), primary_key=True)
    chunk_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # From 1.
    first_serial_no: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int]
    key_version: Mapped[int]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[CreatedAt]


class VoucherHolding(MerchantOwned, Base):
    """Who has the paper of a range in hand now; ``merchant_id`` is the holder (1: the platform).

    Ranges of one batch never overlap: PostgreSQL refuses it. What was before is in the events.
    """

    __tablename__ = "voucher_holding"
    __table_args__ = (
        CheckConstraint("1 <= first_number AND first_number <= last_number", name="holding_range"),
        CheckConstraint("last_number < 10000000", name="holding_running_digits"),
        # A batch's seven running digits, behind its id, make one line of numbers for all batches.
        ExcludeConstraint(
            (
                text(
                    "int8range(batch_id * 10000000 + first_number,"
                    " batch_id * 10000000 + last_number, '[]')"
                ),
                "&&",
            ),
            name="holding_once",
            using="gist",
        ),
        Index("ix_voucher_holding_batch", "batch_id", "first_number"),
        Index("ix_voucher_holding_store", "store_id"),
    )
    id: Mapped[PrimaryKey]
    batch_id: Mapped[int] = mapped_column(ForeignKey("voucher_batch.id"))
    store_id: Mapped[Id | None]
    first_number: Mapped[int]
    last_number: Mapped[int]
    first_serial_no: Mapped[str] = mapped_column(Text)
    last_serial_no: Mapped[str] = mapped_column(Text)
    since: Mapped[CreatedAt]
    quantity: Mapped[int] = mapped_column(Computed("last_number - first_number + 1"))


class VoucherEventKind(enum.Enum):
    created = "created"
    approved = "approved"
    cancelled = "cancelled"
    generated = "generated"
    printed = "printed"
    closed = "closed"
    imported = "imported"
    handed_over = "handed_over"
    returned = "returned"
    activated = "activated"
    sold = "sold"
    frozen = "frozen"
    unfrozen = "unfrozen"
    voided = "voided"
    expired = "expired"
    replaced = "replaced"


class VoucherEvent(MerchantOwned, Base):
    """Something that happened to a batch or a range of its serial numbers. Never edited.

    ``merchant_id`` is the issuer. Without serial numbers the whole batch is meant. A correction is
    another event.
    """

    __tablename__ = "voucher_event"
    __table_args__ = (
        Index("ix_voucher_event_batch", "batch_id", "id"),
        Index("ix_voucher_event_store", "to_store_id", "id"),
        CheckConstraint(
            "(first_serial_no IS NULL) = (last_serial_no IS NULL)", name="event_serials"
        ),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[Id] = mapped_column(index=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("voucher_batch.id"))
    kind: Mapped[VoucherEventKind] = state_column(VoucherEventKind, "voucher_event_kind")
    first_serial_no: Mapped[str | None] = mapped_column(Text)
    last_serial_no: Mapped[str | None] = mapped_column(Text)
    quantity: Mapped[int]
    from_merchant_id: Mapped[Id | None]
    from_store_id: Mapped[Id | None]
    to_merchant_id: Mapped[Id | None]
    to_store_id: Mapped[Id | None]
    staff_id: Mapped[Id | None]
    amount_fen: Mapped[Fen | None]
    reference: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[CreatedAt]


class VoucherTaskKind(enum.Enum):
    generate = "generate"
    activate = "activate"
    freeze = "freeze"
    unfreeze = "unfreeze"
    void = "void"


class VoucherTaskStatus(enum.Enum):
    asked = "asked"
    waiting = "waiting"
    running = "running"
    done = "done"
    refused = "refused"
    failed = "failed"


class VoucherTask(MerchantOwned, Base):
    """Something to be done with many vouchers, by a job in steps that are committed one by one.

    It means a batch, a range of it, or all that a merchant or store has in hand. ``asked`` waits
    for a second person. ``merchant_id`` is the batch's issuer, or the holder.
    """

    __tablename__ = "voucher_task"
    __table_args__ = (
        CheckConstraint(
            "kind NOT IN ('unfreeze') OR status IN ('asked', 'refused')"
            " OR (approved_by_id IS NOT NULL AND approved_by_id IS DISTINCT FROM asked_by_id)",
            name="task_second_person",
        ),
        CheckConstraint("batch_id IS NOT NULL OR holder_merchant_id IS NOT NULL", name="task_what"),
        Index("ix_voucher_task_batch", "batch_id", "id"),
        # One generation of a batch, however often somebody presses the button.
        Index(
            "uq_voucher_task_generate",
            "batch_id",
            unique=True,
            postgresql_where="kind = 'generate' AND status IN ('waiting', 'running', 'done')",
        ),
        Index(
            "ix_voucher_task_open",
            "id",
            postgresql_where="status IN ('waiting', 'running')",
        ),
    )
    id: Mapped[PrimaryKey]
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("voucher_batch.id"))
    kind: Mapped[VoucherTaskKind] = state_column(VoucherTaskKind, "voucher_task_kind")
    status: Mapped[VoucherTaskStatus] = state_column(
        VoucherTaskStatus, "voucher_task_status", default=VoucherTaskStatus.waiting
    )
    first_serial_no: Mapped[str | None] = mapped_column(Text)
    last_serial_no: Mapped[str | None] = mapped_column(Text)
    holder_merchant_id: Mapped[Id | None]
    holder_store_id: Mapped[Id | None]
    reason: Mapped[str | None] = mapped_column(Text)
    asked_by_id: Mapped[Id | None]
    approved_by_id: Mapped[Id | None]
    quantity: Mapped[int] = mapped_column(default=0, server_default="0")
    done: Mapped[int] = mapped_column(default=0, server_default="0")
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    problem: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[Timestamp | None]


class VoucherImportStatus(enum.Enum):
    checked = "checked"
    imported = "imported"
    discarded = "discarded"


class VoucherImport(MerchantOwned, Base):
    """A spreadsheet of old cards that was checked and waits for a second person, or is done.

    ``sealed`` holds its rows until it is decided; ``totals`` is what the dry run counted.
    """

    __tablename__ = "voucher_import"
    __table_args__ = (
        CheckConstraint(
            "status <> 'imported' OR"
            " (decided_by_id IS NOT NULL AND decided_by_id IS DISTINCT FROM made_by_id)",
            name="import_second_person",
        ),
        CheckConstraint("(status = 'imported') = (batch_id IS NOT NULL)", name="import_batch"),
        CheckConstraint("(status = 'checked') = (sealed IS NOT NULL)", name="import_sealed"),
        Index(
            "uq_voucher_import_file",
            "file_digest",
            unique=True,
            postgresql_where="status = 'imported'",
        ),
    )
    id: Mapped[PrimaryKey]
    program_id: Mapped[int] = mapped_column(ForeignKey("card_program.id"))
    status: Mapped[VoucherImportStatus] = state_column(
        VoucherImportStatus, "voucher_import_status", default=VoucherImportStatus.checked
    )
    file_name: Mapped[str] = mapped_column(Text)
    file_digest: Mapped[bytes] = mapped_column(LargeBinary)
    row_count: Mapped[int]
    total_fen: Mapped[Fen]
    totals: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    made_by_id: Mapped[Id | None]
    decided_by_id: Mapped[Id | None]
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("voucher_batch.id"))
    created_at: Mapped[CreatedAt]
    decided_at: Mapped[Timestamp | None]
