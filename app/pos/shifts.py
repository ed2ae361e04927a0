"""Shifts at the till: open with a float, look (X), hand over, close with what was counted (Z)."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from app.core.clock import rfc3339, utc_now
from app.flows.once import Body
from app.flows.tills.terminals import Credentials
from app.models.tenants import Store
from app.pos import shift_schemas as schemas
from app.pos.blueprint import bp
from app.pos.calls import OPTIONAL_KEY, run_keyed
from app.queries.tills.shifts import ReportLine, report_shift
from app.services.tills import shifts
from app.services.tills.shifts import Count, NoShiftOpen
from app.web.auth import current_actor, till_required
from app.web.context import current_context
from app.web.limits import SIGN_IN, TILL, limited
from app.web.signing_in import verify_colleague


@bp.post("/shifts/open")
@bp.doc(**OPTIONAL_KEY)
@limited(TILL)
@till_required
@bp.arguments(schemas.OpenShift)
@bp.response(201, schemas.ShiftReport)
def open_shift(body: dict[str, Any]) -> Response:
    """Begin a shift with the counted float. A drawer is the terminal's, else the person's."""
    actor, now = current_actor(), utc_now()

    def effect(session: Session) -> Body:
        made = shifts.open_shift(
            session, till=actor, opening_float_fen=body["opening_float_fen"], now=now
        )
        session.flush()
        return report_body(session, made.id)

    return run_keyed(effect)


@bp.get("/shifts/current")
@limited(TILL)
@till_required
@bp.response(200, schemas.CurrentShift)
def show_current_shift() -> dict[str, Any]:
    """This drawer's open shift with its X report; null when there is none."""
    actor = current_actor()
    with current_context().database.unit_of_work(actor) as session:
        found = shifts.find_open_shift(session, till=actor)
        store = session.get_one(Store, actor.store_id)
        return {
            "shift": None if found is None else report_body(session, found.id),
            "required": store.shift_required,
        }


@bp.get("/shifts/<int:shift_id>")
@limited(TILL)
@till_required
@bp.response(200, schemas.ShiftReport)
def show_shift(shift_id: int) -> dict[str, Any]:
    """One shift of this store with its report, to print it again."""
    with current_context().database.unit_of_work(current_actor()) as session:
        return report_body(session, min(shift_id, 2**62))


@bp.post("/shifts/close")
@bp.doc(**OPTIONAL_KEY)
@limited(TILL)
@till_required
@bp.arguments(schemas.CloseShift)
@bp.response(201, schemas.ShiftReport)
def close_shift(body: dict[str, Any]) -> Response:
    """End the shift: what was counted against what the ledger expects, with the Z report.

    422 ``difference_reason_required`` tells ``expected_fen`` and ``difference_fen``.
    """
    actor, now = current_actor(), utc_now()

    def effect(session: Session) -> Body:
        ended = shifts.close_shift(
            session, till=actor, count=_count(body), now=now, shift_id=body["shift_id"]
        )
        return report_body(session, ended.id)

    return run_keyed(effect)


@bp.post("/shifts/hand-over")
@bp.doc(**OPTIONAL_KEY)
@limited(SIGN_IN)
@till_required
@bp.arguments(schemas.HandOverShift)
@bp.response(201, schemas.HandedOver)
def hand_over_shift(body: dict[str, Any]) -> Response:
    """Count the drawer before the next person, who confirms with PIN or password.

    The next shift begins with what was counted. On a terminal the drawer stays the terminal's; the
    successor then signs in there.
    """
    actor, now = current_actor(), utc_now()
    successor = verify_colleague(actor, Credentials(**body["successor"]))

    def effect(session: Session) -> Body:
        ended, begun = shifts.hand_over_shift(
            session, till=actor, successor=successor, count=_count(body), now=now
        )
        session.flush()
        return {
            "closed": report_body(session, ended.id),
            "opened": report_body(session, begun.id),
        }

    return run_keyed(effect)


def report_body(session: Session, shift_id: int) -> Body:
    """A shift and its report.

    Raises:
        NoShiftOpen: There is none of this id here.
    """
    report = report_shift(session, shift_id=shift_id, now=utc_now())
    if report is None:
        raise NoShiftOpen
    shift = report.shift
    expected = report.expected_fen if shift.expected_fen is None else shift.expected_fen
    counted = shift.counted_fen
    return {
        "id": str(shift.id),
        "status": shift.status.name,
        "report": "X" if shift.closed_at is None else "Z",
        "staff": report.staff_name,
        "terminal_id": None if shift.terminal_id is None else str(shift.terminal_id),
        "opening_float_fen": shift.opening_float_fen,
        "expected_fen": expected,
        "counted_fen": counted,
        "difference_fen": None if counted is None else counted - expected,
        "difference_reason": shift.difference_reason,
        "opened_at": rfc3339(shift.opened_at),
        "closed_at": None if shift.closed_at is None else rfc3339(shift.closed_at),
        "cash": [_line(line) for line in report.cash],
        "other": [_line(line) for line in report.other],
        "scanned": [_line(line) for line in report.scanned],
    }


def _count(body: dict[str, Any]) -> Count:
    return Count(counted_fen=body["counted_fen"], reason=body["reason"])


def _line(line: ReportLine) -> Body:
    return {
        "kind": line.kind,
        "tender": line.tender,
        "count": line.count,
        "amount_fen": line.amount_fen,
    }
