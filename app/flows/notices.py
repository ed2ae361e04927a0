"""Telling members in WeChat what happened, by the job that each notice leaves behind."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass

from app.core.actor import SYSTEM, Actor
from app.core.clock import local, utc_now
from app.core.money import yuan
from app.flows.context import Context
from app.models.notices import NoticeKind
from app.queries.notices import NoticeSeen, find_notice, list_consents, openid_of
from app.services.messaging import notices
from app.services.ports import GatewayRefused

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


@dataclass(frozen=True, kw_only=True)
class NoticeOffered:
    """A kind of notice that the operator has set up, and how many the member agreed to."""

    kind: str
    template_id: str
    remaining: int


def list_offered(context: Context, member: Actor) -> list[NoticeOffered]:
    with context.database.unit_of_work(member) as session:
        agreed = list_consents(session)
    return [
        NoticeOffered(
            kind=kind,
            template_id=template.template_id,
            remaining=agreed.get(NoticeKind[kind], 0),
        )
        for kind, template in context.settings.notice_templates.items()
    ]


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
    appid = context.settings.wechat.mini_appid
    with context.database.unit_of_work(SYSTEM) as session:
        notice = notices.take_waiting(session, notice_id=notice_id)
        if notice is None:
            return
        kind = notice.kind
        seen = find_notice(session, notice)
        openid = openid_of(session, member_id=notice.member_id, appid=appid)
    template = context.settings.notice_templates.get(kind.name)
    reason = ""
    if openid is None or template is None:
        reason = "no_openid" if openid is None else "no_template"
    else:
        try:
            context.wechat_mini.send_notice(
                openid=openid,
                template_id=template.template_id,
                page=_PAGES.get(kind, "pages/records/index"),
                fields=template.fill(_words(kind, seen)),
            )
        except GatewayRefused as refusal:
            reason = refusal.reason
    with context.database.unit_of_work(SYSTEM) as session:
        if not reason:
            notices.note_sent(session, notice_id=notice_id, now=utc_now())
            return
        log.warning("notice %s is not sent: %s", notice_id, reason)
        notices.note_refused(
            session, notice_id=notice_id, reason=reason, withdrawn=reason == _WITHDRAWN
        )


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
