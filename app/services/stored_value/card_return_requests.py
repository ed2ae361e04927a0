"""Returns of cards (退卡) at the desk: small ones at once, larger ones by two people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.business_settings import RETURN_ALONE_FEN
from app.core.clock import local_day
from app.core.errors import N_, Category, DomainError
from app.models.cards import Card, CardStatus
from app.models.decisions import CardReturn, PayoutWay, ReturnReason, ReturnStatus
from app.models.tenants import Store
from app.services import journal
from app.services.business_settings import read_setting
from app.services.stored_value.card_payouts import quote_return, return_card
from app.services.stored_value.card_returns import ReturnQuote
from app.services.stored_value.cards import CardStateConflict, lock_card
from app.services.tenants.merchants import StoreNotFound
from app.services.two_people import require_another, require_asker, require_reason

LONGEST_AGO = timedelta(days=366)


class CardReturnNotFound(DomainError):
    code = "card_return_not_found"
    category = Category.NOT_FOUND
    template = N_("No such return of a card.")


class CardReturnDecided(DomainError):
    code = "card_return_decided"
    category = Category.CONFLICT
    template = N_("This return was decided already. Please look at it again.")


class CardReturnOpen(DomainError):
    code = "card_return_open"
    category = Category.CONFLICT
    template = N_("This card's return waits for a second person already.")


class CardReturnChanged(DomainError):
    code = "card_return_changed"
    category = Category.CONFLICT
    template = N_(
        "The card has changed since it was calculated. Please look at the new calculation."
    )


class AskedOnImpossible(DomainError):
    code = "asked_on_impossible"
    category = Category.INVALID
    template = N_("The day on which the holder asked is today or within the last year.")


@dataclass(frozen=True, kw_only=True)
class ReturnWish:
    """What the holder wants: why, since when, and how the money comes to them."""

    reason: ReturnReason
    asked_on: date
    way: PayoutWay
    rest_way: PayoutWay | None = None
    store_id: int | None = None
    note: str


def begin_return(
    session: Session,
    *,
    card_id: int,
    wish: ReturnWish,
    expected_fen: int,
    maker: Actor,
    now: datetime,
) -> CardReturn:
    """Return a card, or ask a second person to when it is more than one may return alone.

    Args:
        expected_fen: The payout that the holder has agreed to. Another one is not carried out.

    Raises:
        CardReturnChanged, CardReturnOpen, AskedOnImpossible, ReasonRequired
        CardNotFound, CardStateConflict, MemberHasOpenBusiness
        CashReturnTooMuch, CashReturnNeedsStore, WeChatReturnTooMuch
    """
    assert maker.staff_id is not None, "a person returns it"
    _require_sense(wish, now)
    card = lock_card(session, card_id=card_id)
    if card.status is not CardStatus.active:
        raise CardStateConflict(extra={"status": card.status.name})
    if _open_return(session, card_id):
        raise CardReturnOpen
    quote = quote_return(
        session, card_id=card_id, reason=wish.reason, now=now, asked_on=wish.asked_on
    )
    if quote.payout_fen != expected_fen:
        raise CardReturnChanged
    request = _write(session, card, wish, quote, maker, now)
    if not request.two_people:
        _carry_out(session, request, quote, maker, now)
    else:
        _audit(session, "card_return.requested", request, maker, {"refund_fen": quote.refund_fen})
    return request


def approve_return(
    session: Session, *, return_id: int, approver: Actor, now: datetime
) -> CardReturn:
    """Agree to a return: the card ends and the money goes out.

    Raises:
        SecondPersonRequired, CardReturnNotFound, CardReturnDecided
        CardReturnChanged: The card was used meanwhile: refuse this one and calculate anew.
        CardNotFound, CardStateConflict, MemberHasOpenBusiness
        CashReturnTooMuch, WeChatReturnTooMuch
    """
    request = _lock_open(session, return_id)
    require_another(approver, than=request.created_by_id)
    lock_card(session, card_id=request.card_id)
    quote = quote_return(
        session,
        card_id=request.card_id,
        reason=request.return_reason,
        now=now,
        asked_on=request.asked_on,
    )
    # Interest goes on while somebody thinks about it; what the card holds does not.
    if (quote.refund_fen, quote.forfeited_fen) != (request.refund_fen, request.forfeited_fen):
        raise CardReturnChanged
    _carry_out(session, request, quote, approver, now)
    return request


def refuse_return(
    session: Session, *, return_id: int, note: str, approver: Actor, now: datetime
) -> CardReturn:
    """Say no, and why. The card stays as it is.

    Raises:
        SecondPersonRequired, CardReturnNotFound, CardReturnDecided, ReasonRequired
    """
    require_reason(note)
    request = _lock_open(session, return_id)
    require_another(approver, than=request.created_by_id)
    request.status, request.decision_note = ReturnStatus.refused, note.strip()
    request.decided_by_id, request.decided_at = approver.staff_id, now
    session.flush()
    _audit(session, "card_return.refused", request, approver, {"reason": note.strip()})
    return request


def withdraw_return(session: Session, *, return_id: int, maker: Actor, now: datetime) -> CardReturn:
    """Take one's own request back before anybody has decided. The card stays as it is.

    Raises:
        NotTheAsker, CardReturnNotFound, CardReturnDecided
    """
    request = _lock_open(session, return_id)
    require_asker(maker, asked_by=request.created_by_id)
    request.status = ReturnStatus.withdrawn
    request.decided_by_id, request.decided_at = maker.staff_id, now
    session.flush()
    _audit(session, "card_return.withdrawn", request, maker, {"refund_fen": request.refund_fen})
    return request


def _require_sense(wish: ReturnWish, now: datetime) -> None:
    require_reason(wish.note)
    today = local_day(now)
    if not today - LONGEST_AGO <= wish.asked_on <= today:
        raise AskedOnImpossible


def _open_return(session: Session, card_id: int) -> bool:
    waiting = session.query(CardReturn.id).where(
        CardReturn.card_id == card_id, CardReturn.status == ReturnStatus.requested
    )
    return bool(session.query(waiting.exists()).scalar())


def _write(
    session: Session,
    card: Card,
    wish: ReturnWish,
    quote: ReturnQuote,
    maker: Actor,
    now: datetime,
) -> CardReturn:
    return_id, return_no = journal.next_document(session, table="card_return", letter="K", now=now)
    request = CardReturn(
        id=return_id,
        return_no=return_no,
        merchant_id=card.merchant_id,
        card_id=card.id,
        member_id=card.member_id,
        store_id=wish.store_id,
        status=ReturnStatus.requested,
        return_reason=wish.reason,
        asked_on=wish.asked_on,
        way=wish.way,
        rest_way=wish.rest_way,
        note=wish.note.strip(),
        two_people=quote.payout_fen > read_setting(session, RETURN_ALONE_FEN),
        created_by_id=maker.staff_id,
        created_at=now,
        **_figures(quote),
    )
    session.add(request)
    session.flush()
    return request


def _carry_out(
    session: Session, request: CardReturn, quote: ReturnQuote, actor: Actor, now: datetime
) -> None:
    store = None
    if request.store_id is not None:
        store = session.get(Store, request.store_id)
        if store is None:
            raise StoreNotFound
    done = return_card(
        session,
        card_id=request.card_id,
        reason=request.return_reason,
        way=request.way,
        rest_way=request.rest_way,
        store=store,
        actor=actor,
        now=now,
        asked_on=request.asked_on,
    )
    assert done.payout_fen == quote.payout_fen, "the card is locked"
    for name, value in _figures(quote).items():
        setattr(request, name, value)
    request.status = ReturnStatus.carried_out
    request.decided_by_id, request.decided_at = actor.staff_id, now
    session.flush()


def _figures(quote: ReturnQuote) -> dict[str, object]:
    return {
        "refund_fen": quote.refund_fen,
        "interest_fen": quote.interest_fen,
        "forfeited_fen": quote.forfeited_fen,
        "lines": [
            {"label": line.label, "rule": line.rule, "amount_fen": line.amount_fen}
            for line in quote.lines
        ],
    }


def _lock_open(session: Session, return_id: int) -> CardReturn:
    request = session.get(CardReturn, return_id, with_for_update=True, populate_existing=True)
    if request is None:
        raise CardReturnNotFound
    if request.status is not ReturnStatus.requested:
        raise CardReturnDecided
    return request


def _audit(
    session: Session, action: str, request: CardReturn, actor: Actor, detail: dict[str, object]
) -> None:
    journal.audit(
        session,
        action,
        actor=actor,
        subject_id=request.card_id,
        merchant_id=request.merchant_id,
        member_id=request.member_id,
        detail={"return_no": request.return_no, **detail},
    )
