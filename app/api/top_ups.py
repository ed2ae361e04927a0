"""Topping up by WeChat Pay and by a printed code."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from app.api import schemas
from app.api.blueprint import bp
from app.core.clock import utc_now
from app.core.errors import DomainError
from app.flows import once
from app.flows.once import Body, MoneyCall
from app.flows.sales import topping_up
from app.flows.sales.presenting import code_top_up_body, top_up_body
from app.models.cards import Card
from app.models.sales import TopUp, TopUpStatus
from app.services.refusals import TopUpNotFound
from app.services.vouchers.redemptions import redeem_top_up_code
from app.web.auth import bearer_digest, current_actor, member_required
from app.web.body import request_hash, request_key
from app.web.context import current_context
from app.web.limits import MONEY, READ, WRONG_CODE, limited, require_not_exhausted, take
from app.web.shapes import Code
from app.web.wire import IDEMPOTENT, answered


@bp.post("/top-ups")
@bp.doc(**IDEMPOTENT)
@limited(MONEY)
@member_required
@bp.arguments(schemas.NewTopUp)
@bp.response(201, schemas.TopUp)
def create_top_up(body: dict[str, Any]) -> Response:
    """Begin a top-up by WeChat Pay, for oneself or for a phone number."""
    actor = current_actor()
    call = MoneyCall(caller=actor.caller, key=request_key(), request_hash=request_hash())
    return answered(
        topping_up.top_up_by_wechat(
            current_context(), call, payer=actor, token_digest=bearer_digest(), **body
        )
    )


@bp.get("/top-ups/<int:top_up_id>")
@limited(READ)
@member_required
@bp.response(200, schemas.TopUp)
def show_top_up(top_up_id: int) -> dict[str, Any]:
    """One top-up that the member pays for or receives."""
    context, actor = current_context(), current_actor()
    with context.database.unit_of_work(actor) as session:
        top_up = session.get(TopUp, min(top_up_id, 2**62))
    if top_up is None:
        raise TopUpNotFound
    sheet = None
    payable = top_up.status is TopUpStatus.pending and top_up.payer_id == actor.member_id
    if payable and top_up.prepay_id:
        sheet = context.wechat_pay.payment_sheet(
            top_up.prepay_id, now=utc_now(), appid=top_up.payer_appid
        )
    return top_up_body(top_up, sheet)


@bp.post("/top-ups/redeem-code")
@bp.doc(**IDEMPOTENT)
@limited(MONEY)
@member_required
@bp.arguments(Code)
@bp.response(201, schemas.CodeTopUp)
def redeem_code(body: dict[str, Any]) -> Response:
    """Put a printed code's value onto the member's card."""
    context, actor = current_context(), current_actor()
    call = MoneyCall(caller=actor.caller, key=request_key(), request_hash=request_hash())
    require_not_exhausted(WRONG_CODE, actor.caller)
    try:

        def effect(session: Session) -> Body:
            top_up = redeem_top_up_code(
                session, code=body["code"], member=actor, keys=context.keys, now=utc_now()
            )
            return code_top_up_body(top_up, session.get_one(Card, top_up.card_id))

        return answered(once.run_once(context, call, effect))
    except DomainError as error:
        # An old card's code has no check character: a guess looks like a typing error.
        if error.code in {"voucher_not_found", "code_mistyped"}:
            take(WRONG_CODE, actor.caller)
        raise
