"""Cash top-ups at the counter."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.flows import once
from app.flows.context import Context
from app.flows.once import Answer, Body, MoneyCall
from app.flows.sales import taking_cash
from app.flows.sales.taking_cash import CashReceiver
from app.pos import schemas
from app.pos.blueprint import bp
from app.services.sales import cash_top_ups
from app.web.auth import current_actor, till_required
from app.web.body import request_hash, request_key
from app.web.context import current_context
from app.web.express import Lane, MoneyRequest, money_request
from app.web.limits import TILL, limited
from app.web.wire import IDEMPOTENT, answered


def take_cash(context: Context, asked: MoneyRequest) -> Answer:
    """Take cash; the member's card has it at once. The token is checked in the same round trip."""
    body = asked.body
    return taking_cash.take_cash(
        context,
        token_digest=asked.token_digest,
        key=asked.key,
        request_hash=asked.request_hash,
        receiver=CashReceiver(
            phone=body["phone"], payment_code=body["payment_code"], card_no=body["card_no"]
        ),
        program_id=body["program_id"],
        amount_fen=body["amount_fen"],
    )


@bp.post("/top-ups")
@bp.doc(**IDEMPOTENT)
@limited(TILL)
@bp.arguments(schemas.NewCashTopUp)
@bp.response(201, schemas.CashTopUp)
def create_top_up(body: dict[str, Any]) -> Response:
    """Take cash; the member's card has it at once."""
    return answered(take_cash(current_context(), money_request(body)))


LANE = Lane("/pos/api/top-ups", TILL, schemas.NewCashTopUp(), take_cash)


@bp.post("/top-ups/<string:top_up_no>/reverse")
@bp.doc(**IDEMPOTENT)
@limited(TILL)
@till_required
@bp.arguments(schemas.Reason)
@bp.response(201, schemas.ReversedTopUp)
def reverse_top_up(body: dict[str, Any], top_up_no: str) -> Response:
    """A manager undoes a cash top-up of the same day, while none of it is spent."""
    context, actor = current_context(), current_actor()
    call = MoneyCall(caller=actor.caller, key=request_key(), request_hash=request_hash())

    def effect(session: Session) -> Body:
        done = cash_top_ups.reverse_cash_top_up(
            session, top_up_no=top_up_no[:40], reason=body["reason"], till=actor, now=utc_now()
        )
        return {
            "top_up_no": done.top_up_no,
            "status": done.status.name,
            "amount_fen": done.amount_fen,
            "bonus_fen": done.bonus_fen,
        }

    return answered(once.run_once(context, call, effect))
