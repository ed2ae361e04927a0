"""A member's records beside payments and gifts, and the wish to have money back."""

from __future__ import annotations

from typing import Any

from app.api import account_schemas as schemas
from app.api.blueprint import bp
from app.flows.people import accounts
from app.flows.sales.presenting import refund_body, top_up_body
from app.models.refund_requests import RefundRequest
from app.models.sales import Payment, TopUp, TopUpStatus
from app.queries.people import member_records
from app.services.refusals import PaymentNotFound
from app.web.auth import current_actor, member_required
from app.web.context import current_context
from app.web.limits import MONEY, READ, limited
from app.web.paging import PageArguments, page, read_cursor, write_cursor


@bp.get("/me/top-ups")
@limited(READ)
@member_required
@bp.arguments(PageArguments, location="query")
@bp.response(200, schemas.TopUpRecords)
def list_top_ups(query: dict[str, Any]) -> dict[str, Any]:
    """Top-ups that the member pays for or receives, newest first."""
    after, limit, actor = read_cursor(query["cursor"], 1), query["limit"], current_actor()
    with current_context().database.unit_of_work(actor) as session:
        rows = member_records.list_top_ups(
            session, before=after[0] if after else None, limit=limit + 1
        )
    items = [
        {**top_up_body(top_up, None), "channel": top_up.channel.name, "program": program,
         "store": store, "mine": _is_mine(top_up, actor.member_id)}
        for top_up, program, store in rows[:limit]
    ]  # fmt: skip
    return page(items, write_cursor(rows[limit - 1][0].id) if len(rows) > limit else None)


@bp.get("/me/refunds")
@limited(READ)
@member_required
@bp.arguments(PageArguments, location="query")
@bp.response(200, schemas.RefundRecords)
def list_refunds(query: dict[str, Any]) -> dict[str, Any]:
    """What came back to the member, newest first."""
    after, limit = read_cursor(query["cursor"], 1), query["limit"]
    with current_context().database.unit_of_work(current_actor()) as session:
        rows = member_records.list_refunds(
            session, before=after[0] if after else None, limit=limit + 1
        )
    items = [{**refund_body(refund, no), "store": store} for refund, no, store in rows[:limit]]
    return page(items, write_cursor(rows[limit - 1][0].id) if len(rows) > limit else None)


@bp.get("/payments/<int:payment_id>/refund-requests")
@limited(READ)
@member_required
@bp.response(200, schemas.RefundRequests)
def list_refund_requests(payment_id: int) -> dict[str, Any]:
    """What the member asked the store for, of one payment."""
    with current_context().database.unit_of_work(current_actor()) as session:
        if session.get(Payment, min(payment_id, 2**62)) is None:
            raise PaymentNotFound
        found = member_records.list_refund_requests(session, payment_id=payment_id)
    return page(found, None)


@bp.post("/payments/<int:payment_id>/refund-requests")
@limited(MONEY)
@member_required
@bp.arguments(schemas.NewRefundRequest)
@bp.response(201, schemas.RefundRequest)
def ask_for_refund(body: dict[str, Any], payment_id: int) -> RefundRequest:
    """Ask the store for money back. While one request waits, asking again gives that one."""
    return accounts.ask_for_refund(
        current_context(), payment_id=min(payment_id, 2**62), member=current_actor(), **body
    )


def _is_mine(top_up: TopUp, member_id: int | None) -> bool:
    """Whether its value is for the member who looks, and not for somebody else's phone."""
    if top_up.member_id is not None:
        return top_up.member_id == member_id
    return top_up.status is not TopUpStatus.paid and top_up.phone_masked is None
