"""A cashier asks, a manager approves on the same screen with their own PIN or password."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy.orm import Session

from app.core.clock import rfc3339, utc_now
from app.flows.once import Body
from app.flows.tills.terminals import Credentials as Proof
from app.models.tills import Approval, ApprovalAction
from app.pos.blueprint import bp
from app.pos.calls import OPTIONAL_KEY, run_keyed, run_once
from app.pos.shift_schemas import Credentials
from app.services.tills import approvals
from app.web.auth import current_actor, till_required
from app.web.body import Words
from app.web.limits import SIGN_IN, TILL, limited
from app.web.signing_in import verify_colleague
from app.web.wire import IDEMPOTENT


class NewApproval(Schema):
    action = fields.Enum(
        ApprovalAction,
        required=True,
        metadata={"description": "reverse_redemption or reverse_top_up"},
    )
    number = Words(required=True, shortest=1, longest=40)
    reason = Words(required=True, shortest=1, longest=200)


class Decision(Schema):
    approver = fields.Nested(Credentials, required=True)


class ApprovalSeen(Schema):
    id = fields.String()
    action = fields.String()
    number = fields.String()
    reason = fields.String()
    status = fields.String(metadata={"description": "asked, approved or withdrawn"})
    created_at = fields.String(metadata={"format": "date-time"})
    decided_at = fields.String(allow_none=True, metadata={"format": "date-time"})


@bp.post("/approvals")
@bp.doc(**OPTIONAL_KEY)
@limited(TILL)
@till_required
@bp.arguments(NewApproval)
@bp.response(201, ApprovalSeen)
def ask_approval(body: dict[str, Any]) -> Response:
    """Ask for what only a manager may do. Nothing happens until one approves."""
    actor = current_actor()

    def effect(session: Session) -> Body:
        return _body(approvals.ask_approval(session, till=actor, **body))

    return run_keyed(effect)


@bp.post("/approvals/<int:approval_id>/approve")
@bp.doc(**IDEMPOTENT)
@limited(SIGN_IN)
@till_required
@bp.arguments(Decision)
@bp.response(201, ApprovalSeen)
def approve(body: dict[str, Any], approval_id: int) -> Response:
    """A manager proves who they are, and what was asked for is done at once."""
    actor = current_actor()
    approver = verify_colleague(actor, Proof(**body["approver"]))

    def effect(session: Session) -> Body:
        done = approvals.approve(
            session,
            approval_id=min(approval_id, 2**62),
            till=actor,
            approver=approver,
            now=utc_now(),
        )
        return _body(done)

    return run_once(effect)


@bp.post("/approvals/<int:approval_id>/withdraw")
@bp.doc(**OPTIONAL_KEY)
@limited(TILL)
@till_required
@bp.response(201, ApprovalSeen)
def withdraw(approval_id: int) -> Response:
    """End a request that nobody has approved."""
    actor = current_actor()

    def effect(session: Session) -> Body:
        ended = approvals.withdraw(
            session, approval_id=min(approval_id, 2**62), till=actor, now=utc_now()
        )
        return _body(ended)

    return run_keyed(effect)


def _body(asked: Approval) -> Body:
    return {
        "id": str(asked.id),
        "action": asked.action.name,
        "number": asked.number,
        "reason": asked.reason,
        "status": asked.status.name,
        "created_at": rfc3339(asked.created_at),
        "decided_at": None if asked.decided_at is None else rfc3339(asked.decided_at),
    }
