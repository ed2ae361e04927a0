"""What a member does about herself, where it takes WeChat or more than her own rows."""

from __future__ import annotations

from datetime import datetime

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.errors import N_, Category, DomainError
from app.flows.context import Context
from app.models.people import Member
from app.models.vouchers import Gift, GiftStatus
from app.services.people import members
from app.services.ports import GatewayRefused, GatewayUnavailable
from app.services.refusals import WeChatUnavailable
from app.services.sales import top_ups
from app.services.stored_value import gifts


class PhoneCodeInvalid(DomainError):
    code = "phone_code_invalid"
    category = Category.INVALID
    template = N_("WeChat did not give a phone number for this. Please allow it and try again.")


def bind_phone(context: Context, *, member_id: int, code: str, join: bool = False) -> Member:
    """Bind the number that WeChat vouches for; money that waits for it arrives now.

    Args:
        join: The member knows that the number's other account is their own, and wants one of both.

    Raises:
        PhoneCodeInvalid, WeChatUnavailable, PhoneTaken, MembersNotJoined, MemberHasOpenBusiness
    """
    try:
        phone = context.wechat_login.phone_number(code)
    except GatewayRefused:
        raise PhoneCodeInvalid from None
    except GatewayUnavailable:
        raise WeChatUnavailable from None
    with context.database.unit_of_work(SYSTEM) as session:
        now = utc_now()
        member = members.bind_phone(
            session, member_id=member_id, phone=phone, keys=context.keys, join=join, now=now
        )
        top_ups.deliver_to_phone(session, member=member, now=now)
        session.refresh(member)
    return member


def change_profile(
    context: Context, *, member_id: int, nickname: str | None, avatar_url: str | None
) -> Member:
    with context.database.unit_of_work(SYSTEM) as session:
        return members.change_profile(
            session, member_id=member_id, nickname=nickname, avatar_url=avatar_url
        )


def issue_payment_code(context: Context, *, member_id: int) -> tuple[str, datetime]:
    """A code for one payment within the next minute.

    Raises:
        MemberFrozen
    """
    with context.database.unit_of_work(SYSTEM) as session:
        return members.issue_payment_code(
            session, member_id=member_id, keys=context.keys, now=utc_now()
        )


def preview_gift(context: Context, *, claim_token: str) -> tuple[Gift, str, GiftStatus]:
    """A gift, its sender's nickname, and how it stands (one whose time is over counts as returned).

    Raises:
        GiftNotFound
    """
    with context.database.unit_of_work(SYSTEM) as session:
        gift = gifts.find_gift(session, claim_token=claim_token)
        sender = session.get_one(Member, gift.sender_id)
    expired = gift.status is GiftStatus.sent and gift.expires_at <= utc_now()
    return gift, sender.nickname, GiftStatus.returned if expired else gift.status
