"""``bin/kaquan export``: a list as a file, as the consoles make it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import click
from flask import current_app
from flask.cli import with_appcontext
from flask_babel import force_locale

from app.cli.names import OPERATOR, find_merchant, find_store
from app.flows import exporting
from app.views.exporting import plan_of
from app.views.listing import LISTS
from app.views.records import Records
from app.web.context import current_context


@click.command()
@click.argument(
    "records", type=click.Choice([view.route_base.rpartition("/")[2] for view in LISTS])
)
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="First local day.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Last local day, included.")
@click.option("--merchant", help="A merchant's code.")
@click.option("--store", help="A store's code; needs --merchant.")
@click.option("--status", help="One of the list's states.")
@click.option("--format", "kind", type=click.Choice(exporting.STREAMED), default="xlsx")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
@with_appcontext
def export(
    *,
    records: str,
    first: datetime | None,
    last: datetime | None,
    merchant: str | None,
    store: str | None,
    status: str | None,
    kind: str,
    out: Path,
) -> None:
    """Write a list (payments, redemptions, top-ups ...) to a file; one JSON line says how much."""
    days = {"from": _day(first), "to": _day(last), "status": status or ""}
    arguments = {**days, **_place(merchant, store)}
    context = current_context()
    with current_app.test_request_context("/console/"), force_locale("zh_CN"):
        plan = plan_of(_view(records), arguments)
    began = time.monotonic()
    with _written(out) as file:
        rows = exporting.write_large(
            context, OPERATOR, plan, kind, file, lambda _done, _total: None
        )
    seconds = time.monotonic() - began
    click.echo(json.dumps({"rows": rows, "seconds": round(seconds, 3), "file": str(out)}))


@contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    """The file appears when it is whole, or not at all."""
    draft = path.with_name(f".{path.name}.part")
    try:
        with open(draft, "wb") as file:
            yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _view(records: str) -> Records:
    """The list's declaration: the consoles themselves, 30 MB of them, stay where they are."""
    return next(view for view in LISTS if view.route_base == f"/console/{records}")()


def _day(midnight: datetime | None) -> str:
    return "" if midnight is None else midnight.date().isoformat()


def _place(merchant: str | None, store: str | None) -> dict[str, str]:
    """The ids behind the codes that people know."""
    if merchant is None:
        if store is not None:
            sys.exit("kaquan: --store needs --merchant, since two merchants may use the same code")
        return {}
    merchant_id = find_merchant(merchant)
    found = {"merchant_id": str(merchant_id)}
    if store is not None:
        found["store_id"] = str(find_store(merchant_id, store))
    return found
