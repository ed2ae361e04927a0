"""Scan and pay."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.api import schemas
from app.api.blueprint import bp
from app.core.clock import utc_now
from app.flows.context import Context
from app.flows.once import Answer
from app.flows.sales import paying
from app.flows.sales.presenting import payment_body
from app.models.sales import Payment, PaymentStatus
from app.models.tenants import Store
from app.queries.sales.quotes import quote_payment
from app.queries.tenants.stores import find_pay_point
from app.services.refusals import PaymentNotFound, PayPointNotFound
from app.web.auth import current_actor, member_required
from app.web.context import current_context
from app.web.express import Lane, MoneyRequest, money_request
from app.web.limits import MONEY, READ, limited
from app.web.paging import page, read_cursor, write_cursor
from app.web.wire import IDEMPOTENT, answered


@bp.post("/payments/quote")
@limited(READ)
@member_required
@bp.arguments(schemas.NewPayment)
@bp.response(200, schemas.Quote)
def quote(body: dict[str, Any]) -> dict[str, Any]:
    """What the cards would give and what WeChat Pay would be asked for. Changes nothing."""
    actor = current_actor()
    assert actor.member_id is not None
    with current_context().database.unit_of_work(actor) as session:
        seen = find_pay_point(session, body["pay_point"])
        if seen is None:
            raise PayPointNotFound
        found = quote_payment(session, member_id=actor.member_id, **body)
    return {
        "amount_fen": body["amount_fen"],
        "card_fen": found.card_fen,
        "wechat_fen": found.wechat_fen,
        "lines": found.lines,
    }


def pay(context: Context, asked: MoneyRequest) -> Answer:
    """Pay at the store whose code was scanned. The token is checked in the same round trip."""
    return paying.pay(
        context,
        token_digest=asked.token_digest,
        key=asked.key,
        request_hash=asked.request_hash,
        pay_point=asked.body["pay_point"],
        amount_fen=asked.body["amount_fen"],
    )


@bp.post("/payments")
@bp.doc(**IDEMPOTENT)
@limited(MONEY)
@bp.arguments(schemas.NewPayment)
@bp.response(201, schemas.Payment)
def create_payment(body: dict[str, Any]) -> Response:
    """Pay: cards first, the rest by WeChat Pay."""
    return answered(pay(current_context(), money_request(body)))


LANE = Lane("/api/v1/payments", MONEY, schemas.NewPayment(), pay)


@bp.get("/payments/<int:payment_id>")
@limited(READ)
@member_required
@bp.response(200, schemas.Payment)
def show_payment(payment_id: int) -> dict[str, Any]:
    """One payment of the member's; while it is pending, with what opens WeChat's sheet."""
    with current_context().database.unit_of_work(current_actor()) as session:
        return _one(session, payment_id)


@bp.post("/payments/<int:payment_id>/close")
@limited(MONEY)
@member_required
@bp.response(200, schemas.Payment)
def close_payment(payment_id: int) -> dict[str, Any]:
    """Give up a pending payment: WeChat's order is closed and the held card part released."""
    context = current_context()
    wanted = min(payment_id, 2**62)
    paying.close_payment(context, payment_id=wanted, member=current_actor())
    with context.database.unit_of_work(current_actor()) as session:
        return _one(session, wanted)


@bp.get("/me/payments")
@limited(READ)
@member_required
@bp.arguments(schemas.PaymentQuery, location="query")
@bp.response(200, schemas.Payments)
def list_payments(query: dict[str, Any]) -> dict[str, Any]:
    """The member's payments, newest first; pending ones with what opens WeChat's sheet."""
    after = read_cursor(query["cursor"], 1)
    wanted = select(Payment, Store.name).join(Store, Store.id == Payment.store_id)
    if query["status"]:
        wanted = wanted.where(Payment.status == PaymentStatus[query["status"]])
    if after:
        wanted = wanted.where(Payment.id < after[0])
    with current_context().database.unit_of_work(current_actor()) as session:
        rows = session.execute(wanted.order_by(Payment.id.desc()).limit(query["limit"] + 1)).all()
        items = [_dump(payment, name) for payment, name in rows[: query["limit"]]]
    more = len(rows) > query["limit"]
    return page(items, write_cursor(rows[query["limit"] - 1][0].id) if more else None)


def _one(session: Session, payment_id: int) -> dict[str, Any]:
    row = session.execute(
        select(Payment, Store.name)
        .join(Store, Store.id == Payment.store_id)
        .where(Payment.id == min(payment_id, 2**62))
    ).one_or_none()
    if row is None:
        raise PaymentNotFound
    return _dump(row[0], row[1])


def _dump(payment: Payment, store_name: str) -> dict[str, Any]:
    sheet = None
    if payment.status is PaymentStatus.pending and payment.prepay_id:
        sheet = current_context().wechat_pay.payment_sheet(
            payment.prepay_id, now=utc_now(), appid=payment.payer_appid
        )
    return payment_body(payment, store_name, sheet)
