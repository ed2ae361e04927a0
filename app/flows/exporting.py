"""Exports: small ones answered at once, large ones written by a job into a file of one person's."""

from __future__ import annotations

import base64
import csv
import io
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from sqlalchemy.orm import Session

from app.core.actor import SYSTEM, Actor
from app.core.clock import utc_now
from app.core.keys import Keys
from app.core.money import plain_yuan
from app.documents.spreadsheets import SheetColumn, write_spreadsheet
from app.documents.tables import split, write_delimited, write_json, write_with_tablib
from app.flows.context import Context
from app.flows.report_files import ReportPlan, write_report
from app.models.exports import ExportFile
from app.queries.exports import (
    ExportPlan,
    Totals,
    begin_snapshot,
    count_up_to,
    read_csv,
    read_lines,
    sum_plan,
)
from app.services import exports

log = logging.getLogger(__name__)

AT_ONCE = 5000  # Rows that are answered within the request.
STREAMED = ("xlsx", "csv", "tsv", "json")
FORMATS = (*STREAMED, "ods")
_BY_TABLIB = ("csv", "tsv", "ods")  # As long as they are small.
_REPORT_SECONDS = 1.0
_LEFT_OVER_SECONDS = 86_400

Progress = Callable[[int, int], None]


class _NobodyWaits(Exception):
    """The file was deleted, or another turn has taken over: what is written here is for nobody."""


def is_small(session: Session, plan: ExportPlan) -> bool:
    """Whether the filter leaves so few rows that the request itself can carry them."""
    return count_up_to(session, plan, AT_ONCE + 1) <= AT_ONCE


def write_small(context: Context, actor: Actor, plan: ExportPlan, kind: str) -> bytes:
    """The file itself, read in the actor's scope."""
    file = io.BytesIO()
    with context.database.unit_of_work(actor) as session:
        begin_snapshot(session)
        totals = sum_plan(session, plan)
        if kind in _BY_TABLIB:
            lines = _lines(session, plan, context.keys, serial_dates=False)
            write_with_tablib(
                file,
                kind=kind,
                title=plan.title,
                columns=_sheet_columns(plan),
                lines=lines,
                totals=_totals_row(plan, totals),
            )
        else:
            _write(file, session, plan, kind, totals, context.keys, lambda _done, _total: None)
    return file.getvalue()


def write_large(
    context: Context, actor: Actor, plan: ExportPlan, kind: str, file: IO[bytes], report: Progress
) -> int:
    """Stream any number of rows into a file, in one snapshot of the actor's rows. Returns them."""
    with context.database.unit_of_work(actor) as session:
        begin_snapshot(session)
        totals = sum_plan(session, plan)
        report(0, totals.rows)
        _write(file, session, plan, kind, totals, context.keys, report)
    return totals.rows


def run_export(context: Context, export_id: int) -> None:
    """The job: write the file, or leave nothing behind. Safe to run twice, and beside itself."""
    with context.database.unit_of_work(SYSTEM) as session:
        turn = exports.begin_export(session, export_id=export_id, now=utc_now())
    if turn is None:
        return
    name = f"{secrets.token_urlsafe(24)}.{turn.format}"
    path = folder(context) / name
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            rows = _write_turn(context, turn, file)
            size = file.tell()
        with context.database.unit_of_work(SYSTEM) as session:
            kept = exports.finish_export(
                session, turn, stored_name=name, size=size, rows=rows, now=utc_now()
            )
        if not kept:
            path.unlink()
    except _NobodyWaits:
        path.unlink(missing_ok=True)
    except BaseException:
        path.unlink(missing_ok=True)
        with context.database.unit_of_work(SYSTEM) as session:
            exports.fail_export(session, turn, now=utc_now())
        raise


def _write_turn(context: Context, turn: exports.ExportTurn, file: IO[bytes]) -> int:
    """A list, or a report: both as whoever asked sees them."""
    if "report" in turn.plan:
        with context.database.unit_of_work(turn.actor) as session:
            return write_report(session, ReportPlan.from_json(turn.plan), turn.format, file)
    plan, report = ExportPlan.from_json(turn.plan), _reporter(context, turn)
    return write_large(context, turn.actor, plan, turn.format, file, report)


def ask(
    context: Context,
    actor: Actor,
    plan: ExportPlan,
    *,
    kind: str,
    file_name: str,
    reason: str | None,
) -> int:
    """Have a large file written. Returns its number in the download centre.

    Raises:
        TooManyExports
    """
    with context.database.unit_of_work(SYSTEM) as session:
        made = exports.ask_for_export(
            session,
            actor=actor,
            title=plan.title,
            file_name=file_name,
            kind=kind,
            plan=plan.to_json(),
        )
        exports.audit_export(session, actor=actor, what=_told(plan, kind), reason=reason)
        return made.id


def audit(
    context: Context, actor: Actor, plan: ExportPlan, *, kind: str, reason: str | None
) -> None:
    """Write down that somebody takes records away, before they get them."""
    with context.database.unit_of_work(SYSTEM) as session:
        exports.audit_export(session, actor=actor, what=_told(plan, kind), reason=reason)


def ask_again(context: Context, actor: Actor, export_id: int) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        exports.ask_again(session, export_id=export_id, actor=actor)


