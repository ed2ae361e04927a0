"""Top-ups: by WeChat Pay (for oneself or a phone), by a printed code. Cash: cash_top_ups.py.

Each ends in ``kaquan.credit_top_up``. Caps are checked before money is asked for, under the
member's lock.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.business_settings import UNCLAIMED_DAYS
from app.core.keys import Keys, masked_phone
from app.models.cards import CardProgram, ProgramStatus
from app.models.people import Member, MemberIdentity, MemberStatus
from app.models.sales import (
    Refund,
    RefundOrigin,
    RefundStatus,
    TopUp,
    TopUpChannel,
    TopUpStatus,
)
from app.services import journal, ledger
from app.services.business_settings import read_setting
from app.services.ledger import Leg
from app.services.people.members import find_by_phone, lock_phone
from app.services.refusals import (
    CardCapExceeded,
    MemberFrozen,
    ProgramNotFound,
    TopUpBelowMinimum,
    TopUpNotFound,
)
from app.services.stored_value.caps import room_on_card

LIFETIME = timedelta(minutes=30)
MAX_TOP_UP_FEN = 5_000_000

_BONUS = text("SELECT kaquan.bonus_for(:program_id, :amount_fen)")
_CARD_OF = text("SELECT id FROM kaquan.card_of(:member_id, :program_id, :now)")
_CREDIT = text("SELECT kaquan.credit_top_up(:top_up_id, :card_id, :source, :now)")


def begin_wechat_top_up(
    session: Session,
    *,
    payer: Actor,
    amount_fen: int,
    phone: str | None,
    program_id: int | None,
    keys: Keys,
    now: datetime,
) -> TopUp:
    """Write a pending top-up for the payer, or for whoever has (or will bind) a phone number.

    Raises:
        ProgramNotFound, TopUpBelowMinimum, CardCapExceeded, MemberFrozen: No money was asked for.
    """
    assert payer.member_id is not None, "only a member pays by WeChat"
    program = _program_on_sale(session, program_id)
    if amount_fen < program.min_top_up_fen:
        raise TopUpBelowMinimum(extra={"minimum_fen": program.min_top_up_fen})
    phone_digest = None if phone is None else keys.phone_digest(phone)
    receiver = _receiver(session, payer.member_id, phone, keys)
    bonus_fen = session.scalar(_BONUS, {"program_id": program.id, "amount_fen": amount_fen}) or 0
    room = room_on_card(
        session,
        member_id=None if receiver is None else receiver.id,
        program_id=program.id,
        phone_digest=phone_digest,
    )
    if amount_fen + bonus_fen > room:
        raise CardCapExceeded(extra={"room_fen": max(room, 0)})
    top_up_id, top_up_no = journal.next_document(session, table="top_up", letter="T", now=now)
    top_up = TopUp(
        id=top_up_id, top_up_no=top_up_no, merchant_id=program.merchant_id, program_id=program.id,
        channel=TopUpChannel.wechat, status=TopUpStatus.pending, amount_fen=amount_fen,
        bonus_fen=bonus_fen, member_id=receiver and receiver.id, payer_id=payer.member_id,
        phone_digest=phone_digest, phone_masked=phone and masked_phone(phone),
        expires_at=now + LIFETIME, created_at=now,
    )  # fmt: skip
    session.add(top_up)
    journal.audit(session, "top_up.begun", actor=payer, subject_id=top_up_id)
    return top_up


def payer_openid(session: Session, *, member_id: int, appid: str) -> str:
    """The payer's openid in one of our apps; empty for a member who never used it."""
    found = session.scalar(
        select(MemberIdentity.openid)
        .where(MemberIdentity.member_id == member_id, MemberIdentity.appid == appid)
        .limit(1)
    )
    return found or ""


def keep_prepay(session: Session, *, top_up_id: int, prepay_id: str) -> TopUp:
    top_up = lock_top_up(session, TopUp.id == top_up_id)
    if top_up.status is TopUpStatus.pending:
        top_up.prepay_id = prepay_id
    return top_up


