"""Before money is taken at a counter: whom a top-up is for, what it brings, what papers cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import SYSTEM, Actor
from app.core.clock import utc_now
from app.flows.context import Context
from app.flows.sales.taking_cash import CashReceiver
from app.models.cards import Card, CardStatus, ProgramAcceptance
from app.models.people import Member, MemberStatus, PaymentCode
from app.queries.stored_value.programs import ProgramSeen, list_programs
from app.services.people.members import find_by_phone
from app.services.refusals import (
    CardNotFound,
    MemberFrozen,
    MemberNotFound,
    PaymentCodeInvalid,
)
from app.services.tills import till_sales
from app.services.tills.till_sales import Chosen, PapersSeen


@dataclass(frozen=True, kw_only=True)
class ReceiverSeen:
    """Who would get the money, as far as a cashier may know, and the programs it may go into."""

    member: Member
    programs: Sequence[ProgramSeen]


def find_receiver(context: Context, *, receiver: CashReceiver, till: Actor) -> ReceiverSeen:
    """Changes nothing: a payment code that was looked at is still good.

    Raises:
        MemberNotFound, CardNotFound, PaymentCodeInvalid, MemberFrozen
    """
    with context.database.unit_of_work(SYSTEM) as session:
        member, program_id = _find(session, context, receiver)
        if member.status is not MemberStatus.active:
            raise MemberFrozen
        accepted = set(
            session.scalars(
                select(ProgramAcceptance.program_id).where(
                    ProgramAcceptance.merchant_id == till.merchant_id
                )
            )
        )
        if program_id is not None:
            accepted &= {program_id}
        programs = [one for one in list_programs(session) if one.id in accepted]
    return ReceiverSeen(member=member, programs=programs)


def quote_papers(context: Context, *, chosen: Chosen, till: Actor) -> PapersSeen:
    """What these papers cost at this store, refused as a sale of them would be.

    Raises:
        SerialMistyped, TooMuchPaper, PaperNotForSale
    """
    with context.database.unit_of_work(SYSTEM) as session:
        return till_sales.quote_papers(session, chosen=chosen, till=till, now=utc_now())


def _find(session: Session, context: Context, receiver: CashReceiver) -> tuple[Member, int | None]:
    if receiver.phone is not None:
        found = find_by_phone(session, phone=receiver.phone, keys=context.keys)
        if found is None:
            raise MemberNotFound
        return found, None
    if receiver.card_no is not None:
        card = session.scalars(
            select(Card).where(
                Card.card_no == receiver.card_no,
                Card.status.not_in([CardStatus.replaced, CardStatus.returned]),
            )
        ).one_or_none()
        if card is None or card.member_id is None:
            raise CardNotFound
        return session.get_one(Member, card.member_id), card.program_id
    assert receiver.payment_code is not None, "one of three says whom"
    member_id = session.scalar(
        select(PaymentCode.member_id).where(
            PaymentCode.code_digest == context.keys.payment_code_digest(receiver.payment_code),
            PaymentCode.used_at.is_(None),
            PaymentCode.expires_at > utc_now(),
        )
    )
    if member_id is None:
        raise PaymentCodeInvalid
    return session.get_one(Member, member_id), None
