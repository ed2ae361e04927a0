"""Staff and the official account: there to WeChat and back, with a state that is good once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from app.core.actor import SYSTEM, Actor
from app.core.clock import utc_now
from app.core.errors import N_, Category, DomainError
from app.core.keys import new_token
from app.flows.context import Context
from app.models.people import StaffWeChat
from app.models.tills import SecretPurpose
from app.services.people import second_factors, sessions, staff_wechat
from app.services.people.one_time_secrets import issue_secret, use_secret
from app.services.people.sessions import SignedIn, SignInUnfinished
from app.services.ports import GatewayRefused, GatewayUnavailable, PageSignature
from app.services.refusals import WeChatUnavailable

LIFETIME = timedelta(minutes=10)
RETURN_PATH = "/pos/wechat/return"


class WeChatReturnInvalid(DomainError):
    code = "wechat_return_invalid"
    category = Category.INVALID
    template = N_("This way back from WeChat is used up or out of date. Please begin again.")


@dataclass(frozen=True, kw_only=True)
class Departure:
    """Where to send the browser, and the state that it must bring back."""

    url: str
    state: str


def depart(context: Context, actor: Actor | None) -> Departure:
    """Begin: to bind one's WeChat when somebody is signed in, else to sign in by it."""
    state = new_token()
    purpose = SecretPurpose.wechat_sign_in if actor is None else SecretPurpose.wechat_binding
    with context.database.unit_of_work(SYSTEM) as session:
        issue_secret(
            session, purpose=purpose, secret=state, issuer=actor, detail={}, lifetime=LIFETIME,
            now=utc_now(),
        )  # fmt: skip
    back = f"{context.settings.public_base_url}{RETURN_PATH}"
    url = context.wechat_account.authorize_url(return_url=back, state=state)
    return Departure(url=url, state=state)


def sign_in(context: Context, *, code: str, state: str) -> SignedIn:
    """Somebody is back from WeChat and works here.

    Raises:
        WeChatReturnInvalid, WeChatNotBound, WeChatUnavailable
        SignInUnfinished: The console has more to ask: a password of one's own, a second factor.
    """
    _use(context, SecretPurpose.wechat_sign_in, state, None)
    openid = _openid(context, code)
    with context.database.unit_of_work(SYSTEM) as session:
        person = staff_wechat.find_by_wechat(
            session, appid=context.settings.wechat.oa_appid, openid=openid
        )
        required = context.settings.totp_required
        if second_factors.is_asked_for(session, person=person, required=required):
            raise SignInUnfinished
        return sessions.open_staff_session(
            session, person=person, terminal_id=None, how="wechat", now=utc_now()
        )


def bind(context: Context, actor: Actor, *, code: str, state: str) -> None:
    """Somebody who is signed in is back from WeChat: it is theirs.

    Raises:
        WeChatReturnInvalid: Also when somebody else had set out. WeChatTaken, WeChatUnavailable
    """
    assert actor.staff_id is not None, "only staff bind here"
    _use(context, SecretPurpose.wechat_binding, state, actor.staff_id)
    openid = _openid(context, code)
    with context.database.unit_of_work(SYSTEM) as session:
        staff_wechat.bind_wechat(
            session,
            staff_id=actor.staff_id,
            appid=context.settings.wechat.oa_appid,
            openid=openid,
            actor=actor,
            now=utc_now(),
        )


def unbind(context: Context, actor: Actor) -> None:
    assert actor.staff_id is not None, "only staff bind here"
    with context.database.unit_of_work(SYSTEM) as session:
        staff_wechat.unbind_wechat(session, staff_id=actor.staff_id, actor=actor)


def find_binding(context: Context, actor: Actor) -> StaffWeChat | None:
    with context.database.unit_of_work(SYSTEM) as session:
        return session.get(StaffWeChat, actor.staff_id)


def sign_page(context: Context, url: str) -> PageSignature:
    """For wx.config on a page of ours.

    Raises:
        WeChatUnavailable
    """
    try:
        return context.wechat_account.sign_page(url, now=utc_now())
    except (GatewayRefused, GatewayUnavailable):
        raise WeChatUnavailable from None


def _use(context: Context, purpose: SecretPurpose, state: str, staff_id: int | None) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        used = use_secret(session, purpose=purpose, secret=state, now=utc_now())
    if used is None or used.staff_id != staff_id:
        raise WeChatReturnInvalid


def _openid(context: Context, code: str) -> str:
    try:
        return context.wechat_account.identify(code)
    except GatewayRefused:
        raise WeChatReturnInvalid from None
    except GatewayUnavailable:
        raise WeChatUnavailable from None