def forget(context: Context, actor: Actor, export_id: int) -> None:
    """Delete one's own file, its bytes after its row: a row never names what is not there."""
    with context.database.unit_of_work(SYSTEM) as session:
        name = exports.forget_export(session, export_id=export_id, actor=actor)
    if name is not None:
        (folder(context) / name).unlink(missing_ok=True)


def fetch(context: Context, actor: Actor, export_id: int) -> tuple[ExportFile, Path]:
    """One's own finished file.

    Raises:
        ExportNotFound
    """
    with context.database.unit_of_work(SYSTEM) as session:
        found = exports.mark_fetched(session, export_id=export_id, actor=actor, now=utc_now())
        path = folder(context) / str(found.stored_name)
        if not path.is_file():
            raise exports.ExportNotFound
    return found, path


def expire(context: Context) -> None:
    """By the clock: files whose time is over, and what a killed job has left half written."""
    with context.database.unit_of_work(SYSTEM) as session:
        names = exports.expire_exports(session, now=utc_now())
    for name in names:
        (folder(context) / name).unlink(missing_ok=True)
    longest = time.time() - exports.LIFETIME.total_seconds() - _LEFT_OVER_SECONDS
    for path in folder(context).iterdir():
        if path.stat().st_mtime < longest:
            path.unlink(missing_ok=True)


def folder(context: Context) -> Path:
    """Where the files lie: for nobody's eyes but the program's."""
    found = context.settings.home / "exports"
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


def _write(
    file: IO[bytes],
    session: Session,
    plan: ExportPlan,
    kind: str,
    totals: Totals,
    keys: Keys,
    report: Progress,
) -> None:
    columns, row = _sheet_columns(plan), _totals_row(plan, totals)
    if kind in ("csv", "tsv"):
        delimiter = "," if kind == "csv" else "\t"
        if _phone_at(plan) is None:
            lines = read_csv(session, plan, delimiter="," if kind == "csv" else "\\t")
        else:
            lines = _as_csv(_lines(session, plan, keys, serial_dates=False), delimiter)
        counted = _counted(lines, totals.rows, report)
        write_delimited(file, columns=columns, lines=counted, totals=row, delimiter=delimiter)
        return
    lines = _lines(session, plan, keys, serial_dates=kind == "xlsx")
    counted = _counted(lines, totals.rows, report)
    if kind == "xlsx":
        write_spreadsheet(file, title=plan.title, columns=columns, lines=counted, totals=row)
    else:
        assert kind == "json", "other forms are small"
        write_json(file, columns=columns, lines=counted, totals=row)


def _lines(
    session: Session, plan: ExportPlan, keys: Keys, *, serial_dates: bool
) -> Iterator[bytes]:
    lines = read_lines(session, plan, serial_dates=serial_dates)
    place = _phone_at(plan)
    return lines if place is None else _with_phones(lines, place, keys)


def _with_phones(lines: Iterator[bytes], place: int, keys: Keys) -> Iterator[bytes]:
    for line in lines:
        cells = line.rstrip(b"\n").split(b"\t")
        if cells[place]:
            cells[place] = keys.open_phone(base64.b64decode(cells[place])).encode()
        yield b"\t".join(cells) + b"\n"


def _as_csv(lines: Iterator[bytes], delimiter: str) -> Iterator[bytes]:
    for line in lines:
        text = io.StringIO()
        csv.writer(text, delimiter=delimiter, lineterminator="\n").writerow(split(line))
        yield text.getvalue().encode()


def _counted(lines: Iterator[bytes], total: int, report: Progress) -> Iterator[bytes]:
    """The same lines; now and then somebody is told how many it were."""
    due = time.monotonic() + _REPORT_SECONDS
    for done, line in enumerate(lines):
        if not done & 1023 and time.monotonic() > due:
            report(done, total)
            due = time.monotonic() + _REPORT_SECONDS
        yield line


def _reporter(context: Context, turn: exports.ExportTurn) -> Progress:
    def report(done: int, total: int) -> None:
        with context.database.unit_of_work(SYSTEM) as session:
            wanted = exports.report_progress(session, turn, done=done, total=total, now=utc_now())
        if not wanted:
            raise _NobodyWaits

    return report


def _sheet_columns(plan: ExportPlan) -> list[SheetColumn]:
    return [SheetColumn(column.heading, column.kind) for column in plan.columns]


def _totals_row(plan: ExportPlan, totals: Totals) -> list[str]:
    """The last row: what it is and how many rows in the first cell, sums below their columns."""
    fen = dict(zip(plan.sums, totals.sums_fen, strict=True))
    cells = [plain_yuan(fen[column.name]) if column.name in fen else "" for column in plan.columns]
    if not cells[0]:
        cells[0] = plan.total_label.replace("{rows}", f"{totals.rows:,}")
    return cells


def _phone_at(plan: ExportPlan) -> int | None:
    return next((n for n, column in enumerate(plan.columns) if column.kind == "phone"), None)


def _told(plan: ExportPlan, kind: str) -> dict[str, object]:
    """What the audit log says of it: the list and its filters, no value of any row."""
    narrowed = plan.narrowing.to_json()
    narrowed.pop("search_in")
    narrowed.pop("typed")  # Somebody may have typed a phone number.
    return {"list": plan.table, "format": kind, **{k: v for k, v in narrowed.items() if v}}
