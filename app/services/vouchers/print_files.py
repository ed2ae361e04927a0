"""Print files (印刷文件): a batch's design, and its file from the request until it lies sealed.

How it goes out is in ``print_releases``. Nothing here touches a disk: flows/vouchers/printing does,
and asks here first and afterwards.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.core import sealing
from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.core.keys import Keys
from app.models.print_files import CodePanel, PrintFile, PrintFileStatus, PrintFormat, PrintLayout
from app.models.voucher_records import VoucherChunk
from app.models.vouchers import BatchStatus, VoucherBatch
from app.services import journal
from app.services.vouchers.batches import audit_batch, lock_batch
from app.services.vouchers.voucher_chunks import CodesShredded

TOPIC = "print_file.requested"
# Above these, a program that opens the file would run out of memory, or a person of patience.
MOST_ROWS = {PrintFormat.xlsx: 20_000, PrintFormat.png: 2_000}
_KEY_BYTES = 32
_S = PrintFileStatus


class PrintFileNotFound(DomainError):
    code = "print_file_not_found"
    category = Category.NOT_FOUND
    template = N_("No such print file.")


class PrintFileStateConflict(DomainError):
    code = "print_file_state_conflict"
    category = Category.CONFLICT
    template = N_("The print file is in another state by now. Please look at it again.")


class PrintFileExists(DomainError):
    code = "print_file_exists"
    category = Category.CONFLICT
    template = N_("This batch has a print file already. A batch is taken out once.")


class BatchNotPrintable(DomainError):
    code = "batch_not_printable"
    category = Category.CONFLICT
    template = N_("Only a batch whose vouchers are all generated can be printed.")


class TooManyForFormat(DomainError):
    code = "too_many_for_format"
    category = Category.INVALID
    template = N_(
        "This format takes at most %(most)s vouchers, and the batch has %(quantity)s."
        " Please choose PDF or CSV."
    )


class DesignFixed(DomainError):
    code = "design_fixed"
    category = Category.CONFLICT
    template = N_("The print file is made already. Withdraw it before you change the design.")


@dataclass(frozen=True, kw_only=True)
class PrintOrder:
    """What the job needs to make the file of one run."""

    print_file_id: int
    batch_id: int
    format: PrintFormat
    layout: PrintLayout
    panel: CodePanel
    quantity: int
    chunks: Sequence[int]
    run: str
    file_key: bytes


def design_batch(
    session: Session,
    *,
    batch_id: int,
    title: str,
    terms: str,
    support_phone: str,
    colour: str,
    actor: Actor,
) -> VoucherBatch:
    """Set what is printed beside the batch's conditions.

    Raises:
        DesignFixed: A print file is being made, or was.
    """
    batch = lock_batch(session, batch_id=batch_id)
    if _open_file(session, batch_id) is not None or batch.status in {
        BatchStatus.printed,
        BatchStatus.closed,
    }:
        raise DesignFixed
    batch.title, batch.terms = title, terms
    batch.support_phone, batch.colour = support_phone, colour
    audit_batch(session, "batch.designed", batch, actor)
    return batch


def request_print_file(
    session: Session,
    *,
    batch_id: int,
    print_format: PrintFormat,
    layout: PrintLayout,
    panel: CodePanel,
    requester: Actor,
) -> PrintFile:
    """Ask for a batch's print file; a job makes it once this is committed.

    Raises:
        BatchNotPrintable, PrintFileExists, CodesShredded, TooManyForFormat
    """
    assert requester.staff_id is not None, "a person asks"
    batch = lock_batch(session, batch_id=batch_id)
    if _open_file(session, batch_id) is not None:
        raise PrintFileExists
    if batch.status is not BatchStatus.generated:
        raise BatchNotPrintable
    _require_codes(session, batch)
    most = MOST_ROWS.get(print_format)
    if most is not None and batch.quantity > most:
        raise TooManyForFormat(most=f"{most:,}", quantity=f"{batch.quantity:,}")
    made = PrintFile(
        merchant_id=batch.merchant_id,
        batch_id=batch_id,
        format=print_format,
        layout=layout,
        panel=panel,
        requested_by_id=requester.staff_id,
        row_count=batch.quantity,
    )
    session.add(made)
    session.flush()
    journal.send_later(session, TOPIC, subject_id=made.id)
    audit_print_file(session, "print_file.requested", made, requester)
    return made


def start_making(session: Session, *, print_file_id: int, keys: Keys) -> PrintOrder | None:
    """Begin a run, from the start: what an earlier run had written counts for nothing.

    Returns None when nobody waits for it any more (withdrawn, or made by a twin of this job).
    """
    found = lock_print_file(session, print_file_id)
    if found.status not in {_S.requested, _S.making}:
        return None
    batch = session.get_one(VoucherBatch, found.batch_id)
    key = os.urandom(_KEY_BYTES)
    found.status, found.run, found.rows_done = _S.making, secrets.token_hex(8), 0
    found.sealed_key = sealing.seal(key, key=keys.secret_key, purpose=key_purpose(found))
    chunks = session.scalars(
        select(VoucherChunk.chunk_no)
        .where(VoucherChunk.batch_id == found.batch_id)
        .order_by(VoucherChunk.chunk_no)
    ).all()
    return PrintOrder(
        print_file_id=found.id,
        batch_id=found.batch_id,
        format=found.format,
        layout=found.layout,
        panel=found.panel,
        quantity=batch.quantity,
        chunks=chunks,
        run=found.run,
        file_key=key,
    )


def report_progress(session: Session, *, order: PrintOrder, rows: int) -> bool:
    """Note how far a run has come. False when it was withdrawn, or another run took over."""
    done = session.execute(
        update(PrintFile)
        .where(
            PrintFile.id == order.print_file_id,
            PrintFile.status == _S.making,
            PrintFile.run == order.run,
        )
        .values(rows_done=rows)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def seal_print_file(
    session: Session, *, order: PrintOrder, rows: int, byte_count: int, sha256: bytes, actor: Actor
) -> bool:
    """The file lies sealed on disk. False when nobody waits for this run any more."""
    found = lock_print_file(session, order.print_file_id)
    if found.status is not _S.making or found.run != order.run:
        return False
    assert rows == found.row_count, "every voucher of the batch is in its print file"
    found.status, found.rows_done = _S.sealed, rows
    found.byte_count, found.sha256 = byte_count, sha256
    audit_print_file(session, "print_file.sealed", found, actor)
    return True


def fail_print_file(session: Session, *, order: PrintOrder, problem: str, actor: Actor) -> None:
    """Give a run up; the codes are untouched, and the file may be asked for again."""
    found = lock_print_file(session, order.print_file_id)
    if found.status is _S.making and found.run == order.run:
        found.problem = problem
        end_print_file(found, _S.failed, None)
        audit_print_file(session, "print_file.failed", found, actor, {"problem": problem})


def end_print_file(found: PrintFile, status: PrintFileStatus, now: datetime | None) -> None:
    found.status, found.sealed_key, found.ended_at = status, None, now


def _open_file(session: Session, batch_id: int) -> PrintFile | None:
    return session.scalar(
        select(PrintFile).where(
            PrintFile.batch_id == batch_id, PrintFile.status.not_in((_S.failed, _S.withdrawn))
        )
    )


def _require_codes(session: Session, batch: VoucherBatch) -> None:
    count, sealed = session.execute(
        select(
            func.coalesce(func.sum(VoucherChunk.quantity), 0),
            func.bool_and(VoucherChunk.sealed.is_not(None)),
        ).where(VoucherChunk.batch_id == batch.id)
    ).one()
    if count != batch.quantity:
        raise BatchNotPrintable
    if not sealed:
        raise CodesShredded


def require_state(found: PrintFile, *states: PrintFileStatus) -> None:
    if found.status not in states:
        raise PrintFileStateConflict(extra={"status": found.status.name})


def lock_print_file(session: Session, print_file_id: int) -> PrintFile:
    found = session.get(PrintFile, print_file_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise PrintFileNotFound
    return found


def audit_print_file(
    session: Session,
    action: str,
    found: PrintFile,
    actor: Actor,
    detail: dict[str, object] | None = None,
) -> None:
    """With how many codes it is about and, once it is made, the file's SHA-256."""
    facts: dict[str, object] = {"batch_id": found.batch_id, "rows": found.row_count}
    if found.sha256 is not None:
        facts["sha256"] = found.sha256.hex()
    journal.audit(
        session,
        action,
        actor=actor,
        subject_id=found.id,
        merchant_id=found.merchant_id,
        detail={**facts, **(detail or {})},
    )


def key_purpose(found: PrintFile) -> str:
    return f"print-file:{found.id}:{found.run}"
