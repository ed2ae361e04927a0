"""Members: their WeChat identities, their phone, and the code that they show at a counter."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.core.keys import Keys, masked_phone
from app.models.people import Member, MemberIdentity, MemberStatus, PaymentCode
from app.services import journal
from app.services.messaging.followers import recognise_follower
from app.services.people.member_merges import may_be_one_person, merge_members
from app.services.ports import WeChatIdentity
from app.services.refusals import MemberFrozen, MemberNotFound

PAYMENT_CODE_LIFETIME = timedelta(seconds=60)


class PhoneTaken(DomainError):
    code = "phone_already_bound"
    category = Category.CONFLICT
    template = N_("This phone number belongs to another member. Please contact customer service.")


class MemberStateConflict(DomainError):
    code = "member_state_conflict"
    category = Category.CONFLICT
    template = N_("The member is in another state by now. Please look at the page again.")


def set_member_status(
    session: Session, *, member_id: int, status: MemberStatus, reason: str, actor: Actor
) -> Member:
    """Freeze a member, who then pays, gives and tops up nothing, or let them go on.

    What comes back to a frozen member's cards still arrives.

    Raises:
        MemberNotFound, MemberStateConflict: Erased, or in that state already.
    """
    assert status is not MemberStatus.erased, "erasing shreds: services/people/erasures"
    member = session.get(
        Member, member_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if member is None:
        raise MemberNotFound
    if member.status in {status, MemberStatus.erased}:
        raise MemberStateConflict
    member.status = status
    journal.audit(
        session,
        f"member.{status.name}",
        actor=actor,
        subject_id=member_id,
        member_id=member_id,
        detail={"reason": reason},
    )
    return member


def find_or_create_member(
    session: Session, *, appid: str, identity: WeChatIdentity, now: datetime
) -> Member:
    """The member behind a WeChat identity; a person known by another of our apps is the same one.

    Two first sign-ins at once make one member: the second waits on the identity's unique key.
    Whoever had two accounts until WeChat named the person (unionid) has one from now on.
    """
    known = _member_of(
        session, MemberIdentity.appid == appid, MemberIdentity.openid == identity.openid
    )
    if known is not None:
        return _join_by_unionid(session, known, appid, identity, now)
    # A lock on the person, since two apps may meet the same unionid at once.
    person = identity.unionid or f"{appid}:{identity.openid}"
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(person, 1))))
    known = _member_of(
        session, MemberIdentity.appid == appid, MemberIdentity.openid == identity.openid
    )
    if known is not None:
        return known
    member = None
    if identity.unionid:
        member = _member_of(session, MemberIdentity.unionid == identity.unionid)
    if member is None:
        member = Member(status=MemberStatus.active)
        session.add(member)
        session.flush()
    session.execute(
        insert(MemberIdentity).values(
            member_id=member.id, appid=appid, openid=identity.openid, unionid=identity.unionid
        )
    )
    recognise_follower(session, identity)
    return member


def change_profile(
    session: Session, *, member_id: int, nickname: str | None, avatar_url: str | None
) -> Member:
    member = session.get_one(Member, member_id)
    if nickname is not None:
        member.nickname = nickname
    if avatar_url is not None:
        member.avatar_url = avatar_url
    return member


def bind_phone(
    session: Session,
    *,
    member_id: int,
    phone: str,
    keys: Keys,
    join: bool = False,
    now: datetime | None = None,
) -> Member:
    """Bind the number that WeChat vouches for. Whoever else has it keeps it.

    Args:
        join: The number's other account is the same person's, who knows of both: make one of them.
            Gives the one that is left.

    Raises:
        PhoneTaken: The number is another member's. ``can_join`` says whether both could be one.
        MembersNotJoined, MemberHasOpenBusiness
    """
    lock_phone(session, keys.phone_digest(phone))
    owner = find_by_phone(session, phone=phone, keys=keys)
    if owner is not None and owner.id != member_id:
        if not join:
            apart = may_be_one_person(session, member_id=member_id, other_id=owner.id)
            raise PhoneTaken(extra={"can_join": apart})
        assert now is not None, "joining happens at an instant"
        member_id = merge_members(
            session, member_id=member_id, other_id=owner.id, how="phone", now=now
        ).id
    member = session.get_one(Member, member_id, with_for_update={"key_share": True})
    member.phone_sealed = keys.seal_phone(phone)
    member.phone_digest = keys.phone_digest(phone)
    member.phone_masked = masked_phone(phone)
    session.flush()
    return member


def find_by_phone(session: Session, *, phone: str, keys: Keys) -> Member | None:
    return session.scalars(
        select(Member).where(Member.phone_digest == keys.phone_digest(phone))
    ).one_or_none()


def lock_phone(session: Session, phone_digest: bytes) -> None:
    """Binding a number and money arriving for it are done one after the other."""
    number = int.from_bytes(phone_digest[:8], "big", signed=True)
    session.execute(select(func.pg_advisory_xact_lock(number)))


def issue_payment_code(
    session: Session, *, member_id: int, keys: Keys, now: datetime
) -> tuple[str, datetime]:
    """A fresh code for one payment within a minute: 18 digits, beginning like no WeChat code does.

    Raises:
        MemberFrozen: A frozen member pays nothing.
    """
    if session.get_one(Member, member_id).status is not MemberStatus.active:
        raise MemberFrozen
    code = f"28{secrets.randbelow(10**16):016d}"
    expires_at = now + PAYMENT_CODE_LIFETIME
    session.add(
        PaymentCode(
            code_digest=keys.payment_code_digest(code), member_id=member_id, expires_at=expires_at
        )
    )
    return code, expires_at


def _join_by_unionid(
    session: Session, known: Member, appid: str, identity: WeChatIdentity, now: datetime
) -> Member:
    """Note the person's unionid, and join the accounts that it shows to be one person's."""
    if not identity.unionid:
        return known
    noted = session.execute(
        update(MemberIdentity)
        .where(
            MemberIdentity.appid == appid,
            MemberIdentity.openid == identity.openid,
            MemberIdentity.unionid.is_distinct_from(identity.unionid),
        )
        .values(unionid=identity.unionid)
        .returning(MemberIdentity.id)
    )
    if noted.first() is not None:
        recognise_follower(session, identity)
    other = _member_of(session, MemberIdentity.unionid == identity.unionid, Member.id != known.id)
    if other is None:
        return known
    try:
        with session.begin_nested():
            return merge_members(
                session, member_id=known.id, other_id=other.id, how="unionid", now=now
            )
    except DomainError:
        # Money on its way, or an account that is frozen: the next sign-in looks again.
        return known


def _member_of(session: Session, *conditions: object) -> Member | None:
    return session.scalars(
        select(Member)
        .join(MemberIdentity, MemberIdentity.member_id == Member.id)
        .where(*conditions)  # type: ignore[arg-type]
        .order_by(Member.id)
        .limit(1)
    ).one_or_none()
