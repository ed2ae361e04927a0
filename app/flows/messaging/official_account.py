"""What the official account's callback and its jobs do."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.actor import PUBLIC, SYSTEM
from app.core.clock import local_day, utc_now
from app.flows.context import Context
from app.gateways.wechat.oa_messages import open_message, seal_message, text_reply
from app.models.official_account import OaFollower, OaMenu, OaReplyKind
from app.queries.publishing.searching import Narrowed, search
from app.services.messaging import official_accounts
from app.services.messaging.oa_replies import answer_to, written_for
from app.services.publishing.search_index import count_words

_ANSWERS = 5
_WELCOME = "欢迎关注！回复门店名、商品名或问题，即可找到相关内容。"
_NOTHING = "没有找到相关内容。请换个词试试，或打开网站搜索："


def receive(context: Context, query: Mapping[str, str], body: bytes) -> str:
    """Take one message of WeChat's and answer it, sealed; "success" when there is nothing to say.

    Raises:
        OaRejected
    """
    now = utc_now()
    message = open_message(context.official_account.keys, query, body, now=now)
    with context.database.unit_of_work(SYSTEM) as session:
        is_new = official_accounts.note_message(session, message, now=now)
    words = _answer(context, message)
    # A second delivery of the same is answered, too: WeChat has not got our first answer.
    if words is None or (not is_new and message.get("MsgType") == "event"):
        return "success"
    keys = context.official_account.keys
    return seal_message(keys, text_reply(message, words, now=now), now=now)


def link(context: Context, follower_id: int) -> None:
    """Ask WeChat who a follower is in our other apps. Raises GatewayUnavailable: tried again."""
    with context.database.unit_of_work(SYSTEM) as session:
        follower = session.get(OaFollower, follower_id)
        openid = None if follower is None else follower.openid
    if openid is None:
        return
    unionid = context.official_account.find_unionid(openid)
    with context.database.unit_of_work(SYSTEM) as session:
        official_accounts.link_follower(
            session,
            follower_id=follower_id,
            appid=context.official_account.keys.appid,
            unionid=unionid,
        )


def publish_menu(context: Context, menu_id: int) -> None:
    """Give WeChat the newest menu, whichever version asked for it."""
    with context.database.unit_of_work(SYSTEM) as session:
        newest = session.query(OaMenu).order_by(OaMenu.id.desc()).limit(1).one()
        buttons, newest_id = list(newest.buttons), newest.id
    context.official_account.publish_menu(buttons)
    with context.database.unit_of_work(SYSTEM) as session:
        session.get_one(OaMenu, newest_id).published_at = utc_now()


def _answer(context: Context, message: Mapping[str, str]) -> str | None:
    """Words for a follower: as the platform wrote them, else what is published about it."""
    typed = message.get("Content", "")
    is_new = message.get("Event", "").lower() == "subscribe"
    if not is_new and message.get("MsgType") != "text":
        return None
    with context.database.unit_of_work(SYSTEM) as session:
        if is_new:
            return written_for(session, OaReplyKind.welcome) or _WELCOME
        written = answer_to(session, typed)
        nothing = written_for(session, OaReplyKind.nothing)
    return written or _search(context, typed, nothing)


def _search(context: Context, typed: str, nothing: str | None) -> str:
    base, typed = context.settings.public_base_url, typed[:100]
    with context.database.unit_of_work(PUBLIC) as session:
        found = search(session, typed=typed, now=utc_now(), narrowed=Narrowed(), limit=_ANSWERS)
    with context.database.unit_of_work(SYSTEM) as session:
        asked = [(typed, bool(found.items))]
        count_words(session, day=local_day(utc_now()), asked=asked)
    if not found.items:
        return nothing or f"{_NOTHING}{base}/search"
    return "\n".join(f"{item.title} {base}{item.url}" for item in found.items)
