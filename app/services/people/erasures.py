"""A member who wants to be forgotten (注销): the person goes, the books stay."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.models.cards import Card, CardStatus
from app.models.notices import NoticeConsent
from app.models.people import AccessToken, Member, MemberIdentity, MemberStatus, PaymentCode
from app.models.sales import Payment, PaymentStatus, TopUp, TopUpStatus
from app.services import journal, ledger
from app.services.ledger import Leg
from app.services.messaging.followers import forget_follower
from app.services.refusals import MemberNotFound
from app.services.stored_value.cards import ENDED, lot_leg, lots_of


class MemberHasOpenBusiness(DomainError):
    code = "member_has_open_business"
    category = Category.CONFLICT
    template = N_("A payment or top-up of this member is not finished. Please try again later.")


def erase_member(session: Session, *, member_id: int, actor: Actor, now: datetime) -> int:
    """Shred who a member is and put what the cards hold aside. Returns the fen put aside.

    The value is kept under ``suspense:member``, also what comes back later: it is not ours. The
    identity (phone, openids, name, picture) cannot be had back.

    Raises:
        MemberHasOpenBusiness: Money is on its way to or from the member.
    """
    member = session.get(
        Member, member_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if member is None or member.status is MemberStatus.erased:
        raise MemberNotFound
    require_no_open_business(session, member_id=member_id)
    put_aside = _put_value_aside(session, member_id, now)
    _shred(session, member_id, now)
    journal.audit(
        session,
        "member.erased",
        actor=actor,
        subject_id=member_id,
        member_id=member_id,
        detail={"put_aside_fen": put_aside},
    )
    return put_aside


def require_no_open_business(session: Session, *, member_id: int) -> None:
    """Refuse while a payment or a top-up of the member waits for WeChat."""
    paying = session.scalar(
        select(func.count(Payment.id)).where(
            Payment.member_id == member_id,
            Payment.status.in_([PaymentStatus.pending, PaymentStatus.closing]),
        )
    )
    topping_up = session.scalar(
        select(func.count(TopUp.id)).where(
            TopUp.member_id == member_id,
            TopUp.status.in_([TopUpStatus.pending, TopUpStatus.closing, TopUpStatus.paid]),
        )
    )
    if paying or topping_up:
        raise MemberHasOpenBusiness


def _put_value_aside(session: Session, member_id: int, now: datetime) -> int:
    cards = session.scalars(
        select(Card)
        .where(Card.member_id == member_id, Card.status.not_in(ENDED))
        .order_by(Card.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    put_aside = sum(card.balance_fen for card in cards)
    legs = [
        lot_leg(lot, lot.remaining_fen) for card in cards for lot in lots_of(session, card=card)
    ]
    if legs:
        ledger.post_entry(
            session,
            kind="member_erased",
            reference=f"member:{member_id}:erased",
            legs=[*legs, Leg(account="suspense:member", amount_fen=-put_aside)],
            now=now,
        )
    for card in cards:
        card.status = CardStatus.returned
    session.flush()
    return put_aside


def _shred(session: Session, member_id: int, now: datetime) -> None:
    member = session.get_one(Member, member_id)
    member.status, member.nickname, member.avatar_url = MemberStatus.erased, "", ""
    member.phone_sealed = member.phone_digest = member.phone_masked = None
    session.flush()
    session.execute(
        update(MemberIdentity)
        .where(MemberIdentity.member_id == member_id)
        .values(openid=func.concat("erased:", MemberIdentity.id), unionid=None)
    )
    forget_follower(session, member_id=member_id)
    session.execute(
        update(TopUp)
        .where(TopUp.member_id == member_id)
        .values(phone_digest=None, phone_masked=None)
    )
    session.execute(delete(NoticeConsent).where(NoticeConsent.member_id == member_id))
    session.execute(delete(PaymentCode).where(PaymentCode.member_id == member_id))
    session.execute(
        update(AccessToken)
        .where(AccessToken.member_id == member_id, AccessToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )
