"""Print files on their way out: released by a second person, taken by the requester, shredded.

A file is destroyed, and the batch's codes with it, when its requester says that it arrived, or half
an hour after it was delivered whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import sealing
from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.core.keys import Keys
from app.models.print_files import PrintFile, PrintFileStatus, PrintFormat
from app.models.voucher_records import VoucherEventKind
from app.models.vouchers import BatchStatus, VoucherBatch
from app.services.two_people import require_another
from app.services.vouchers.batches import lock_batch
from app.services.vouchers.print_files import (
    audit_print_file,
    end_print_file,
    key_purpose,
    lock_print_file,
    require_state,
)
from app.services.vouchers.voucher_chunks import shred_chunks
from app.services.vouchers.voucher_events import record_event

# How long a file may be downloaded again after it was first delivered whole.
DOWNLOAD_WINDOW = timedelta(minutes=30)
_S = PrintFileStatus


class NotTheRequester(DomainError):
    code = "not_the_requester"
    category = Category.FORBIDDEN
    template = N_("Only whoever asked for the print file may download it.")


class DownloadOver(DomainError):
    code = "download_over"
    category = Category.CONFLICT
    template = N_(
        "The print file was taken out and destroyed. It cannot be downloaded a second time."
    )


class PrintFileLost(DomainError):
    code = "print_file_lost"
    category = Category.CONFLICT
    template = N_(
        "The print file is no longer on the server's disk. Withdraw it and ask for another."
    )


@dataclass(frozen=True, kw_only=True)
class TakenFile:
    """What a download needs: which sealed file, and what opens it."""

    print_file_id: int
    batch_no: str
    format: PrintFormat
    run: str
    file_key: bytes
    byte_count: int
    sha256: bytes


def release_print_file(
    session: Session, *, print_file_id: int, releaser: Actor, now: datetime
) -> PrintFile:
    """A second person lets the file go out.

    Raises:
        SecondPersonRequired: The releaser asked for it.
        PrintFileStateConflict
    """
    found = lock_print_file(session, print_file_id)
    require_another(releaser, than=found.requested_by_id)
    require_state(found, _S.sealed)
    found.status, found.released_by_id, found.released_at = _S.released, releaser.staff_id, now
    audit_print_file(session, "print_file.released", found, releaser)
    return found


def withdraw_print_file(
    session: Session, *, print_file_id: int, actor: Actor, now: datetime
) -> PrintFile:
    """Drop a file that was not delivered. Its codes stay, so another may be asked for."""
    found = lock_print_file(session, print_file_id)
    undelivered = () if found.delivered_at is not None else (_S.taken,)
    require_state(found, _S.requested, _S.making, _S.sealed, _S.released, *undelivered)
    end_print_file(found, _S.withdrawn, now)
    audit_print_file(session, "print_file.withdrawn", found, actor)
    return found


def begin_download(
    session: Session, *, print_file_id: int, taker: Actor, now: datetime
) -> PrintFile:
    """Whoever asked for the file takes it now. Asked again, it is still theirs to take.

    Raises:
        NotTheRequester, PrintFileStateConflict
        DownloadOver: It was delivered, and acknowledged or half an hour ago.
    """
    found = _lock_for_taker(session, print_file_id, taker, now)
    require_state(found, _S.released, _S.taken)
    if found.status is _S.released:
        found.status = _S.taken
        audit_print_file(session, "print_file.taken", found, taker)
    return found


def open_download(
    session: Session, *, print_file_id: int, taker: Actor, start: int, keys: Keys, now: datetime
) -> TakenFile:
    """Open the file that is being taken. Every attempt is written down.

    Args:
        start: The byte from which it is asked for: above 0 the rest of a download that broke off.

    Raises:
        NotTheRequester, DownloadOver
        PrintFileStateConflict: Nobody has begun to take it.
    """
    found = _lock_for_taker(session, print_file_id, taker, now)
    require_state(found, _S.taken)
    found.downloads += 1
    attempt: dict[str, object] = {"attempt": found.downloads, "from_byte": start}
    audit_print_file(session, "print_file.downloaded", found, taker, attempt)
    assert found.run is not None, "it was made"
    assert found.sealed_key is not None
    assert found.byte_count is not None
    assert found.sha256 is not None
    batch = session.get_one(VoucherBatch, found.batch_id)
    return TakenFile(
        print_file_id=found.id,
        batch_no=batch.batch_no,
        format=found.format,
        run=found.run,
        file_key=sealing.unseal(found.sealed_key, key=keys.secret_key, purpose=key_purpose(found)),
        byte_count=found.byte_count,
        sha256=found.sha256,
    )


def note_delivery(session: Session, *, print_file_id: int, now: datetime) -> None:
    """The last byte has left: from now on the window for repeating runs."""
    found = lock_print_file(session, print_file_id)
    if found.status is _S.taken and found.delivered_at is None:
        found.delivered_at = now


def acknowledge_print_file(
    session: Session, *, print_file_id: int, taker: Actor, now: datetime
) -> PrintFile:
    """The requester has the file whole: destroy ours and the codes.

    Raises:
        NotTheRequester, PrintFileStateConflict
    """
    found = lock_print_file(session, print_file_id)
    if taker.staff_id != found.requested_by_id:
        raise NotTheRequester
    require_state(found, _S.taken)
    _shred(session, found, taker, now)
    return found


def shred_due_files(session: Session, *, actor: Actor, now: datetime) -> int:
    """Destroy what was delivered and not acknowledged within the window. Returns how many."""
    due = session.scalars(
        select(PrintFile)
        .where(PrintFile.status == _S.taken, PrintFile.delivered_at < now - DOWNLOAD_WINDOW)
        .order_by(PrintFile.id)
        .with_for_update(skip_locked=True)
        .limit(20)
    ).all()
    for found in due:
        _shred(session, found, actor, now)
    return len(due)


def kept_runs(session: Session) -> set[str]:
    """The runs whose files are still needed; all others may be deleted."""
    needed = (_S.making, _S.sealed, _S.released, _S.taken)
    runs = select(PrintFile.run).where(PrintFile.status.in_(needed), PrintFile.run.is_not(None))
    return {run for run in session.scalars(runs) if run is not None}


def _shred(session: Session, found: PrintFile, actor: Actor, now: datetime) -> None:
    batch = lock_batch(session, batch_id=found.batch_id)
    end_print_file(found, _S.shredded, now)
    shred_chunks(session, batch_id=found.batch_id)
    if batch.status is BatchStatus.generated:
        batch.status = BatchStatus.printed
    record_event(
        session,
        batch=batch,
        kind=VoucherEventKind.printed,
        quantity=found.row_count,
        actor=actor,
        reference=f"print-file:{found.id}",
    )
    audit_print_file(session, "print_file.shredded", found, actor)


def _lock_for_taker(session: Session, print_file_id: int, taker: Actor, now: datetime) -> PrintFile:
    found = lock_print_file(session, print_file_id)
    if taker.staff_id != found.requested_by_id:
        raise NotTheRequester
    if found.status is _S.shredded or _is_over(found, now):
        raise DownloadOver
    return found


def _is_over(found: PrintFile, now: datetime) -> bool:
    return found.delivered_at is not None and found.delivered_at < now - DOWNLOAD_WINDOW
