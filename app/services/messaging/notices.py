"""Notices: what a member agreed to hear of, written once an event and told once by a job."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.business_settings import EXPIRY_NOTICE_DAYS
from app.core.errors import N_, Category, DomainError
from app.core.notice_templates import TellingAccount
from app.models.notices import Notice, NoticeChannel, NoticeConsent, NoticeKind, NoticeStatus
from app.services import journal
from app.services.business_settings import read_setting


class NoticeNotRefused(DomainError):
    code = "notice_not_refused"
    category = Category.CONFLICT
    template = N_("This message is not refused any more. Please look at the page again.")


MOST_KEPT = 20  # Agreements of one kind; WeChat keeps count too.

_WRITE_EXPIRING = text("SELECT kaquan.write_expiry_notices(:now, :until, :appid, :kinds)")


def agree_to_notices(
    session: Session, *, member_id: int, kinds: Collection[NoticeKind], now: datetime
) -> None:
    """One more message of each of these kinds may be sent: WeChat asked, and the member agreed."""
    for kind in sorted(kinds, key=lambda kind: kind.name):
        session.execute(
            insert(NoticeConsent)
            .values(member_id=member_id, kind=kind, remaining=1, agreed_at=now)
            .on_conflict_do_update(
                index_elements=["member_id", "kind"],
                set_={"remaining": NoticeConsent.remaining + 1, "agreed_at": now},
                where=NoticeConsent.remaining < MOST_KEPT,
            )
        )


def write_expiry_notices(session: Session, *, now: datetime, account: TellingAccount) -> int:
    """Tell of value that ends within the days that the setting names. Returns how many."""
    until = now + timedelta(days=read_setting(session, EXPIRY_NOTICE_DAYS))
    told = {"now": now, "until": until, "appid": account.appid, "kinds": list(account.kinds)}
    return int(session.scalar(_WRITE_EXPIRING, told) or 0)


def take_waiting(session: Session, *, notice_id: int) -> Notice | None:
    """The notice to send now, counted as tried; None when it was sent or refused already."""
    notice = session.scalars(
        select(Notice).where(Notice.id == notice_id).with_for_update()
    ).one_or_none()
    if notice is None or notice.status is not NoticeStatus.waiting:
        return None
    notice.tries += 1
    session.flush()
    return notice


def send_again(session: Session, *, notice_id: int, actor: Actor) -> Notice:
    """Let the job try a refused notice once more. The member's agreement was used up before.

    Raises:
        NoticeNotRefused: It waits, or has arrived.
    """
    notice = session.get_one(Notice, notice_id, with_for_update=True)
    if notice.status is not NoticeStatus.refused:
        raise NoticeNotRefused
    before, notice.status, notice.reason = notice.reason, NoticeStatus.waiting, ""
    journal.send_later(session, "notice.written", subject_id=notice_id)
    journal.audit(
        session,
        "notice.send_again",
        actor=actor,
        subject_id=notice_id,
        member_id=notice.member_id,
        detail={"reason": before},
    )
    return notice


def tell_by_account(session: Session, *, notice_id: int) -> Notice:
    """The mini-program's message cannot arrive: the official account sends one in its place."""
    first = session.get_one(Notice, notice_id)
    assert first.channel is NoticeChannel.mini_program, "there is no third way"
    second = Notice(
        member_id=first.member_id,
        kind=first.kind,
        subject_id=first.subject_id,
        channel=NoticeChannel.official_account,
    )
    session.add(second)
    session.flush()
    journal.send_later(session, "notice.written", subject_id=second.id)
    return second


def note_sent(
    session: Session, *, notice_id: int, now: datetime, message_id: str | None = None
) -> None:
    """WeChat has taken it. By ``message_id`` it tells later of one that did not arrive."""
    notice = session.get_one(Notice, notice_id, with_for_update=True)
    notice.status, notice.sent_at, notice.reason = NoticeStatus.sent, now, ""
    notice.message_id = message_id


def note_waiting(session: Session, *, notice_id: int, reason: str) -> None:
    """WeChat does not take it now: the job is tried again, and the log says why it takes long."""
    notice = session.get_one(Notice, notice_id, with_for_update=True)
    if notice.status is NoticeStatus.waiting:
        notice.reason = reason


def note_arrival(session: Session, *, message_id: str, status: str) -> None:
    """WeChat tells what became of a template message: "success", "failed:user block", …"""
    if status == "success":
        return
    reason = "user_block" if "block" in status else "system_failed"
    session.execute(
        update(Notice)
        .where(Notice.message_id == message_id, Notice.status == NoticeStatus.sent)
        .values(status=NoticeStatus.refused, reason=reason)
    )


def note_refused(session: Session, *, notice_id: int, reason: str, withdrawn: bool) -> None:
    """WeChat says no for good, or there is nobody to send it to.

    Args:
        withdrawn: The member does not want such messages any more: what was agreed to is over.
    """
    notice = session.get_one(Notice, notice_id, with_for_update=True)
    notice.status, notice.reason = NoticeStatus.refused, reason
    if withdrawn:
        session.execute(
            update(NoticeConsent)
            .where(NoticeConsent.member_id == notice.member_id, NoticeConsent.kind == notice.kind)
            .values(remaining=0)
        )
