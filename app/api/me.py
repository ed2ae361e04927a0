"""The signed-in member: profile, phone, cards, what happened, the code to show at a counter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask_babel import gettext

from app.api import schemas
from app.api.blueprint import bp
from app.core.clock import utc_now
from app.core.errors import N_
from app.flows.people import membership
from app.models.people import Member
from app.queries.stored_value.cards import list_activities, list_cards
from app.web.auth import current_actor, member_required
from app.web.context import current_context
from app.web.limits import MONEY, READ, limited
from app.web.paging import page, read_cursor, write_cursor

# What a member calls an event. A kind that is not here is named by what it is in general.
_TITLES = {
    "top_up": N_("Top-up"),
    "top_up_reversed": N_("Top-up reversed"),
    "payment": N_("Payment"),
    "payment_closed": N_("Payment closed, value back"),
    "refund": N_("Refund"),
    "gift_sent": N_("Gift sent"),
    "gift_received": N_("Gift received"),
    "gift_revoked": N_("Gift taken back"),
    "gift_returned": N_("Gift returned"),
    "card_replaced": N_("Card replaced"),
    "card_returned": N_("Card returned"),
    "card_adjusted": N_("Adjustment"),
    "lot_expired": N_("Expired"),
}
_OTHER = N_("Change of balance")


@bp.get("/me")
@limited(READ)
@member_required
@bp.response(200, schemas.Profile)
def show_me() -> Member:
    """The member's profile; the phone masked."""
    with current_context().database.unit_of_work(current_actor()) as session:
        return session.get_one(Member, _me())


@bp.patch("/me")
@limited(READ)
@member_required
@bp.arguments(schemas.ProfileChange)
@bp.response(200, schemas.Profile)
def change_me(body: dict[str, Any]) -> Member:
    """Change nickname or avatar."""
    return membership.change_profile(
        current_context(),
        member_id=_me(),
        nickname=body.get("nickname"),
        avatar_url=body.get("avatar_url"),
    )


@bp.post("/me/phone")
@limited(MONEY)
@member_required
@bp.arguments(schemas.PhoneCode)
@bp.response(200, schemas.Profile)
def bind_phone(body: dict[str, Any]) -> Member:
    """Bind the number that WeChat vouches for; money that waits for it arrives now.

    Another account's number is refused; ``can_join`` says whether ``join`` may make one of both.
    """
    return membership.bind_phone(current_context(), member_id=_me(), **body)


@bp.get("/me/cards")
@limited(READ)
@member_required
@bp.response(200, schemas.Cards)
def show_cards() -> dict[str, Any]:
    """All cards with their lots, and what can be spent in all."""
    with current_context().database.unit_of_work(current_actor()) as session:
        cards = list_cards(session, now=utc_now())
    total = sum(card.balance_fen for card in cards if card.status == "active")
    return {**page(cards, None), "total_fen": total}


@bp.get("/me/activities")
@limited(READ)
@member_required
@bp.arguments(schemas.ActivityQuery, location="query")
@bp.response(200, schemas.Activities)
def show_activities(query: dict[str, Any]) -> dict[str, Any]:
    """What happened on the member's cards, newest first, one item per event."""
    after = read_cursor(query["cursor"], 2)
    with current_context().database.unit_of_work(current_actor()) as session:
        items, last = list_activities(
            session,
            limit=query["limit"],
            after=None if after is None else (after[0], after[1]),
            card_id=query["card_id"],
        )
    titled = [replace(item, title=gettext(_TITLES.get(item.type, _OTHER))) for item in items]
    return page(titled, None if last is None else write_cursor(*last))


@bp.post("/me/payment-code")
@limited(MONEY)
@member_required
@bp.response(201, schemas.PaymentCode)
def create_payment_code() -> dict[str, Any]:
    """Issue a code for one payment within the next minute."""
    code, expires_at = membership.issue_payment_code(current_context(), member_id=_me())
    return {"code": code, "expires_at": expires_at}


def _me() -> int:
    member_id = current_actor().member_id
    assert member_id is not None, "member_required stands before every view here"
    return member_id
