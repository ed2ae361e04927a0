"""Telling members in WeChat what happened, by the job that each notice leaves behind."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.actor import SYSTEM, Actor
from app.core.clock import local, utc_now
from app.core.money import yuan
from app.flows.context import Context
from app.models.notices import Notice, NoticeChannel, NoticeKind
from app.queries.messaging.notices import (
    NoticeSeen,
    find_notice,
    follows_account,
    list_consents,
    openid_of,
)
from app.services.messaging import notices
from app.services.messaging.official_accounts import note_unfollowed
from app.services.ports import GatewayRefused, GatewayUnavailable

log = logging.getLogger(__name__)

# In Chinese as WeChat shows them, whatever language the app speaks.
_TITLES = {
    NoticeKind.paid: "付款成功",
    NoticeKind.topped_up: "充值到账",
    NoticeKind.gift_claimed: "赠礼已被领取",
    NoticeKind.gift_returned: "赠礼已退回您的卡",
    NoticeKind.refunded: "退款已到账",
    NoticeKind.expiring: "卡内金额即将到期",
}
_PAGES = {
    NoticeKind.gift_claimed: "pages/gift/list",
    NoticeKind.gift_returned: "pages/gift/list",
    NoticeKind.expiring: "pages/cards/index",
}
_WITHDRAWN = "43101"  # 用户拒绝接受消息
_NOT_FOLLOWING = "43004"  # 需要接收者关注
# With these the mini-program cannot reach the member, whatever is mended: the account may.
_OUT_OF_REACH = frozenset({_WITHDRAWN, "no_openid", "no_template"})


@dataclass(frozen=True, kw_only=True)
class NoticeOffered:
    """A kind of notice that the operator has set up, and how many the member agreed to."""

    kind: str
    template_id: str
    remaining: int


@dataclass(frozen=True, kw_only=True)
class NoticesOffered:
    """Notices by the mini-program, and of what the official account tells whoever follows it."""

    items: Sequence[NoticeOffered]
    account_kinds: Sequence[str]
    follows: bool


@dataclass(frozen=True, kw_only=True)
class _Letter:
    """One notice as it goes to WeChat; ``missing`` says why it does not."""

    channel: NoticeChannel
    openid: str
    template_id: str
    page: str
    fields: Mapping[str, str]
    missing: str = ""


def list_offered(context: Context, member: Actor) -> NoticesOffered:
    assert member.member_id is not None, "only a member is told"
    account = context.settings.telling_account
    with context.database.unit_of_work(member) as session:
        agreed = list_consents(session)
    with context.database.unit_of_work(SYSTEM) as session:
        follows = follows_account(session, member_id=member.member_id, appid=account.appid)
    items = [
        NoticeOffered(
            kind=kind,
            template_id=template.template_id,
            remaining=agreed.get(NoticeKind[kind], 0),
        )
        for kind, template in context.settings.notice_templates.items()
    ]
    return NoticesOffered(items=items, account_kinds=account.kinds, follows=bool(follows))


def agree(context: Context, member: Actor, kinds: Collection[NoticeKind]) -> None:
    """WeChat has asked, and the member has agreed to one message of each."""
    assert member.member_id is not None, "only a member is told"
    known = [kind for kind in kinds if kind.name in context.settings.notice_templates]
    with context.database.unit_of_work(SYSTEM) as session:
        notices.agree_to_notices(session, member_id=member.member_id, kinds=known, now=utc_now())


def send(context: Context, notice_id: int) -> None:
    """Send one notice. An answer that was lost may bring it twice, never a wrong one.

    Raises:
        GatewayUnavailable: The job is tried again.
    """
    with context.database.unit_of_work(SYSTEM) as session:
        notice = notices.take_waiting(session, notice_id=notice_id)
        if notice is None:
            return
        letter = _write(context, session, notice)
    reason, message_id = letter.missing, None
    try:
        if not reason:
            message_id = _post(context, letter, notice_id)
    except GatewayRefused as refusal:
        reason = refusal.reason
    except GatewayUnavailable as trouble:
        with context.database.unit_of_work(SYSTEM) as session:
            notices.note_waiting(session, notice_id=notice_id, reason=trouble.reason)
        raise
    with context.database.unit_of_work(SYSTEM) as session:
        if not reason:
            notices.note_sent(session, notice_id=notice_id, now=utc_now(), message_id=message_id)
            return
        log.warning("notice %s is not sent: %s", notice_id, reason)
        _give_up(context, session, notice_id, letter, reason)


def _write(context: Context, session: Session, notice: Notice) -> _Letter:
    """Address and fill in a notice, as its channel wants it."""
    settings, kind = context.settings, notice.kind
    by_account = notice.channel is NoticeChannel.official_account
    appid = settings.wechat.oa_appid if by_account else settings.wechat.mini_appid
    templates = settings.account_templates if by_account else settings.notice_templates
    template = templates.get(kind.name)
    openid = openid_of(session, member_id=notice.member_id, appid=appid)
    missing = "" if template else "no_template"
    if by_account and not follows_account(session, member_id=notice.member_id, appid=appid):
        missing = "unfollowed"
    elif openid is None:
        missing = "no_openid"
    words = _words(kind, find_notice(session, notice))
    return _Letter(
        channel=notice.channel,
        openid=openid or "",
        template_id=template.template_id if template else "",
        page=_PAGES.get(kind, "pages/records/index"),
        fields=template.fill(words) if template else {},
        missing=missing,
    )


def _post(context: Context, letter: _Letter, notice_id: int) -> str | None:
    """Hand it to WeChat. Gives WeChat's number of it, where there is one."""
    if letter.channel is NoticeChannel.mini_program:
        context.wechat_mini.send_notice(
            openid=letter.openid,
            template_id=letter.template_id,
            page=letter.page,
            fields=letter.fields,
        )
        return None
    return context.official_account.tell_follower(
        openid=letter.openid,
        template_id=letter.template_id,
        url=f"{context.settings.public_base_url}/m/{letter.page}",
        fields=letter.fields,
        key=f"notice-{notice_id}",
    )


def _give_up(
    context: Context, session: Session, notice_id: int, letter: _Letter, reason: str
) -> None:
    """Note why a notice does not arrive; where it can, the official account tells in its place."""
    notices.note_refused(
        session, notice_id=notice_id, reason=reason, withdrawn=reason == _WITHDRAWN
    )
    if letter.channel is NoticeChannel.official_account:
        if reason == _NOT_FOLLOWING:  # WeChat knows better: the event of it was lost.
            note_unfollowed(session, openid=letter.openid, now=utc_now())
        return
    account, notice = context.settings.telling_account, session.get_one(Notice, notice_id)
    if reason in _OUT_OF_REACH and notice.kind.name in account.kinds:
        member_id = notice.member_id
        if follows_account(session, member_id=member_id, appid=account.appid):
            notices.tell_by_account(session, notice_id=notice_id)


def _words(kind: NoticeKind, seen: NoticeSeen) -> dict[str, str]:
    title, amount = _TITLES[kind], f"{yuan(seen.amount_fen)}元"
    return {
        "title": title,
        "amount": amount,
        "time": local(seen.at).strftime("%Y年%m月%d日 %H:%M"),
        "place": seen.place,
        "number": seen.number,
        "note": seen.place or title,
    }
