"""The WeChat of somebody on the staff: bound by themselves, good until unbound or suspended."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.models.people import Staff, StaffStatus, StaffWeChat
from app.models.tenants import Merchant, MerchantStatus
from app.services import journal


class WeChatNotBound(DomainError):
    code = "wechat_not_bound"
    category = Category.FORBIDDEN
    template = N_(
        "This WeChat belongs to nobody on the staff. Sign in with your password in the console and"
        " bind it there first."
    )


class WeChatTaken(DomainError):
    code = "wechat_taken"
    category = Category.CONFLICT
    template = N_("This WeChat is bound to another account. Please unbind it there first.")


def bind_wechat(
    session: Session, *, staff_id: int, appid: str, openid: str, actor: Actor, now: datetime
) -> StaffWeChat:
    """Let somebody sign in by their WeChat. One person has one; a new one replaces it.

    Raises:
        WeChatTaken: One WeChat is one person.
    """
    session.get_one(Staff, staff_id, with_for_update={"key_share": True})
    owner = session.scalar(
        select(StaffWeChat.staff_id).where(StaffWeChat.appid == appid, StaffWeChat.openid == openid)
    )
    if owner not in {None, staff_id}:
        raise WeChatTaken
    bound = session.get(StaffWeChat, staff_id)
    if bound is None:
        bound = StaffWeChat(staff_id=staff_id, appid=appid, openid=openid, bound_at=now)
        session.add(bound)
    else:
        bound.appid, bound.openid, bound.bound_at = appid, openid, now
    session.flush()
    journal.audit(session, "staff.wechat_bound", actor=actor, subject_id=staff_id)
    return bound


def unbind_wechat(session: Session, *, staff_id: int, actor: Actor) -> None:
    bound = session.get(StaffWeChat, staff_id)
    if bound is not None:
        session.delete(bound)
        journal.audit(session, "staff.wechat_unbound", actor=actor, subject_id=staff_id)


def find_by_wechat(session: Session, *, appid: str, openid: str) -> Staff:
    """Who signs in by this WeChat.

    Raises:
        WeChatNotBound: Nobody, or somebody who is suspended, or whose merchant is.
    """
    found: Staff | None = session.scalars(
        select(Staff)
        .join(StaffWeChat, StaffWeChat.staff_id == Staff.id)
        .join(User, User.id == Staff.user_id)
        .join(Merchant, Merchant.id == Staff.merchant_id)
        .where(
            StaffWeChat.appid == appid,
            StaffWeChat.openid == openid,
            User.active,
            Staff.status == StaffStatus.active,
            Merchant.status == MerchantStatus.active,
        )
    ).one_or_none()
    if found is None:
        raise WeChatNotBound
    return found
