"""Cards after they are sold: frozen, lost, replaced, corrected by two people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.models.cards import Card, CardProgram, CardStatus, Lot, LotKind
from app.models.people import Member
from app.services import journal, ledger
from app.services.bearers import bonus_leg
from app.services.ledger import Leg
from app.services.refusals import CardCapExceeded, CardNotFound
from app.services.stored_value.caps import room_on_card
from app.services.two_people import SecondPersonRequired, require_another, require_reason

ENDED = (CardStatus.replaced, CardStatus.returned)

_OPEN_CARD = text("SELECT kaquan.open_card(:program_id, :now)")
_MOVE_LOT = text("SELECT kaquan.move_lot(:lot_id, :card_id, :now)")
_OPEN_LOT = text("SELECT kaquan.open_lot(:card_id, :kind, :fen, NULL, :expires_at, 0)")


class CardStateConflict(DomainError):
    code = "card_state_conflict"
    category = Category.CONFLICT
    template = N_("The card is in another state by now. Please look at it again.")


class CardBalanceShort(DomainError):
    code = "card_balance_short"
    category = Category.CONFLICT
    template = N_("The card holds less than this. Please choose a smaller amount.")


def freeze_card(session: Session, *, card_id: int, reason: str, actor: Actor) -> Card:
    """Stop a card from paying; it may still receive what comes back."""
    return _set_status(session, card_id, [CardStatus.active], CardStatus.frozen, reason, actor)


def unfreeze_card(session: Session, *, card_id: int, reason: str, actor: Actor) -> Card:
    """Let a frozen card pay again."""
    return _set_status(session, card_id, [CardStatus.frozen], CardStatus.active, reason, actor)


def report_lost(session: Session, *, card_id: int, reason: str, actor: Actor) -> Card:
    """Report a card lost (挂失): it is of no use to anybody until it is replaced."""
    known = [CardStatus.active, CardStatus.frozen]
    return _set_status(session, card_id, known, CardStatus.lost, reason, actor)


def replace_card(session: Session, *, card_id: int, actor: Actor, now: datetime) -> Card:
    """Replace a lost card (补卡): all its value goes to a new card, lot by lot.

    What is still on its way back to the old card (a released hold, a refund) follows.

    Raises:
        CardStateConflict: The card was not reported lost.
    """
    old = lock_card(session, card_id=card_id)
    if old.status is not CardStatus.lost:
        raise CardStateConflict(extra={"status": old.status.name})
    member_id = old.member_id
    new_id = session.scalar(_OPEN_CARD, {"program_id": old.program_id, "now": now})
    assert new_id is not None
    move_value(session, old=old, new_id=new_id, now=now)
    new = session.get_one(Card, new_id)
    new.member_id = member_id
    session.flush()
    journal.send_later(session, "card.replaced", subject_id=new_id, merchant_id=new.merchant_id)
    _audit(session, "card.replaced", old, actor, {"replaced_by": new_id})
    return new


def adjust_card(
    session: Session,
    *,
    card_id: int,
    request_no: str,
    amount_fen: int,
    reason: str,
    maker: Actor,
    approver: Actor,
    now: datetime,
) -> int:
    """Correct a card by two people's decision. Returns the entry's id.

    More is a new lot of principal, within the card's cap. Less is taken from the lots in spending
    order; a bonus that is taken away is its bearer's again.

    Args:
        request_no: The decision's own number; it is carried out once.
        amount_fen: Positive puts value onto the card, negative takes it off.

    Raises:
        SecondPersonRequired, ReasonRequired, CardStateConflict, CardBalanceShort, CardCapExceeded
    """
    assert amount_fen != 0
    if maker.staff_id is None:
        raise SecondPersonRequired
    require_another(approver, than=maker.staff_id)
    require_reason(reason)
    card = _lock_with_member(session, card_id)
    if card.status is not CardStatus.active:
        raise CardStateConflict(extra={"status": card.status.name})
    if amount_fen > 0:
        legs = _legs_onto(session, card, amount_fen, now)
    else:
        legs = _legs_off(session, card, -amount_fen)
    entry_id = ledger.post_entry(
        session,
        kind="card_adjusted",
        reference=f"card-adjustment:{request_no}",
        legs=legs,
        now=now,
        reason=reason,
    )
    journal.send_later(session, "card.adjusted", subject_id=card_id, merchant_id=card.merchant_id)
    _audit(
        session,
        "card.adjusted",
        card,
        approver,
        {"amount_fen": amount_fen, "reason": reason, "maker_id": maker.staff_id},
    )
    return entry_id


def lock_card(session: Session, *, card_id: int) -> Card:
    """A card's row, locked and read afresh.

    Raises:
        CardNotFound: Also for a card that has ended.
    """
    card = session.get(Card, card_id, with_for_update={"key_share": True}, populate_existing=True)
    if card is None or card.status in ENDED:
        raise CardNotFound
    return card


def move_value(session: Session, *, old: Card, new_id: int, now: datetime) -> None:
    """All that a locked card holds goes to another one of its program, which takes its place.

    Each lot stays a lot of its own, with its kind, bearer and expiry. Caps do not count: nothing
    is issued.
    """
    legs: list[Leg] = []
    for lot in lots_of(session, card=old):
        moved_id = session.scalar(_MOVE_LOT, {"lot_id": lot.id, "card_id": new_id, "now": now})
        legs += [
            lot_leg(lot, lot.remaining_fen),
            Leg(
                account="card",
                amount_fen=-lot.remaining_fen,
                merchant_id=lot.merchant_id,
                card_id=new_id,
                lot_id=moved_id,
            ),
        ]
    if legs:
        ledger.post_entry(
            session,
            kind="card_replaced",
            reference=f"card:{old.id}:replaced",
            legs=legs,
            now=now,
        )
    old.status, old.replaced_by_id = CardStatus.replaced, new_id
    session.flush()  # A member has one living card of a program: the old one goes first.


def lots_of(session: Session, *, card: Card) -> Sequence[Lot]:
    """What a locked card holds, lot by lot, in spending order."""
    return session.scalars(
        select(Lot)
        .join(Card, Card.id == Lot.card_id)
        .join(CardProgram, CardProgram.id == Card.program_id)
        .where(Lot.card_id == card.id, Lot.remaining_fen > 0)
        .order_by(Lot.expires_at.nulls_last(), Lot.kind != CardProgram.spend_first, Lot.id)
        .execution_options(populate_existing=True)
    ).all()


def lot_leg(lot: Lot, amount_fen: int) -> Leg:
    """A debit takes value from a lot."""
    return Leg(
        account="card",
        amount_fen=amount_fen,
        merchant_id=lot.merchant_id,
        card_id=lot.card_id,
        lot_id=lot.id,
    )


def _lock_with_member(session: Session, card_id: int) -> Card:
    """The member first, then the card: every way onto a card looks at its cap in this order."""
    member_id = session.scalar(select(Card.member_id).where(Card.id == card_id))
    if member_id is not None:
        session.execute(
            select(Member.id).where(Member.id == member_id).with_for_update(key_share=True)
        )
    return lock_card(session, card_id=card_id)


def _legs_onto(session: Session, card: Card, amount_fen: int, now: datetime) -> list[Leg]:
    program = session.get_one(CardProgram, card.program_id)
    if card.member_id is None:
        room = program.anonymous_cap_fen - card.balance_fen
    else:
        room = room_on_card(session, member_id=card.member_id, program_id=program.id)
    if amount_fen > room:
        raise CardCapExceeded(extra={"room_fen": max(room, 0)})
    days = program.principal_days
    lot_id = session.scalar(
        _OPEN_LOT,
        {
            "card_id": card.id,
            "kind": LotKind.principal.name,
            "fen": amount_fen,
            "expires_at": None if days is None else now + timedelta(days=days),
        },
    )
    return [
        Leg(account="expense:adjustment", amount_fen=amount_fen),
        Leg(
            account="card",
            amount_fen=-amount_fen,
            merchant_id=card.merchant_id,
            card_id=card.id,
            lot_id=lot_id,
        ),
    ]


def _legs_off(session: Session, card: Card, amount_fen: int) -> list[Leg]:
    if amount_fen > card.balance_fen:
        raise CardBalanceShort(extra={"balance_fen": card.balance_fen})
    legs: list[Leg] = []
    for lot in lots_of(session, card=card):
        fen = min(lot.remaining_fen, amount_fen)
        if fen == 0:
            break
        amount_fen -= fen
        legs.append(lot_leg(lot, fen))
        if lot.kind is LotKind.principal:
            legs.append(Leg(account="expense:adjustment", amount_fen=-fen))
        else:
            legs.append(bonus_leg(lot.bonus_bearer_id, -fen))
    return legs


def _set_status(
    session: Session,
    card_id: int,
    known: Sequence[CardStatus],
    status: CardStatus,
    reason: str,
    actor: Actor,
) -> Card:
    card = lock_card(session, card_id=card_id)
    if card.status not in known:
        raise CardStateConflict(extra={"status": card.status.name})
    card.status = status
    session.flush()
    _audit(session, f"card.{status.name}", card, actor, {"reason": reason})
    return card


def _audit(
    session: Session, action: str, card: Card, actor: Actor, detail: dict[str, object]
) -> None:
    journal.audit(
        session,
        action,
        actor=actor,
        subject_id=card.id,
        merchant_id=card.merchant_id,
        member_id=card.member_id,
        detail=detail,
    )
