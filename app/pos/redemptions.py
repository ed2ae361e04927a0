"""Paper vouchers at the till: look first, redeem once, reverse the same day."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.errors import DomainError
from app.flows import once
from app.flows.context import Context
from app.flows.once import Answer, Body, MoneyCall
from app.flows.vouchers import redeeming
from app.pos import schemas
from app.pos.blueprint import bp
from app.services.refusals import refusal
from app.services.vouchers import redemptions
from app.services.vouchers.redemptions import VoucherSeen, read_code
from app.web.auth import actor_behind, current_actor, till_required
from app.web.body import request_hash, request_key
from app.web.context import current_context
from app.web.express import Lane, MoneyRequest, money_request
from app.web.limits import TILL, WRONG_CODE, limited, require_not_exhausted, take
from app.web.shapes import Code
from app.web.wire import IDEMPOTENT, answered


@bp.post("/vouchers/lookup")
@limited(TILL)
@till_required
@bp.arguments(Code)
@bp.response(200, schemas.Voucher)
def look_up_voucher(body: dict[str, Any]) -> dict[str, Any]:
    """A voucher's value and state, before the big button. Changes nothing."""
    context, actor = current_context(), current_actor()
    require_not_exhausted(WRONG_CODE, actor.caller)
    try:
        code = read_code(body["code"])
        seen = redeeming.look_up(context, code=code, till=actor)
    except DomainError as error:
        _count_wrong(error, actor.caller, context)
        raise
    return _voucher_body(seen)


def redeem(context: Context, asked: MoneyRequest) -> Answer:
    """Redeem one paper voucher, once, in full. The token is checked in the same round trip."""
    try:
        return redeeming.redeem(
            context,
            token_digest=asked.token_digest,
            key=asked.key,
            request_hash=asked.request_hash,
            code=read_code(asked.body["code"]),
        )
    except DomainError as error:
        # Only a failure costs the count's round trips: a right code stays at one.
        if error.code == "voucher_not_found":
            caller = actor_behind(asked.token_digest, context=context)
            if caller is not None:
                _count_wrong(error, caller.caller, context)
        raise


@bp.post("/redemptions")
@bp.doc(**IDEMPOTENT)
@limited(TILL)
@bp.arguments(Code)
@bp.response(201, schemas.Redemption)
def create_redemption(body: dict[str, Any]) -> Response:
    """Redeem one paper voucher, once, in full."""
    return answered(redeem(current_context(), money_request(body)))


LANE = Lane("/pos/api/redemptions", TILL, Code(), redeem)


@bp.post("/redemptions/<string:redemption_no>/reverse")
@bp.doc(**IDEMPOTENT)
@limited(TILL)
@till_required
@bp.arguments(schemas.Reason)
@bp.response(201, schemas.Redemption)
def reverse_redemption(body: dict[str, Any], redemption_no: str) -> Response:
    """A manager undoes a redemption of the same day."""
    context, actor = current_context(), current_actor()
    call = MoneyCall(caller=actor.caller, key=request_key(), request_hash=request_hash())

    def effect(session: Session) -> Body:
        done = redemptions.reverse_redemption(
            session,
            redemption_no=redemption_no[:40],
            reason=body["reason"],
            till=actor,
            now=utc_now(),
        )
        return {
            "redemption_no": done.redemption_no,
            "serial_no": done.serial_no,
            "face_value_fen": done.face_value_fen,
            "status": "reversed",
        }

    return answered(once.run_once(context, call, effect))


def _count_wrong(error: DomainError, whose: str, context: Context) -> None:
    """Count a guess; typing errors are none, since anyone can tell those.

    A till that has guessed too often is told to wait and nothing else.
    """
    if error.code == "voucher_not_found":
        require_not_exhausted(WRONG_CODE, whose, context=context)
        take(WRONG_CODE, whose, context=context)


def _voucher_body(seen: VoucherSeen) -> dict[str, Any]:
    reason_text = None if seen.refusal is None else gettext(refusal(seen.refusal).template)
    return {
        "serial_no": seen.serial_no,
        "face_value_fen": seen.face_value_fen,
        "status": seen.status.name,
        "batch": seen.batch_name,
        "expires_on": seen.expires_on,
        "redeemable": seen.refusal is None,
        "reason": seen.refusal,
        "reason_text": reason_text,
        "redemption": None
        if seen.redemption is None
        else redeeming.redemption_body(seen.redemption),
    }
