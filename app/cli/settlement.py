"""``bin/kaquan settle``: what the consoles do about settlement, for operators and scripts."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import BinaryIO

import click
from flask import current_app
from flask.cli import AppGroup
from flask_babel import force_locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cli.names import OPERATOR, find_merchant
from app.flows.settlement import settling
from app.models.statements import Statement
from app.views.filters import Period
from app.views.settlement.book_files import write_vouchers
from app.views.settlement.statement_files import (
    write_combined,
    write_csv,
    write_paper,
    write_workbook,
)
from app.web.context import current_context

_WRITERS = {"xlsx": write_workbook, "csv": write_csv, "pdf": write_paper}

settle_group = AppGroup("settle", help="Settlement: close periods, write statements.")


@settle_group.command("close")
@click.option("--merchant", "code", help="A merchant's code; else every merchant.")
def close(code: str | None) -> None:
    """Draw up every statement whose period is over; one JSON line says how many."""
    context = current_context()
    chosen = None if code is None else [find_merchant(code)]
    began = time.monotonic()
    closed = settling.close_due(context, merchant_ids=chosen)
    seconds = round(time.monotonic() - began, 3)
    click.echo(json.dumps({"statements": len(closed.statement_ids), "seconds": seconds}))


@settle_group.command("write")
@click.argument("statement_no")
@click.option("--format", "kind", type=click.Choice(list(_WRITERS)), default="xlsx")
@click.option("--out", type=click.File("w+b"), required=True, help="The file to write.")
def write(*, statement_no: str, kind: str, out: BinaryIO) -> None:
    """Write one statement to a file."""
    with _read_in_chinese() as session:
        statement = session.scalar(select(Statement).where(Statement.statement_no == statement_no))
        if statement is None:
            sys.exit(f"kaquan: there is no statement {statement_no}")
        _WRITERS[kind](session, statement, out)


@settle_group.command("combined")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True)
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), required=True)
@click.option("--out", type=click.File("w+b"), required=True, help="The file to write.")
def combined(*, first: datetime, last: datetime, out: BinaryIO) -> None:
    """All merchants' statements whose period ends within these local days, as one workbook."""
    with _read_in_chinese() as session:
        write_combined(session, _period(first, last), out)


@settle_group.command("vouchers")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True)
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), required=True)
@click.option("--format", "kind", type=click.Choice(["xlsx", "csv"]), default="xlsx")
@click.option("--out", type=click.File("w+b"), required=True, help="The file to write.")
def vouchers(*, first: datetime, last: datetime, kind: str, out: BinaryIO) -> None:
    """The ledger of these local days as accounting vouchers; one JSON line says how many."""
    with _read_in_chinese() as session:
        count = write_vouchers(session, _period(first, last), out, kind=kind)
    click.echo(json.dumps({"vouchers": count}))


@contextmanager
def _read_in_chinese() -> Iterator[Session]:
    """Papers are put into words as the consoles do it, with every merchant's rows in sight."""
    with (
        current_context().database.unit_of_work(OPERATOR) as session,
        current_app.test_request_context("/console/"),
        force_locale("zh_CN"),
    ):
        yield session


def _period(first: datetime, last: datetime) -> Period:
    return Period(first.date(), last.date())
