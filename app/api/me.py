"""The signed-in member: profile, phone, cards, what happened, the code to show at a counter."""

from __future__ import annotations

from typing import Any

from app.api import schemas
from app.api.blueprint import bp
from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.errors import Category, DomainError, N_
from app.models.people import Member
from app.queries.cards import list_activities, list_cards
from app.services import members, top_ups
from app.services.ports import GatewayRefused, GatewayUnavailable
from app.services.refusals import WeChatUnavailable
from app.web.auth import current_actor, member_required
from app.web.context import current_context
from app.web.limits import MONEY, READ, limited
from app.web.paging import PageArguments, page, read_cursor, write_cursor


class PhoneCodeInvalid(DomainError):
    code = "phone_code_invalid"
    category = Category.INVALID
    template = N_("WeChat did not give a phone number for this. Please allow it and try again.")


@bp.get("/me")
@limited(READ)
@member_required
@bp.response(200, schemas.Profile)
def show_me() -> Member:
    """The member's profile; the phone masked."""
    with current_context().database.unit_of_work(current_actor()) as session:
        return session.get_one(Member, current_actor().member_id)


@bp.patch("/me")
@limited(READ)
@member_required
@bp.arguments(schemas.ProfileChange)
@bp.response(200, schemas.Profile)
def change_me(body: dict[str, Any]) -> Member:
    """Change nickname or avatar."""
    member_id = current_actor().member_id
    assert member_id is not None
    with current_context().database.unit_of_work(SYSTEM) as session:
        return members.change_profile(
            session,
            member_id=member_id,
            nickname=body.get("nickname"),
            avatar_url=body.get("avatar_url"),
        )


@bp.post("/me/phone")
@limited(MONEY)
@member_required
@bp.arguments(schemas.PhoneCode)
@bp.response(200, schemas.Profile)
def bind_phone(body: dict[str, Any]) -> Member:
    """Bind the number that WeChat vouches for; money that waits for it arrives now."""
    context = current_context()
    member_id = current_actor().member_id
    assert member_id is not None
    try:
        phone = context.wechat_login.phone_number(body["code"])
    except GatewayRefused:
        raise PhoneCodeInvalid from None
    except GatewayUnavailable:
        raise WeChatUnavailable from None
    with context.database.unit_of_work(SYSTEM) as session:
        member = members.bind_phone(session, member_id=member_id, phone=phone, keys=context.keys)
        top_ups.deliver_to_phone(session, member=member, now=utc_now())
        session.refresh(member)
    return member


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
@bp.arguments(PageArguments, location="query")
@bp.response(200, schemas.Activities)
def show_activities(query: dict[str, Any]) -> dict[str, Any]:
    """What happened on the member's cards, newest first, one item per event."""
    after = read_cursor(query["cursor"], 2)
    with current_context().database.unit_of_work(current_actor()) as session:
        items, last = list_activities(
            session, limit=query["limit"], after=None if after is None else (after[0], after[1])
        )
    return page(items, None if last is None else write_cursor(*last))


@bp.post("/me/payment-code")
@limited(MONEY)
@member_required
@bp.response(201, schemas.PaymentCode)
def create_payment_code() -> dict[str, Any]:
    """Issue a code for one payment within the next minute."""
    context = current_context()
    member_id = current_actor().member_id
    assert member_id is not None
    with context.database.unit_of_work(SYSTEM) as session:
        code, expires_at = members.issue_payment_code(
            session, member_id=member_id, keys=context.keys, now=utc_now()
        )
    return {"code": code, "expires_at": expires_at}
