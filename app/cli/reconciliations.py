"""``bin/kaquan reconcile --date D``: compare a day's WeChat bills, one JSON line as the answer."""

from __future__ import annotations

import json
import sys
from datetime import datetime

import click

from app.cli.refusals import ended_by_refusals
from app.flows.settlement.reconciling import reconcile_day
from app.models.reconciliations import ReconciliationStatus
from app.services.ports import GatewayUnavailable
from app.web.context import current_context


@click.command()
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), required=True)
def reconcile(day: datetime) -> None:
    """Compare one day's bills; exit 1 unless everything agrees."""
    try:
        with ended_by_refusals():
            done = reconcile_day(current_context(), day.date())
    except GatewayUnavailable as error:
        sys.exit(f"kaquan: WeChat does not answer: {error}")
    line = {
        "bill_on": done.bill_on.isoformat(),
        "status": done.status.name,
        "problem": done.problem,
        "payments": done.payments,
        "payments_fen": done.payments_fen,
        "refunds": done.refunds,
        "refunds_fen": done.refunds_fen,
        "fee_fen": done.fee_fen,
        "transferred_fen": done.transferred_fen,
        "open_differences": done.open_differences,
    }
    click.echo(json.dumps(line))
    sys.exit(0 if done.status is ReconciliationStatus.matched else 1)
