"""A member's account: found by phone, a card reported lost, everything taken away or erased."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import SYSTEM, Actor
from app.core.clock import utc_now
from app.core.errors import N_, Category, DomainError
from app.core.keys import masked_phone
from app.flows import once
from app.flows.context import Context
from app.flows.people import avatars
from app.models.cards import Card
from app.models.people import Member, MemberStatus
from app.models.plumbing import IdempotencyRecord
from app.models.refund_requests import RefundRequest
from app.services.people import erasures, members
from app.services.ports import GatewayRefused, GatewayUnavailable
from app.services.refusals import CardNotFound, WeChatRefused, WeChatUnavailable
from app.services.sales import refund_requests
from app.services.stored_value import cards


class BalanceChanged(DomainError):
    code = "balance_changed"
    category = Category.CONFLICT
    template = N_("The balance has changed meanwhile. Please look at it and confirm again.")


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Whom a phone number belongs to, as far as a payer may see: a name's first character."""

    phone_masked: str
    name_masked: str | None


@dataclass(frozen=True, kw_only=True)
class RequestSeen:
    """What became of a call that moves money. ``answer`` is what the caller was to get."""

    status: str
    answer: dict[str, object] | None


def look_up_recipient(context: Context, *, phone: str) -> Recipient:
    """Whether a number is a member's, so that a payer sees a mistyped one before paying."""
    with context.database.unit_of_work(SYSTEM) as session:
        member = members.find_by_phone(session, phone=phone, keys=context.keys)
    known = member is not None and member.status is not MemberStatus.erased
    name = _masked_name(member.nickname) if member is not None and known else None
    return Recipient(phone_masked=masked_phone(phone), name_masked=name)


def report_card_lost(context: Context, *, card_id: int, member: Actor) -> None:
    """Stop a card of the member's own until a new one replaces it.

    Raises:
        CardNotFound: Also for another member's card. CardStateConflict
    """
    with context.database.unit_of_work(member) as session:
        if session.get(Card, card_id) is None:
            raise CardNotFound
    with context.database.unit_of_work(SYSTEM) as session:
        cards.report_lost(session, card_id=card_id, reason="reported by the member", actor=member)


def ask_for_refund(
    context: Context, *, payment_id: int, amount_fen: int, reason: str, member: Actor
) -> RefundRequest:
    with context.database.unit_of_work(SYSTEM) as session:
        return refund_requests.ask_for_refund(
            session, payment_id=payment_id, amount_fen=amount_fen, reason=reason, member=member
        )


def erase_account(context: Context, *, member: Actor, put_aside_fen: int) -> int:
    """Forget the member, who has seen what the cards still hold and gives it up.

    Args:
        put_aside_fen: What the member was shown, in fen, over all cards.

    Raises:
        BalanceChanged: It is another sum by now. MemberHasOpenBusiness
    """
    assert member.member_id is not None
    with context.database.unit_of_work(SYSTEM) as session:
        picture = session.get_one(Member, member.member_id).avatar_url
        put_aside = erasures.erase_member(
            session, member_id=member.member_id, actor=member, now=utc_now()
        )
        if put_aside != put_aside_fen:
            raise BalanceChanged(extra={"balance_fen": put_aside})
    avatars.drop_avatar(context, picture)
    return put_aside


def find_request(context: Context, *, caller: str, key: str) -> RequestSeen:
    """What became of the caller's call with this key, for a client that never got the answer."""
    with context.database.unit_of_work(SYSTEM) as session:
        kept = _kept(session, caller, key)
    if kept is None:
        return RequestSeen(status="unknown", answer=None)
    if kept.http_status is None or kept.answer is None:
        return RequestSeen(status="running", answer=None)
    text = once.open_kept(kept.answer, keys=context.keys)
    return RequestSeen(status="done", answer=json.loads(text))


def press_in_demo(context: Context, *, action: str, package: str) -> None:
    """Press pay or cancel in the simulated WeChat, for browsers that have no WeChat.

    Raises:
        WeChatRefused: The order cannot be paid any more. WeChatUnavailable
    """
    assert context.settings.demo, "only a demo has a member's WeChat at hand"
    try:
        context.demo_wechat.press(action, package)
    except GatewayRefused as error:
        raise WeChatRefused(extra={"reason": error.reason}) from None
    except GatewayUnavailable:
        raise WeChatUnavailable from None


def _kept(session: Session, caller: str, key: str) -> IdempotencyRecord | None:
    return session.scalars(
        select(IdempotencyRecord).where(
            IdempotencyRecord.caller == caller, IdempotencyRecord.key == key
        )
    ).one_or_none()


def _masked_name(nickname: str) -> str:
    return f"{nickname[0]}**" if nickname else "**"
