"""Taking a batch's codes out: the print file's way over the disk, around ``print_files``.

The file is written sealed, under a name of its own for each run, and counts only once the database
says so. A run that dies leaves a file that nobody knows; ``shred_delivered`` deletes it.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from app.core.actor import SYSTEM, Actor
from app.core.clock import utc_now
from app.documents.sealed_files import SealedWriter, read_sealed
from app.documents.sheets import LAYOUTS, write_sheets
from app.documents.voucher_images import write_images
from app.documents.voucher_lists import write_csv, write_xlsx
from app.documents.vouchers import PrintedVoucher, VoucherDesign, design_of
from app.flows.context import Context
from app.models.print_files import CodePanel, PrintFormat
from app.queries.vouchers.print_designs import read_batch_print
from app.services.vouchers import print_files, print_releases
from app.services.vouchers.print_files import PrintOrder
from app.services.vouchers.print_releases import TakenFile
from app.services.vouchers.voucher_chunks import open_chunk

log = logging.getLogger(__name__)

Work = Callable[[Session], object]

_REPORT_SECONDS = 0.5
_ORPHAN_SECONDS = 3600  # A run that is being written is younger than that, or known.
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Part:
    """The bytes of a file from ``start`` up to, and without, ``stop``."""

    start: int
    stop: int


class _NoLongerWanted(Exception):
    """It was withdrawn while it was being made, or a twin of this job took over."""


def make_print_file(context: Context, print_file_id: int) -> None:
    """Make the file from the beginning and seal it. Safe to run twice, and to be killed."""
    with context.database.unit_of_work(SYSTEM) as session:
        order = print_files.start_making(session, print_file_id=print_file_id, keys=context.keys)
    if order is None:
        return
    path = sealed_path(context, order.run)
    try:
        with SealedWriter(path, key=order.file_key, name=order.run) as out:
            rows = _write(context, order, out)
        done = _seal(context, order, out, rows)
    except _NoLongerWanted:
        done = False
    except OSError as error:
        done = False
        problem = "disk_full" if error.errno in _DISK_FULL else "disk_unwritable"
        log.exception("print file %s: %s", print_file_id, problem)
        with context.database.unit_of_work(SYSTEM) as session:
            print_files.fail_print_file(session, order=order, problem=problem, actor=SYSTEM)
    if not done:
        path.unlink(missing_ok=True)


def read_taken(context: Context, taken: TakenFile, part: Part) -> Iterator[bytes]:
    """A part of the file in the clear; that its last byte was delivered is noted at the end."""
    path, left = sealed_path(context, taken.run), part.stop - part.start
    for piece in read_sealed(path, key=taken.file_key, name=taken.run, start=part.start):
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            break
    if part.stop < taken.byte_count:
        return
    with context.database.unit_of_work(SYSTEM) as session:
        print_releases.note_delivery(session, print_file_id=taken.print_file_id, now=utc_now())


def begin_taking_out(context: Context, *, print_file_id: int, taker: Actor) -> None:
    """Let the requester's downloads begin.

    Raises:
        What ``print_releases.begin_download`` refuses; PrintFileLost when the disk has lost it.
    """
    with context.database.unit_of_work(SYSTEM) as session:
        found = print_releases.begin_download(
            session, print_file_id=print_file_id, taker=taker, now=utc_now()
        )
        _require_on_disk(context, found.run)


def take_out(context: Context, *, print_file_id: int, taker: Actor, start: int = 0) -> TakenFile:
    """Open the file for one download, or for the rest of one that broke off.

    Raises:
        What ``print_releases.open_download`` refuses; PrintFileLost when the disk has lost it.
    """
    with context.database.unit_of_work(SYSTEM) as session:
        taken = print_releases.open_download(
            session,
            print_file_id=print_file_id,
            taker=taker,
            start=start,
            keys=context.keys,
            now=utc_now(),
        )
        _require_on_disk(context, taken.run)
    return taken


def shred_delivered(context: Context) -> None:
    """By the clock: what was delivered and is past its window, and what no run needs."""
    with context.database.unit_of_work(SYSTEM) as session:
        print_releases.shred_due_files(session, actor=SYSTEM, now=utc_now())
    remove_unneeded(context)


def remove_unneeded(context: Context) -> None:
    """Delete the sealed files that nobody may open any more; their keys are gone already."""
    folder = _folder(context)
    found = list(folder.glob("*.*")) if folder.exists() else []
    if not found:
        return
    with context.database.unit_of_work(SYSTEM) as session:
        kept = print_releases.kept_runs(session)
    for path in found:
        young_draft = path.suffix == ".part" and _age_seconds(path) < _ORPHAN_SECONDS
        if path.stem not in kept and not young_draft:
            path.unlink(missing_ok=True)


def write_in_unit(context: Context, work: Work) -> None:
    """One service call of a console page, in a transaction of its own."""
    with context.database.unit_of_work(SYSTEM) as session:
        work(session)


def sealed_path(context: Context, run: str) -> Path:
    return _folder(context) / f"{run}.sealed"


def _write(context: Context, order: PrintOrder, out: SealedWriter) -> int:
    with context.database.unit_of_work(SYSTEM) as session:
        facts = read_batch_print(session, batch_id=order.batch_id)
    assert facts is not None, "a batch is never deleted"
    design = design_of(
        facts,
        base_url=context.settings.public_base_url,
        scratch=order.panel is CodePanel.scratch,
    )
    return _write_format(order, out, design, _vouchers(context, order), _reporter(context, order))


def _write_format(
    order: PrintOrder,
    out: SealedWriter,
    design: VoucherDesign,
    vouchers: Iterator[PrintedVoucher],
    progress: Callable[[int], None],
) -> int:
    if order.format is PrintFormat.pdf:
        layout = LAYOUTS[order.layout.name]
        return write_sheets(out, design=design, layout=layout, vouchers=vouchers, progress=progress)
    write = {
        PrintFormat.csv: write_csv,
        PrintFormat.xlsx: write_xlsx,
        PrintFormat.png: write_images,
    }[order.format]
    return write(out, design=design, vouchers=vouchers, progress=progress)


def _vouchers(context: Context, order: PrintOrder) -> Iterator[PrintedVoucher]:
    """Chunk by chunk, each opened in a transaction of its own: only what is committed is there."""
    for chunk_no in order.chunks:
        with context.database.unit_of_work(SYSTEM) as session:
            opened = open_chunk(
                session, batch_id=order.batch_id, chunk_no=chunk_no, keys=context.keys
            )
        yield from (PrintedVoucher(serial_no, code) for serial_no, code in opened)


def _reporter(context: Context, order: PrintOrder) -> Callable[[int], None]:
    next_at = 0.0

    def report(rows: int) -> None:
        nonlocal next_at
        if time.monotonic() < next_at:
            return
        next_at = time.monotonic() + _REPORT_SECONDS
        with context.database.unit_of_work(SYSTEM) as session:
            wanted = print_files.report_progress(session, order=order, rows=rows)
        if not wanted:
            raise _NoLongerWanted

    return report


def _seal(context: Context, order: PrintOrder, out: SealedWriter, rows: int) -> bool:
    with context.database.unit_of_work(SYSTEM) as session:
        return print_files.seal_print_file(
            session,
            order=order,
            rows=rows,
            byte_count=out.byte_count,
            sha256=out.sha256,
            actor=SYSTEM,
        )


def _require_on_disk(context: Context, run: str | None) -> None:
    if run is None or not sealed_path(context, run).exists():
        raise print_releases.PrintFileLost


def _folder(context: Context) -> Path:
    return context.settings.home / "print"


def _age_seconds(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
