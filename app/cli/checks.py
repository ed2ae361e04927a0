"""``bin/kaquan verify`` and ``audit``: whether the books and the log of what was done are whole."""

from __future__ import annotations

import json
import sys

import click
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from app.core.actor import SYSTEM
from app.queries.invariants import check_invariants
from app.services.audit_chain import verify_audit
from app.web.context import current_context

audit_group = AppGroup("audit", help="The audit log.")


@click.command()
def verify() -> None:
    """Ask every invariant; one JSON line each, exit 1 when one is broken."""
    try:
        with current_context().database.unit_of_work(SYSTEM) as session:
            results = check_invariants(session)
    except DBAPIError as error:
        reason = str(error.orig).splitlines()[0]
        sys.exit(f"kaquan: is the database prepared (make run, bin/kaquan db prepare)? {reason}")
    for result in results:
        line = {"id": result.id, "ok": result.ok, "checked": result.checked, "bad": result.bad}
        click.echo(json.dumps(line))
    sys.exit(0 if all(result.ok for result in results) else 1)


@audit_group.command("verify")
def verify_audit_log() -> None:
    """Follow the audit log's chain; one JSON line, exit 1 when something was changed.

    Keep its "head" somewhere else: it tells later whether the end was cut off.
    """
    with current_context().database.unit_of_work(SYSTEM) as session:
        verdict = verify_audit(session)
    line = {
        "ok": verdict.ok,
        "checked": verdict.checked,
        "unsealed": verdict.unsealed,
        "first_bad_id": verdict.first_bad_id,
        "head": verdict.head.hex(),
    }
    click.echo(json.dumps(line))
    sys.exit(0 if verdict.ok else 1)
