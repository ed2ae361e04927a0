"""One person with two accounts: everything of the younger goes to the elder, to the last fen.

An account begins with a WeChat identity, and the official account and the mini-program know a
person by different ones. What shows that two are one person is WeChat's unionid, or a phone number
that WeChat vouches for.

Cards of programs that only one of both has change their holder. Where both have a card, the elder's
takes the place of the younger's, as a replacement does: lot by lot, and what is still on its way
back follows. The ledger sees only such replacements.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session, aliased

from app.core.actor import SYSTEM
from app.core.errors import N_, Category, DomainError
from app.models.cards import Card, CardStatus
from app.models.decisions import CardReturn, ReturnStatus
from app.models.notices import Notice, NoticeConsent
from app.models.official_account import OaFollower
from app.models.people import (
    AccessToken,
    Member,
    MemberIdentity,
    MemberStatus,
    PaymentCode,
)
from app.models.plumbing import IdempotencyRecord
from app.models.refund_requests import RefundRequest
from app.models.sales import Payment, Refund, TopUp
from app.models.vouchers import Gift
from app.services import journal
from app.services.people.erasures import require_no_open_business
from app.services.stored_value.cards import ENDED, move_value

# What names a member and is not the ledger's: it names the account that is left from now on.
_NAMING = (
    *(TopUp.member_id, TopUp.payer_id, Payment.member_id, Refund.member_id),
    *(Gift.sender_id, Gift.receiver_id, RefundRequest.member_id, CardReturn.member_id),
    *(AccessToken.member_id, MemberIdentity.member_id, Notice.member_id, OaFollower.member_id),
)
_KNOW_ALSO = text(
    "INSERT INTO member_merchant (member_id, merchant_id, first_seen_at)"
    " SELECT :kept_id, merchant_id, first_seen_at FROM member_merchant WHERE member_id = :gone_id"
    " ON CONFLICT DO NOTHING"
)


_AGREE_ALSO = text(
    "INSERT INTO notice_consent (member_id, kind, remaining, agreed_at)"
    " SELECT :kept_id, kind, remaining, agreed_at FROM notice_consent WHERE member_id = :gone_id"
    " ON CONFLICT (member_id, kind)"
    " DO UPDATE SET remaining = notice_consent.remaining + excluded.remaining"
)


class MembersNotJoined(DomainError):
    code = "members_not_joined"
    category = Category.CONFLICT
    template = N_(
        "These two accounts cannot be made one here: a card is frozen or lost, or both belong to"
        " different people in WeChat. Please contact customer service."
    )


def may_be_one_person(session: Session, *, member_id: int, other_id: int) -> bool:
    """Whether WeChat's identities leave it open that both accounts are one person's.

    Within one app a person has one identity, and one unionid over all of them.
    """
    rows = session.execute(
        select(MemberIdentity.member_id, MemberIdentity.appid, MemberIdentity.unionid).where(
            MemberIdentity.member_id.in_([member_id, other_id])
        )
    ).all()
    apps = [{row.appid for row in rows if row.member_id == one} for one in (member_id, other_id)]
    people = {row.unionid for row in rows if row.unionid}
    return not apps[0] & apps[1] and len(people) <= 1


def merge_members(
    session: Session, *, member_id: int, other_id: int, how: str, now: datetime
) -> Member:
    """Make one account of two. Returns the one that is left: the elder.

    Sessions of the younger go on as the elder's, and keys of its calls are kept, so that a phone
    that was about to repeat a call repeats it to no effect.

    Args:
        how: What showed that both are one person: ``unionid`` or ``phone``.

    Raises:
        MembersNotJoined: Of two people, or something of either is frozen or lost.
        MemberHasOpenBusiness: Money is on its way to or from the younger.
    """
    kept, gone = session.scalars(
        select(Member)
        .where(Member.id.in_([member_id, other_id]))
        .order_by(Member.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    if {kept.status, gone.status} != {MemberStatus.active}:
        raise MembersNotJoined
    if not may_be_one_person(session, member_id=kept.id, other_id=gone.id):
        raise MembersNotJoined
    require_no_open_business(session, member_id=gone.id)
    moved = _move_cards(session, kept.id, gone.id, now)
    _rename(session, kept.id, gone.id)
    _take_over_profile(session, kept, gone)
    journal.audit(
        session,
        "member.merged",
        actor=SYSTEM,
        subject_id=kept.id,
        member_id=kept.id,
        detail={"merged_member_id": gone.id, "how": how, "cards": moved},
    )
    return kept


def follow_merges(session: Session, *, now: datetime, limit: int = 100) -> int:
    """What a call under way has still given to a merged account goes where the rest went.

    Returns how many accounts had something.
    """
    holder = aliased(Card)
    late = session.scalars(
        select(Member)
        .where(
            Member.merged_into_id.is_not(None),
            select(holder.id)
            .where(holder.member_id == Member.id, holder.status.not_in(ENDED))
            .exists(),
        )
        .order_by(Member.id)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    ).all()
    for gone in late:
        kept_id = _last_merge(session, gone)
        _move_cards(session, kept_id, gone.id, now, late=True)
        _rename(session, kept_id, gone.id)
    return len(late)


def _last_merge(session: Session, gone: Member) -> int:
    at = gone
    while at.merged_into_id is not None:
        at = session.get_one(Member, at.merged_into_id)
    return at.id


def _move_cards(
    session: Session, kept_id: int, gone_id: int, now: datetime, *, late: bool = False
) -> int:
    cards = session.scalars(
        select(Card)
        .where(Card.member_id.in_([kept_id, gone_id]))
        .order_by(Card.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    mine = {c.program_id: c for c in cards if c.member_id == kept_id and c.status not in ENDED}
    coming = [card for card in cards if card.member_id == gone_id]
    pairs = [(card, mine[card.program_id]) for card in coming if _meets(card, mine)]
    if not late:
        _require_free(session, pairs)
    for card, into in pairs:
        move_value(session, old=card, new_id=into.id, now=now)
    for card in coming:
        card.member_id = kept_id
    session.flush()
    return len(coming)


def _meets(card: Card, mine: dict[int, Card]) -> bool:
    return card.status not in ENDED and card.program_id in mine


def _require_free(session: Session, pairs: Sequence[tuple[Card, Card]]) -> None:
    """A freeze, a loss or a return under way is of one card: it must not melt into another."""
    both = [card for pair in pairs for card in pair]
    if any(card.status is not CardStatus.active for card in both):
        raise MembersNotJoined
    returning = session.scalar(
        select(func.count(CardReturn.id)).where(
            CardReturn.card_id.in_([card.id for card in both]),
            CardReturn.status == ReturnStatus.requested,
        )
    )
    if returning:
        raise MembersNotJoined


def _rename(session: Session, kept_id: int, gone_id: int) -> None:
    for column in _NAMING:
        session.execute(
            update(column.class_).where(column == gone_id).values({column.key: kept_id})
        )
    both = {"kept_id": kept_id, "gone_id": gone_id}
    session.execute(_KNOW_ALSO, both)
    session.execute(_AGREE_ALSO, both)
    session.execute(delete(NoticeConsent).where(NoticeConsent.member_id == gone_id))
    session.execute(delete(PaymentCode).where(PaymentCode.member_id == gone_id))
    same = aliased(IdempotencyRecord)
    taken = select(same.key).where(
        same.caller == f"member:{kept_id}", same.key == IdempotencyRecord.key
    )
    session.execute(
        update(IdempotencyRecord)
        .where(
            IdempotencyRecord.caller == f"member:{gone_id}",
            IdempotencyRecord.http_status.is_not(None),
            ~taken.exists(),
        )
        .values(caller=f"member:{kept_id}")
        .execution_options(synchronize_session=False)
    )


def _take_over_profile(session: Session, kept: Member, gone: Member) -> None:
    """What the elder lacks. A number is one member's: the younger gives it up first."""
    nickname, avatar_url = gone.nickname, gone.avatar_url
    phone = (gone.phone_sealed, gone.phone_digest, gone.phone_masked)
    gone.status, gone.merged_into_id = MemberStatus.erased, kept.id
    gone.nickname = gone.avatar_url = ""
    gone.phone_sealed = gone.phone_digest = gone.phone_masked = None
    session.flush()
    kept.nickname = kept.nickname or nickname
    kept.avatar_url = kept.avatar_url or avatar_url
    if kept.phone_digest is None:
        kept.phone_sealed, kept.phone_digest, kept.phone_masked = phone
    session.flush()
