"""Charging a member's payment code, and refunds."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.flows import once
from app.flows.context import Context
from app.flows.once import Answer, Body, MoneyCall
from app.flows.sales import paying
from app.flows.sales.presenting import payment_body, refund_body
from app.models.sales import Payment
from app.models.tenants import Store
from app.pos import schemas
from app.pos.blueprint import bp
from app.services.refusals import PaymentNotFound
from app.services.sales.refunds import refund_payment
from app.web.auth import current_actor, till_required
from app.web.body import request_hash, request_key
from app.web.context import current_context
from app.web.express import Lane, MoneyRequest, money_request
from app.web.limits import TILL, limited
from app.web.wire import IDEMPOTENT, answered


def charge(context: Context, asked: MoneyRequest) -> Answer:
    """Charge the code on a member's phone. The token is checked in the same round trip."""
    return paying.pay(
        context,
        token_digest=asked.token_digest,
        key=asked.key,
        request_hash=asked.request_hash,
        payment_code=asked.body["payment_code"],
        amount_fen=asked.body["amount_fen"],
    )


@bp.post("/payments")
@bp.doc(**IDEMPOTENT)
@limited(TILL)
@bp.arguments(schemas.NewPayment)
@bp.response(201, schemas.Payment)
def create_payment(body: dict[str, Any]) -> Response:
    """Charge the code on a member's phone. What the card lacks, the member pays by WeChat there."""
    return answered(charge(current_context(), money_request(body)))


LANE = Lane("/pos/api/payments", TILL, schemas.NewPayment(), charge)


@bp.get("/payments/<string:payment_no>")
@limited(TILL)
@till_required
@bp.response(200, schemas.Payment)
def show_payment(payment_no: str) -> dict[str, Any]:
    """One payment of this store."""
    with current_context().database.unit_of_work(current_actor()) as session:
        row = session.execute(
            select(Payment, Store.name)
            .join(Store, Store.id == Payment.store_id)
            .where(Payment.payment_no == payment_no[:40])
        ).one_or_none()
    if row is None:
        raise PaymentNotFound
    return payment_body(row[0], row[1], None)


@bp.post("/payments/<string:payment_no>/refunds")
@bp.doc(**IDEMPOTENT)
@limited(TILL)
@till_required
@bp.arguments(schemas.NewRefund)
@bp.response(201, schemas.Refund)
def create_refund(body: dict[str, Any], payment_no: str) -> Response:
    """Give back a part or the whole: the card part at once, the WeChat part by WeChat."""
    context, actor = current_context(), current_actor()
    call = MoneyCall(caller=actor.caller, key=request_key(), request_hash=request_hash())

    def effect(session: Session) -> Body:
        refund = refund_payment(
            session,
            payment_no=payment_no[:40],
            amount_fen=body["amount_fen"],
            reason=body["reason"],
            till=actor,
            now=utc_now(),
        )
        session.flush()
        return refund_body(refund, payment_no)

    return answered(once.run_once(context, call, effect))
