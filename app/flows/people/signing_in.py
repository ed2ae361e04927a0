"""Signing in: members by WeChat's code, staff by password; and who a signed-in person is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.core.actor import SYSTEM, Actor
from app.core.clock import utc_now
from app.core.errors import N_, Category, DomainError
from app.flows.context import Context
from app.models.people import Member, Staff
from app.models.tenants import Merchant, PayPoint, PayPointStatus, Store
from app.services.people import sessions, staff
from app.services.people.members import find_or_create_member
from app.services.people.sessions import SignedIn
from app.services.ports import GatewayRefused, GatewayUnavailable, WeChatIdentity
from app.services.refusals import WeChatUnavailable


class LoginCodeInvalid(DomainError):
    code = "login_code_invalid"
    category = Category.INVALID
    template = N_(
        "WeChat does not accept this sign-in. Please close the mini-program and open it again."
    )


@dataclass(frozen=True, kw_only=True)
class StaffSeen:
    """A person on the staff, as the till shows them."""

    username: str
    staff: Staff
    merchant: Merchant
    store: Store | None
    pay_point_token: str | None


def sign_in_member(context: Context, code: str) -> tuple[Member, SignedIn]:
    """Exchange the code of wx.login for a member and a session.

    Raises:
        LoginCodeInvalid, WeChatUnavailable
    """
    identity = _identify(context.wechat_login.sign_in, code)
    return _open(context, context.settings.wechat.mini_appid, identity)


def member_departure(context: Context, *, page: str, state: str) -> str:
    """Where a browser inside WeChat goes to say who it is; it comes back to this page of ours."""
    back = f"{context.settings.public_base_url}/m/{page}"
    return context.wechat_account.authorize_url(return_url=back, state=state, person=True)


def sign_in_by_official_account(context: Context, code: str) -> tuple[Member, SignedIn]:
    """Exchange the code that WeChat's page gave the browser. A person known by the mini-program
    is the same member, when WeChat tells who it is (unionid).

    Raises:
        LoginCodeInvalid, WeChatUnavailable
    """
    identity = _identify(context.wechat_account.identify_person, code)
    return _open(context, context.settings.wechat.oa_appid, identity)


def _identify(ask: Callable[[str], WeChatIdentity], code: str) -> WeChatIdentity:
    try:
        return ask(code)
    except GatewayRefused:
        raise LoginCodeInvalid from None
    except GatewayUnavailable:
        raise WeChatUnavailable from None


def _open(context: Context, appid: str, identity: WeChatIdentity) -> tuple[Member, SignedIn]:
    now = utc_now()
    with context.database.unit_of_work(SYSTEM) as session:
        member = find_or_create_member(session, appid=appid, identity=identity, now=now)
        opened = sessions.open_member_session(session, member_id=member.id, now=now, appid=appid)
    return member, opened


def sign_in_staff(context: Context, *, username: str, password: str) -> SignedIn:
    """Check a password and open a session.

    Raises:
        SignInRefused
    """
    with context.database.unit_of_work(SYSTEM) as session:
        _, opened = sessions.sign_in_staff(
            session, username=username, password=password, now=utc_now()
        )
    return opened


def sign_out(context: Context, token_digest: bytes) -> None:
    """Revoke a session: its token is refused from the next call on."""
    with context.database.unit_of_work(SYSTEM) as session:
        sessions.revoke_token(session, digest=token_digest, now=utc_now())


def change_password(context: Context, actor: Actor, *, present: str, wanted: str) -> None:
    """Change one's own password. All sessions of the person end with it, this one too.

    Raises:
        PasswordWrong, PasswordTooShort, PasswordTooCommon
    """
    assert actor.staff_id is not None, "only staff have passwords"
    with context.database.unit_of_work(SYSTEM) as session:
        staff.change_password(
            session,
            staff_id=actor.staff_id,
            present=present,
            wanted=wanted,
            actor=actor,
            now=utc_now(),
        )


def describe_staff(context: Context, actor: Actor) -> StaffSeen:
    """Who is signed in, where, and the pay point of that counter."""
    with context.database.unit_of_work(SYSTEM) as session:
        person, username = session.execute(
            select(Staff, User.username)
            .join(User, User.id == Staff.user_id)
            .where(Staff.id == actor.staff_id)
        ).one()
        token = session.scalar(
            select(PayPoint.token)
            .where(PayPoint.store_id == person.store_id, PayPoint.status == PayPointStatus.active)
            .order_by(PayPoint.id)
            .limit(1)
        )
        return StaffSeen(
            username=username,
            staff=person,
            merchant=session.get_one(Merchant, person.merchant_id),
            store=None if person.store_id is None else session.get_one(Store, person.store_id),
            pay_point_token=token,
        )
