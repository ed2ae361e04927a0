"""``bin/kaquan settle``: what the consoles do about settlement, for operators and scripts."""

from __future__ import annotations

import json
import sys
import time
from datetime import date

import click
from flask import current_app
from flask.cli import AppGroup
from flask_babel import force_locale
from sqlalchemy import select

from app.core.actor import SYSTEM, Actor, Scope
from app.flows.settlement import settling
from app.models.statements import Statement
from app.models.tenants import Merchant
from app.views.filters import Period
from app.views.settlement.book_files import write_vouchers
from app.views.settlement.statement_files import (
    write_combined,
    write_csv,
    write_paper,
    write_workbook,
)
from app.web.context import current_context

OPERATOR = Actor(scope=Scope.platform)
_WRITERS = {"xlsx": write_workbook, "csv": write_csv, "pdf": write_paper}

settle_group = AppGroup("settle", help="Settlement: close periods, write statements.")


@settle_group.command("close")
@click.option("--merchant", "code", help="A merchant's code; else every merchant.")
def close(code: str | None) -> None:
    """Draw up every statement whose period is over; one JSON line says how many."""
    context = current_context()
    chosen = None if code is None else [_merchant_id(code)]
    began = time.monotonic()
    closed = settling.close_due(context, merchant_ids=chosen)
    seconds = round(time.monotonic() - began, 3)
    click.echo(json.dumps({"statements": len(closed.statement_ids), "seconds": seconds}))


@settle_group.command("write")
@click.argument("statement_no")
@click.option("--format", "kind", type=click.Choice(list(_WRITERS)), default="xlsx")
@click.option("--out", type=click.File("w+b"), required=True, help="The file to write.")
def write(*, statement_no: str, kind: str, out: object) -> None:
    """Write one statement to a file."""
    with (
        current_context().database.unit_of_work(OPERATOR) as session,
        current_app.test_request_context("/console/"),
        force_locale("zh_CN"),
    ):
        statement = session.scalar(select(Statement).where(Statement.statement_no == statement_no))
        if statement is None:
            sys.exit(f"kaquan: there is no statement {statement_no}")
        _WRITERS[kind](session, statement, out)  # type: ignore[arg-type]


@settle_group.command("combined")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True)
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), required=True)
@click.option("--out", type=click.File("w+b"), required=True, help="The file to write.")
def combined(*, first: object, last: object, out: object) -> None:
    """All merchants' statements whose period ends within these local days, as one workbook."""
    with (
        current_context().database.unit_of_work(OPERATOR) as session,
        current_app.test_request_context("/console/"),
        force_locale("zh_CN"),
    ):
        write_combined(session, _period(first, last), out)  # type: ignore[arg-type]


@settle_group.command("vouchers")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True)
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), required=True)
@click.option("--format", "kind", type=click.Choice(["xlsx", "csv"]), default="xlsx")
@click.option("--out", type=click.File("w+b"), required=True, help="The file to write.")
def vouchers(*, first: object, last: object, kind: str, out: object) -> None:
    """The ledger of these local days as accounting vouchers; one JSON line says how many."""
    with (
        current_context().database.unit_of_work(OPERATOR) as session,
        current_app.test_request_context("/console/"),
        force_locale("zh_CN"),
    ):
        count = write_vouchers(session, _period(first, last), out, kind=kind)  # type: ignore[arg-type]
    click.echo(json.dumps({"vouchers": count}))


def _period(first: object, last: object) -> Period:
    return Period(date.fromisoformat(str(first)[:10]), date.fromisoformat(str(last)[:10]))


def _merchant_id(code: str) -> int:
    with current_context().database.unit_of_work(SYSTEM) as session:
        found = session.scalar(select(Merchant.id).where(Merchant.code == code))
    if found is None:
        sys.exit(f"kaquan: there is no merchant {code}")
    return found