def begin_closing(session: Session, *, top_up_id: int) -> TopUp:
    top_up = lock_top_up(session, TopUp.id == top_up_id)
    if top_up.status is TopUpStatus.pending:
        top_up.status = TopUpStatus.closing
    return top_up


def close_top_up(session: Session, *, top_up_id: int) -> TopUp:
    """The order is closed at WeChat, so nothing will come."""
    top_up = lock_top_up(session, TopUp.id == top_up_id)
    if top_up.status in {TopUpStatus.pending, TopUpStatus.closing}:
        top_up.status = TopUpStatus.closed
    return top_up


def confirm_top_up(
    session: Session, *, order_no: str, transaction_id: str, paid_fen: int, now: datetime
) -> str:
    """WeChat has the payer's money: credit the card, or keep it for a phone nobody has bound.

    Returns:
        ``credited``, ``kept``, ``repeated``, ``late`` (closed before; it goes back), or
        ``amount_differs``.
    """
    number = session.scalar(select(TopUp.phone_digest).where(TopUp.top_up_no == order_no))
    if number is not None:
        lock_phone(session, number)
    top_up = lock_top_up(session, TopUp.top_up_no == order_no)
    if top_up.wechat_transaction_id == transaction_id:
        return "repeated"
    if paid_fen != top_up.amount_fen:
        return "amount_differs"
    top_up.wechat_transaction_id, top_up.paid_at = transaction_id, now
    if top_up.status is TopUpStatus.closed:
        _give_back(session, top_up, "unapplied:wechat", now)
        return "late"
    journal.send_later(session, "top_up.captured", subject_id=top_up.id)
    if top_up.member_id is None and top_up.phone_digest is not None:
        top_up.member_id = session.scalar(
            select(Member.id).where(Member.phone_digest == top_up.phone_digest)
        )
    if top_up.member_id is None:
        _keep_for_phone(session, top_up, now)
        return "kept"
    _credit(session, top_up, "bank:wechat", now)
    return "credited"


def deliver_to_phone(session: Session, *, member: Member, now: datetime) -> int:
    """Move what was paid for a phone onto the card of the member who has now bound it.

    What would go over a cap waits until there is room, or goes back. Returns the fen delivered.
    """
    waiting = session.scalars(
        select(TopUp)
        .where(TopUp.phone_digest == member.phone_digest, TopUp.status == TopUpStatus.paid)
        .order_by(TopUp.id)
        .with_for_update(key_share=True)
    ).all()
    session.execute(select(Member.id).where(Member.id == member.id).with_for_update(key_share=True))
    delivered = 0
    for top_up in waiting:
        worth = top_up.amount_fen + top_up.bonus_fen
        if worth > room_on_card(session, member_id=member.id, program_id=top_up.program_id):
            continue
        top_up.member_id = member.id
        _credit(session, top_up, "pending:top-up", now)
        delivered += worth
    return delivered


