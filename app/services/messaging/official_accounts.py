"""The official account: followers, each message once, its menu."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.models.official_account import OaFollower, OaMenu, OaMessage
from app.models.people import MemberIdentity
from app.services import journal
from app.services.messaging.notices import note_arrival
from app.services.ports import WeChatIdentity


class MenuInvalid(DomainError):
    code = "menu_invalid"
    category = Category.INVALID
    template = N_(
        "Line %(line)s cannot be a menu entry. Up to three entries, each with up to five below it;"
        " write name, bar, address; names have up to 16 bytes above and 60 below."
    )


def note_message(session: Session, message: Mapping[str, str], *, now: datetime) -> bool:
    """Note a message of WeChat's; False when it was noted before. Follows are acted on at once."""
    openid = message.get("FromUserName", "")
    event = message.get("Event", "").lower()
    kind = event or message.get("MsgType", "")
    told = message.get("MsgID", "")  # Of which template message an event tells.
    key = message.get("MsgId") or f"{openid}:{message.get('CreateTime', '')}:{event}{told}"
    scene = (message.get("EventKey") or message.get("Status", ""))[:200]
    noted = session.execute(
        insert(OaMessage)
        .values(message_key=key, openid=openid, kind=kind, subject=scene)
        .on_conflict_do_nothing()
        .returning(OaMessage.message_key)
    ).one_or_none()
    if noted is None:
        return False
    if event in {"subscribe", "scan"}:
        _follow(session, openid=openid, scene=scene, now=now)
    if event == "unsubscribe":
        note_unfollowed(session, openid=openid, now=now)
    if event == "templatesendjobfinish" and told:
        note_arrival(session, message_id=told, status=message.get("Status", ""))
    return True


def note_unfollowed(session: Session, *, openid: str, now: datetime) -> None:
    session.execute(
        update(OaFollower)
        .where(OaFollower.openid == openid, OaFollower.unfollowed_at.is_(None))
        .values(unfollowed_at=now)
    )


def link_follower(session: Session, *, follower_id: int, appid: str, unionid: str | None) -> None:
    """Know the member behind a follower: whoever has the same unionid in another of our apps.

    Else it is whoever has signed in by the account before, if anybody has.
    """
    follower = session.get(OaFollower, follower_id, with_for_update=True)
    if follower is None:
        return
    here = select(MemberIdentity.member_id).where(
        MemberIdentity.appid == appid, MemberIdentity.openid == follower.openid
    )
    if unionid is None:
        follower.member_id = session.scalar(here)
        return
    follower.unionid = unionid
    elsewhere = select(MemberIdentity.member_id).where(MemberIdentity.unionid == unionid)
    member_id = session.scalar(elsewhere.order_by(MemberIdentity.id).limit(1))
    member_id = member_id or session.scalar(here)
    if member_id is None:
        return
    follower.member_id = member_id
    identity = WeChatIdentity(openid=follower.openid, unionid=unionid)
    session.execute(
        insert(MemberIdentity)
        .values(member_id=member_id, appid=appid, openid=identity.openid, unionid=identity.unionid)
        .on_conflict_do_nothing()
    )


def keep_menu(session: Session, *, lines: str, actor: Actor) -> OaMenu:
    """Keep a new version of the menu, and have it published by a job.

    Raises:
        MenuInvalid
    """
    assert actor.staff_id is not None, "a person publishes a menu"
    menu = OaMenu(buttons=read_menu(lines), staff_id=actor.staff_id)
    session.add(menu)
    session.flush()
    journal.send_later(session, "oa.menu_kept", subject_id=menu.id)
    journal.audit(session, "oa.menu_kept", actor=actor, subject_id=menu.id)
    return menu


def read_menu(lines: str) -> list[dict[str, object]]:
    """``name | address`` a line; a line that begins with ``-`` belongs to the one above it."""
    buttons: list[dict[str, object]] = []
    for number, line in enumerate(filter(None, (raw.strip() for raw in lines.splitlines())), 1):
        below = line.startswith("-")
        name, _, url = (part.strip() for part in line.lstrip("- ").partition("|"))
        button: dict[str, object] = {"name": name}
        if url:
            button |= {"type": "view", "url": url}
        parent = buttons[-1] if buttons else {}
        children = parent.setdefault("sub_button", []) if below and parent else buttons
        assert isinstance(children, list), "a menu is made of lists"
        if not _is_good(name, url, below=below) or len(children) >= (5 if below else 3):
            raise MenuInvalid(line=number)
        if below and not buttons:
            raise MenuInvalid(line=number)
        children.append(button)
    if not buttons or any("url" not in b and not b.get("sub_button") for b in buttons):
        raise MenuInvalid(line=len(buttons) or 1)
    return buttons


def write_menu(buttons: list[dict[str, object]]) -> str:
    """A menu as lines again, to be changed."""
    lines = []
    for button in buttons:
        lines.append(" | ".join(str(button[key]) for key in ("name", "url") if key in button))
        below = button.get("sub_button") or []
        assert isinstance(below, list), "a menu is made of lists"
        lines += [f"- {child['name']} | {child['url']}" for child in below]
    return "\n".join(lines)


def _follow(session: Session, *, openid: str, scene: str, now: datetime) -> None:
    new = insert(OaFollower).values(openid=openid, scene=scene, followed_at=now)
    follower_id = session.scalars(
        new.on_conflict_do_update(
            index_elements=["openid"], set_={"unfollowed_at": None, "scene": new.excluded.scene}
        ).returning(OaFollower.id)
    ).one()
    journal.send_later(session, "oa.followed", subject_id=follower_id)


def _is_good(name: str, url: str, *, below: bool) -> bool:
    if not name or len(name.encode()) > (60 if below else 16):
        return False
    return not (url or below) or (
        urlsplit(url).scheme in {"http", "https"} and bool(urlsplit(url).netloc)
    )
