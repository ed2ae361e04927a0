"""What a till prints, as plain pages for 58 and 80 mm rolls: receipts, and X and Z reports."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core import money
from app.core.clock import SHANGHAI
from app.core.keys import token_digest
from app.models.tenants import Store
from app.pos.records import read_receipt
from app.pos.shifts import report_body
from app.web.auth import require_till
from app.web.context import current_context
from app.web.staff_session import session_token

bp = Blueprint("till_papers", __name__, url_prefix="/pos")

WIDTHS = ("80", "58")  # Millimetres of the roll.


bp.add_app_template_filter(money.yuan, "yuan")
bp.add_app_template_filter(money.in_yuan, "in_yuan")


@bp.get("/receipts/<string:number>")
def print_receipt(number: str) -> ResponseReturnValue:
    """One receipt, ready for the printer. Only this store's."""
    token = session_token()
    if token is None:
        return redirect(url_for("LoginView.login", next=request.path))
    actor = require_till(token_digest(token))
    seen = read_receipt(actor, number[:40])
    return render_template(
        "pos/receipt.html", receipt=seen, width=_width(), at=_local(seen["at"]),
        printed_at=_local(seen["printed_at"]),
    )  # fmt: skip


@bp.get("/shifts/<int:shift_id>")
def print_shift(shift_id: int) -> ResponseReturnValue:
    """An X or Z report for the printer."""
    token = session_token()
    if token is None:
        return redirect(url_for("LoginView.login", next=request.path))
    actor = require_till(token_digest(token))
    with current_context().database.unit_of_work(actor) as session:
        report = report_body(session, min(shift_id, 2**62))
        store = session.get_one(Store, actor.store_id)
        name = store.name
    return render_template(
        "pos/shift.html", report=report, store=name, width=_width(),
        opened_at=_local(datetime.fromisoformat(str(report["opened_at"]))),
        closed_at=report["closed_at"] and _local(datetime.fromisoformat(str(report["closed_at"]))),
    )  # fmt: skip


def _width() -> str:
    asked = request.args.get("width", "")
    return asked if asked in WIDTHS else WIDTHS[0]


def _local(instant: datetime) -> str:
    return instant.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
