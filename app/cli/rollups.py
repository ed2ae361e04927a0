"""``bin/kaquan rollups``: the hourly and daily figures, kept by the worker."""

from __future__ import annotations

import json

import click
from flask.cli import AppGroup

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.services.ledger_days import rebuild_ledger_days
from app.services.rollups import rebuild_rollups
from app.services.snapshots import read_watermark
from app.web.context import current_context

rollups_group = AppGroup("rollups", help="Hourly figures, kept by the worker.")


@rollups_group.command("rebuild")
def rebuild() -> None:
    """Sum every hour and every day of the ledger again; one JSON line says how many there are."""
    database = current_context().database
    with database.unit_of_work(SYSTEM) as session:
        hours = rebuild_rollups(session, now=utc_now())
    with database.unit_of_work(SYSTEM) as session:
        watermark = read_watermark(session)
    with database.unit_of_work(SYSTEM) as session:
        figures = rebuild_ledger_days(session, watermark=watermark, now=utc_now())
    click.echo(json.dumps({"hours": hours, "ledger_figures": figures}))