def return_unclaimed(session: Session, *, now: datetime, limit: int = 100) -> int:
    """Send money back that nobody's phone has claimed for the period. Returns how many top-ups."""
    unclaimed_since = now - timedelta(days=read_setting(session, UNCLAIMED_DAYS))
    due = session.scalars(
        select(TopUp)
        .where(TopUp.status == TopUpStatus.paid, TopUp.paid_at <= unclaimed_since)
        .order_by(TopUp.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for top_up in due:
        top_up.status = TopUpStatus.refunded
        _give_back(session, top_up, "pending:top-up", now)
    return len(due)


def lock_top_up(session: Session, condition: object) -> TopUp:
    """The top-up of which that is true, locked and as it is now.

    Raises:
        TopUpNotFound
    """
    found = session.scalars(
        select(TopUp)
        .where(condition)  # type: ignore[arg-type]
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise TopUpNotFound
    return found


def card_for(session: Session, *, member_id: int, program_id: int, now: datetime) -> int:
    """The member's card of a program, opened when there is none yet, and locked."""
    card_id = session.scalar(
        _CARD_OF, {"member_id": member_id, "program_id": program_id, "now": now}
    )
    assert card_id is not None
    return int(card_id)


def credit(session: Session, *, top_up: TopUp, card_id: int, source: str, now: datetime) -> None:
    """Book a top-up onto a locked card from the account where the money is."""
    session.flush()
    session.execute(
        _CREDIT, {"top_up_id": top_up.id, "card_id": card_id, "source": source, "now": now}
    )
    session.expire_all()


def _credit(session: Session, top_up: TopUp, source: str, now: datetime) -> None:
    assert top_up.member_id is not None, "money has found its member"
    card_id = card_for(session, member_id=top_up.member_id, program_id=top_up.program_id, now=now)
    credit(session, top_up=top_up, card_id=card_id, source=source, now=now)


def _keep_for_phone(session: Session, top_up: TopUp, now: datetime) -> None:
    top_up.status = TopUpStatus.paid
    session.flush()
    _move(session, top_up, "top_up_kept", "paid", "bank:wechat", "pending:top-up", now)


def _give_back(session: Session, top_up: TopUp, source: str, now: datetime) -> None:
    """Ask for a refund to the payer, from the account where the money is."""
    if source == "unapplied:wechat":
        _move(session, top_up, "top_up_late", "late", "bank:wechat", source, now)
    refund_id, refund_no = journal.next_document(session, table="refund", letter="F", now=now)
    session.add(
        Refund(
            id=refund_id, refund_no=refund_no, merchant_id=top_up.merchant_id,
            member_id=top_up.payer_id, top_up_id=top_up.id, origin=RefundOrigin.top_up,
            status=RefundStatus.processing, amount_fen=top_up.amount_fen, card_fen=0,
            wechat_fen=top_up.amount_fen, order_no=top_up.top_up_no, order_fen=top_up.amount_fen,
            reason="top-up not credited",
        )
    )  # fmt: skip
    session.flush()
    ids = {"top_up_id": top_up.id, "refund_id": refund_id}
    ledger.post_entry(
        session,
        kind="refund_requested",
        reference=f"refund:{refund_id}:requested",
        legs=[
            Leg(account=source, amount_fen=top_up.amount_fen, **ids),
            Leg(account="refunds:wechat", amount_fen=-top_up.amount_fen, **ids),
        ],
        now=now,
    )
    journal.send_later(session, "refund.requested", subject_id=refund_id)


def _move(
    session: Session, top_up: TopUp, kind: str, event: str, debit: str, credited: str, now: datetime
) -> None:
    ledger.post_entry(
        session,
        kind=kind,
        reference=f"top-up:{top_up.id}:{event}",
        legs=[
            Leg(account=debit, amount_fen=top_up.amount_fen, top_up_id=top_up.id),
            Leg(account=credited, amount_fen=-top_up.amount_fen, top_up_id=top_up.id),
        ],
        now=now,
    )


def _receiver(session: Session, payer_id: int, phone: str | None, keys: Keys) -> Member | None:
    receiver: Member | None
    if phone is None:
        receiver = session.get_one(Member, payer_id)
    else:
        lock_phone(session, keys.phone_digest(phone))
        receiver = find_by_phone(session, phone=phone, keys=keys)
    if receiver is None:
        return None
    session.refresh(receiver, with_for_update={"key_share": True})
    if receiver.status is not MemberStatus.active:
        raise MemberFrozen
    return receiver


def _program_on_sale(session: Session, program_id: int | None) -> CardProgram:
    wanted = CardProgram.is_default if program_id is None else CardProgram.id == program_id
    program = session.scalars(
        select(CardProgram).where(wanted, CardProgram.status == ProgramStatus.onsale)
    ).one_or_none()
    if program is None:
        raise ProgramNotFound
    return program
