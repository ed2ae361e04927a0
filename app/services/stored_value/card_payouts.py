"""Carrying out the return of a card: its value goes out by cash, WeChat or bank transfer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.business_settings import (
    CASH_RETURN_FEN,
    COOLING_OFF_DAYS,
    DEPOSIT_RATE_BP,
    LOAN_RATE_BP,
    WECHAT_RETURN_DAYS,
)
from app.core.clock import local_day, start_of_day
from app.core.errors import N_, Category, DomainError
from app.core.money import yuan
from app.models.base import OPERATOR_ID
from app.models.cards import Bearer, Card, CardProgram, CardStatus, Lot, LotKind
from app.models.decisions import PayoutWay, ReturnReason
from app.models.ledger import Posting
from app.models.sales import (
    Refund,
    RefundOrigin,
    RefundStatus,
    TopUp,
    TopUpChannel,
    TopUpStatus,
)
from app.models.tenants import Store
from app.services import journal, ledger
from app.services.bearers import bonus_leg
from app.services.business_settings import read_setting
from app.services.ledger import Leg
from app.services.people.erasures import require_no_open_business
from app.services.stored_value.card_returns import LotState, ReturnQuote, ReturnTerms, return_quote
from app.services.stored_value.cards import CardStateConflict, lock_card, lot_leg, lots_of
from app.services.tills import shifts

_ACCOUNTS = {
    PayoutWay.cash: "cash:store",
    PayoutWay.wechat: "refunds:wechat",
    PayoutWay.bank: "bank:payout",
}

# A card and all that it has replaced: the entry of a replacement names both.
_LINEAGE = text(
    "WITH RECURSIVE line(id) AS (SELECT cast(:card_id AS bigint) UNION"
    "  SELECT old.card_id FROM line"
    "  JOIN posting new ON new.card_id = line.id AND new.account = 'card' AND new.amount_fen < 0"
    "  JOIN journal_entry e ON e.id = new.entry_id AND e.kind = 'card_replaced'"
    "  JOIN posting old ON old.entry_id = e.id AND old.account = 'card' AND old.amount_fen > 0)"
    " SELECT id FROM line ORDER BY id"
)


@dataclass(frozen=True, kw_only=True)
class Payout:
    """How money goes to the holder. ``rest_way`` takes what WeChat cannot; cash has a store."""

    way: PayoutWay
    rest_way: PayoutWay | None = None
    store: Store | None = None


class CashReturnTooMuch(DomainError):
    code = "cash_return_too_much"
    category = Category.CONFLICT
    template = N_(
        "More than %(limit_yuan)s yuan is not returned in cash. Please choose a transfer."
    )


class CashReturnNeedsStore(DomainError):
    code = "cash_return_needs_store"
    category = Category.INVALID
    template = N_("Please choose the store whose till pays the cash.")


class WeChatReturnTooMuch(DomainError):
    code = "wechat_return_too_much"
    category = Category.CONFLICT
    template = N_("So much was not paid by WeChat, or too long ago. Please choose a bank transfer.")


def quote_return(
    session: Session,
    *,
    card_id: int,
    reason: ReturnReason,
    now: datetime,
    asked_on: date | None = None,
) -> ReturnQuote:
    """What returning a card would give, for the holder to see first. Changes nothing.

    Args:
        asked_on: The local day on which the holder asked for it; today unless told. The
            cooling-off days end with it; interest runs from it, or from a later last payment.
    """
    lots = _lot_states(session, card_id)
    days = 0
    if asked_on is not None:
        paid_on = max((local_day(lot.paid_at) for lot in lots), default=asked_on)
        days = max((local_day(now) - max(asked_on, paid_on)).days, 0)
    rate = LOAN_RATE_BP if reason is ReturnReason.merchant else DEPOSIT_RATE_BP
    terms = ReturnTerms(
        cooling_off=timedelta(days=read_setting(session, COOLING_OFF_DAYS)),
        interest_bp=read_setting(session, rate),
        interest_days=days,
    )
    asked_at = now
    if asked_on is not None and asked_on < local_day(now):
        asked_at = start_of_day(asked_on)
    return return_quote(lots, reason=reason, now=asked_at, terms=terms)


def refundable_by_wechat(session: Session, *, card_id: int, now: datetime) -> int:
    """The fen that WeChat would still take back to the orders which they came by."""
    return sum(order.amount_fen for order in _wechat_orders(session, card_id, now))


def return_card(
    session: Session,
    *,
    card_id: int,
    reason: ReturnReason,
    way: PayoutWay,
    rest_way: PayoutWay | None = None,
    store: Store | None = None,
    actor: Actor,
    now: datetime,
    asked_on: date | None = None,
) -> ReturnQuote:
    """End a card: the holder gets what the quote says, the rest was bonus and is its bearer's.

    Args:
        rest_way: For what WeChat cannot give back; without one, all of it must go by ``way``.
        store: Whose till pays; for cash only.

    Raises:
        CardNotFound, CardStateConflict, MemberHasOpenBusiness
        CashReturnTooMuch, WeChatReturnTooMuch: Another way is open.
    """
    payout = Payout(way=way, rest_way=rest_way, store=store)
    card = lock_card(session, card_id=card_id)
    if card.status is not CardStatus.active:
        raise CardStateConflict(extra={"status": card.status.name})
    if card.member_id is not None:
        require_no_open_business(session, member_id=card.member_id)
    quote = quote_return(session, card_id=card_id, reason=reason, now=now, asked_on=asked_on)
    if lots := lots_of(session, card=card):
        entry_id = _book_return(session, card, lots, quote, payout, reason, now)
        if way is PayoutWay.cash and actor.store_id is not None:
            held = shifts.hold_shift(session, till=actor)
            shifts.note_cash(session, shift_id=held, entry_id=entry_id, till=actor)
    card.status = CardStatus.returned
    session.flush()
    journal.send_later(session, "card.returned", subject_id=card_id, merchant_id=card.merchant_id)
    journal.audit(
        session,
        "card.returned",
        actor=actor,
        subject_id=card_id,
        merchant_id=card.merchant_id,
        store_id=None if store is None else store.id,
        member_id=card.member_id,
        detail={
            "refund_fen": quote.refund_fen,
            "interest_fen": quote.interest_fen,
            "way": way.name,
            "reason": reason.name,
        },
    )
    return quote


def _book_return(
    session: Session,
    card: Card,
    lots: Sequence[Lot],
    quote: ReturnQuote,
    payout: Payout,
    reason: ReturnReason,
    now: datetime,
) -> int:
    """All that is on the card leaves it: to the holder, and what was bonus to its bearers."""
    return ledger.post_entry(
        session,
        kind="card_returned",
        reference=f"card:{card.id}:returned",
        legs=[
            *[lot_leg(lot, lot.remaining_fen) for lot in lots],
            *_interest_legs(card, quote.interest_fen),
            *_out_legs(session, card, quote.payout_fen, payout, now),
            *_bearers_legs(session, card, lots, quote.forfeited_fen),
        ],
        now=now,
        reason=reason.name,
    )


def _lot_states(session: Session, card_id: int) -> list[LotState]:
    line = session.scalars(_LINEAGE, {"card_id": card_id}).all()
    spent = func.coalesce(func.sum(Posting.amount_fen).filter(Posting.payment_id.is_not(None)), 0)
    rows = session.execute(
        select(Lot.kind, Lot.created_at, Lot.remaining_fen, spent)
        .join(Posting, (Posting.lot_id == Lot.id) & (Posting.account == "card"))
        .where(Lot.card_id.in_(line), Posting.card_id.in_(line))
        .group_by(Lot.id)
        .order_by(Lot.id)
    )
    return [
        LotState(kind=kind, paid_at=paid_at, remaining_fen=remaining_fen, spent_fen=int(spent_fen))
        for kind, paid_at, remaining_fen, spent_fen in rows
    ]


def _out_legs(
    session: Session, card: Card, payout_fen: int, payout: Payout, now: datetime
) -> list[Leg]:
    if payout.way is not PayoutWay.wechat:
        return [_paid_leg(session, payout.way, payout.store, payout_fen)]
    legs, rest_fen = _ask_wechat(session, card, payout_fen, now)
    if rest_fen == 0:
        return legs
    if payout.rest_way is None or payout.rest_way is PayoutWay.wechat:
        raise WeChatReturnTooMuch
    return [*legs, _paid_leg(session, payout.rest_way, payout.store, rest_fen)]


def _paid_leg(session: Session, way: PayoutWay, store: Store | None, fen: int) -> Leg:
    if way is PayoutWay.bank:
        return Leg(account=_ACCOUNTS[way], amount_fen=-fen)
    if store is None:
        raise CashReturnNeedsStore
    limit_fen = read_setting(session, CASH_RETURN_FEN)
    if fen > limit_fen:
        raise CashReturnTooMuch(limit_yuan=yuan(limit_fen))
    return Leg(
        account=_ACCOUNTS[way], amount_fen=-fen, merchant_id=store.merchant_id, store_id=store.id
    )


def _interest_legs(card: Card, interest_fen: int) -> list[Leg]:
    """The issuer owes the interest: a merchant gets that much less, the operator bears its own."""
    if card.merchant_id == OPERATOR_ID:
        return [Leg(account="expense:adjustment", amount_fen=interest_fen)]
    return [Leg(account="payable:merchant", amount_fen=interest_fen, merchant_id=card.merchant_id)]


def _wechat_orders(session: Session, card_id: int, now: datetime) -> Sequence[TopUp]:
    """The WeChat orders that filled a card and its forerunners and are young enough to refund."""
    line = session.scalars(_LINEAGE, {"card_id": card_id}).all()
    oldest = now - timedelta(days=read_setting(session, WECHAT_RETURN_DAYS))
    return session.scalars(
        select(TopUp)
        .where(
            TopUp.card_id.in_(line),
            TopUp.channel == TopUpChannel.wechat,
            TopUp.status == TopUpStatus.credited,
            TopUp.paid_at > oldest,
        )
        .order_by(TopUp.id.desc())
    ).all()


def _ask_wechat(
    session: Session, card: Card, payout_fen: int, now: datetime
) -> tuple[list[Leg], int]:
    """Money goes back to the WeChat orders that it came by, the newest first; and what is left."""
    legs = []
    for order in _wechat_orders(session, card.id, now):
        fen = min(order.amount_fen, payout_fen)
        if fen == 0:
            break
        payout_fen -= fen
        refund = _write_refund(session, card, order, fen, now)
        legs.append(
            Leg(
                account=_ACCOUNTS[PayoutWay.wechat],
                amount_fen=-fen,
                refund_id=refund.id,
                top_up_id=order.id,
            )
        )
    return legs, payout_fen


def _write_refund(session: Session, card: Card, order: TopUp, fen: int, now: datetime) -> Refund:
    refund_id, refund_no = journal.next_document(session, table="refund", letter="F", now=now)
    refund = Refund(
        id=refund_id,
        refund_no=refund_no,
        merchant_id=card.merchant_id,
        member_id=card.member_id,
        top_up_id=order.id,
        origin=RefundOrigin.card_return,
        status=RefundStatus.processing,
        amount_fen=fen,
        card_fen=0,
        wechat_fen=fen,
        order_no=order.top_up_no,
        order_fen=order.amount_fen,
        reason="card returned",
        created_at=now,
    )
    session.add(refund)
    session.flush()
    journal.send_later(session, "refund.requested", subject_id=refund_id)
    return refund


def _bearers_legs(
    session: Session, card: Card, lots: Sequence[Lot], forfeited_fen: int
) -> list[Leg]:
    """What is not paid out was bonus: unspent, or spent and now paid for out of the principal."""
    legs = []
    for lot in lots:
        fen = min(lot.remaining_fen, forfeited_fen) if lot.kind is LotKind.bonus else 0
        if fen:
            forfeited_fen -= fen
            legs.append(bonus_leg(lot.bonus_bearer_id, -fen))
    if forfeited_fen:
        program = session.get_one(CardProgram, card.program_id)
        issuer_bears = program.bonus_bearer is Bearer.issuer and program.merchant_id != OPERATOR_ID
        legs.append(bonus_leg(program.merchant_id if issuer_bears else None, -forfeited_fen))
    return legs
