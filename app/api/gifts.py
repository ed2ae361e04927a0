"""Giving card value, and receiving it."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.api import schemas
from app.api.blueprint import bp
from app.core.actor import Actor
from app.core.clock import utc_now
from app.core.keys import Keys
from app.flows import once
from app.flows.once import Body, MoneyCall
from app.flows.people import membership
from app.flows.sales.presenting import gift_body
from app.models.vouchers import Gift, GiftStatus
from app.services.stored_value import gifts
from app.web.auth import current_actor, member_required
from app.web.body import request_hash, request_key
from app.web.context import current_context
from app.web.limits import MONEY, OPEN_TO_ALL, READ, limited
from app.web.paging import page, read_cursor, write_cursor
from app.web.wire import IDEMPOTENT, answered


@bp.post("/gifts")
@bp.doc(**IDEMPOTENT)
@limited(MONEY)
@member_required
@bp.arguments(schemas.NewGift)
@bp.response(201, schemas.Gift)
def send_gift(body: dict[str, Any]) -> Response:
    """Give card value. Whoever holds the claim token may have it, within a day."""
    context, actor = current_context(), current_actor()

    def effect(session: Session) -> Body:
        gift = gifts.send_gift(session, sender=actor, keys=context.keys, now=utc_now(), **body)
        return _as_sender(gift, context.keys)

    return answered(once.run_once(context, _call(actor), effect, sealed=True))


@bp.get("/gifts/<string:claim_token>/preview")
@bp.doc(security=[])
@limited(OPEN_TO_ALL, by_address=True)
@bp.response(200, schemas.GiftPreview)
def preview_gift(claim_token: str) -> dict[str, Any]:
    """What the receiver sees before claiming. Changes nothing."""
    gift, sender, status = membership.preview_gift(current_context(), claim_token=claim_token[:100])
    return {
        "status": status.name,
        "amount_fen": gift.amount_fen,
        "message": gift.message,
        "cover": gift.cover,
        "sender": sender,
        "expires_at": gift.expires_at,
    }


@bp.post("/gifts/claim")
@bp.doc(**IDEMPOTENT)
@limited(MONEY)
@member_required
@bp.arguments(schemas.ClaimToken)
@bp.response(201, schemas.Gift)
def claim_gift(body: dict[str, Any]) -> Response:
    """Put a gift onto the member's own card."""
    actor, token = current_actor(), body["claim_token"]

    def effect(session: Session) -> Body:
        return gift_body(
            gifts.claim_gift(session, claimant=actor, claim_token=token, now=utc_now())
        )

    return answered(once.run_once(current_context(), _call(actor), effect))


@bp.post("/gifts/<int:gift_id>/revoke")
@bp.doc(**IDEMPOTENT)
@limited(MONEY)
@member_required
@bp.response(201, schemas.Gift)
def revoke_gift(gift_id: int) -> Response:
    """Take a gift back that nobody has claimed yet."""
    actor, wanted = current_actor(), min(gift_id, 2**62)

    def effect(session: Session) -> Body:
        return gift_body(gifts.revoke_gift(session, gift_id=wanted, sender=actor, now=utc_now()))

    return answered(once.run_once(current_context(), _call(actor), effect))


@bp.get("/me/gifts")
@limited(READ)
@member_required
@bp.arguments(schemas.GiftQuery, location="query")
@bp.response(200, schemas.Gifts)
def list_gifts(query: dict[str, Any]) -> dict[str, Any]:
    """Gifts sent or received, newest first. What can still be claimed carries its link."""
    context, actor = current_context(), current_actor()
    sent = query["box"] == "sent"
    whose = Gift.sender_id if sent else Gift.receiver_id
    wanted = select(Gift).where(whose == actor.member_id)
    after = read_cursor(query["cursor"], 1)
    if after:
        wanted = wanted.where(Gift.id < after[0])
    with context.database.unit_of_work(actor) as session:
        rows = session.scalars(wanted.order_by(Gift.id.desc()).limit(query["limit"] + 1)).all()
    shown = rows[: query["limit"]]
    items = [_as_sender(gift, context.keys) if sent else gift_body(gift) for gift in shown]
    return page(items, write_cursor(shown[-1].id) if len(rows) > len(shown) else None)


def _as_sender(gift: Gift, keys: Keys) -> Body:
    claimable = gift.status is GiftStatus.sent
    return gift_body(gift, claim_token=keys.gift_token(gift.gift_no) if claimable else None)


def _call(actor: Actor) -> MoneyCall:
    return MoneyCall(caller=actor.caller, key=request_key(), request_hash=request_hash())
