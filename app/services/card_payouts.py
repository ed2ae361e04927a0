"""Carrying out the return of a card: its value goes out by cash, WeChat or bank transfer."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.core.money import yuan
from app.models.base import OPERATOR_ID
from app.models.cards import Bearer, Card, CardProgram, CardStatus, Lot, LotKind
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
from app.services import journal, ledger, shifts
from app.services.bearers import bonus_leg
from app.services.card_returns import LotState, ReturnQuote, ReturnReason, return_quote
from app.services.cards import CardStateConflict, lock_card, lot_leg, lots_of
from app.services.erasures import require_no_open_business
from app.services.ledger import Leg

CASH_LIMIT_FEN = 10_000  # 单用途商业预付卡管理办法 21 条: more than 100 yuan goes back by transfer.
WECHAT_REFUNDS_FOR = timedelta(days=360)  # WeChat refunds an order for a year.

# A card and all that it has replaced: the entry of a replacement names both.
_LINEAGE = text(
    "WITH RECURSIVE line(id) AS (SELECT cast(:card_id AS bigint) UNION"
    "  SELECT old.card_id FROM line"
    "  JOIN posting new ON new.card_id = line.id AND new.account = 'card' AND new.amount_fen < 0"
    "  JOIN journal_entry e ON e.id = new.entry_id AND e.kind = 'card_replaced'"
    "  JOIN posting old ON old.entry_id = e.id AND old.account = 'card' AND old.amount_fen > 0)"
    " SELECT id FROM line ORDER BY id"
)


class PayoutWay(enum.Enum):
    cash = "cash:store"
    wechat = "refunds:wechat"
    bank = "bank:payout"


class CashReturnTooMuch(DomainError):
    code = "cash_return_too_much"
    category = Category.CONFLICT
    template = N_(
        "More than %(limit_yuan)s yuan is not returned in cash. Please choose a transfer."
    )


class WeChatReturnTooMuch(DomainError):
    code = "wechat_return_too_much"
    category = Category.CONFLICT
    template = N_("So much was not paid by WeChat, or too long ago. Please choose a bank transfer.")


def quote_return(
    session: Session, *, card_id: int, reason: ReturnReason, now: datetime
) -> ReturnQuote:
    """What returning a card would give, for the holder to see first. Changes nothing."""
    return return_quote(_lot_states(session, card_id), reason=reason, now=now)


def return_card(
    session: Session,
    *,
    card_id: int,
    reason: ReturnReason,
    way: PayoutWay,
    store: Store | None = None,
    actor: Actor,
    now: datetime,
) -> ReturnQuote:
    """End a card: the holder gets what the quote says, the rest was bonus and is its bearer's.

    Args:
        store: Whose till pays; for cash only.

    Raises:
        CardNotFound, CardStateConflict, MemberHasOpenBusiness
        CashReturnTooMuch, WeChatReturnTooMuch: Another way is open.
    """
    card = lock_card(session, card_id=card_id)
    if card.status is not CardStatus.active:
        raise CardStateConflict(extra={"status": card.status.name})
    if card.member_id is not None:
        require_no_open_business(session, member_id=card.member_id)
    quote = return_quote(_lot_states(session, card_id), reason=reason, now=now)
    lots = lots_of(session, card=card)
    if lots:
        legs = [
            *[lot_leg(lot, lot.remaining_fen) for lot in lots],
            *_out_legs(session, card, quote.refund_fen, way, store, now),
            *_bearers_legs(session, card, lots, quote.forfeited_fen),
        ]
        entry_id = ledger.post_entry(
            session,
            kind="card_returned",
            reference=f"card:{card_id}:returned",
            legs=legs,
            now=now,
            reason=reason.name,
        )
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
        detail={"refund_fen": quote.refund_fen, "way": way.name, "reason": reason.name},
    )
    return quote


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
    session: Session,
    card: Card,
    refund_fen: int,
    way: PayoutWay,
    store: Store | None,
    now: datetime,
) -> list[Leg]:
    if way is PayoutWay.wechat:
        return _ask_wechat(session, card, refund_fen, now)
    if way is PayoutWay.bank:
        return [Leg(account=way.value, amount_fen=-refund_fen)]
    assert store is not None, "cash comes out of a store's till"
    if refund_fen > CASH_LIMIT_FEN:
        raise CashReturnTooMuch(limit_yuan=yuan(CASH_LIMIT_FEN))
    return [
        Leg(
            account=way.value,
            amount_fen=-refund_fen,
            merchant_id=store.merchant_id,
            store_id=store.id,
        )
    ]


def _ask_wechat(session: Session, card: Card, refund_fen: int, now: datetime) -> list[Leg]:
    """Money goes back to the WeChat orders that it came by, the newest first."""
    line = session.scalars(_LINEAGE, {"card_id": card.id}).all()
    orders = session.scalars(
        select(TopUp)
        .where(
            TopUp.card_id.in_(line),
            TopUp.channel == TopUpChannel.wechat,
            TopUp.status == TopUpStatus.credited,
            TopUp.paid_at > now - WECHAT_REFUNDS_FOR,
        )
        .order_by(TopUp.id.desc())
    ).all()
    legs = []
    for order in orders:
        fen = min(order.amount_fen, refund_fen)
        if fen == 0:
            break
        refund_fen -= fen
        refund = _write_refund(session, card, order, fen, now)
        legs.append(
            Leg(
                account=PayoutWay.wechat.value,
                amount_fen=-fen,
                refund_id=refund.id,
                top_up_id=order.id,
            )
        )
    if refund_fen:
        raise WeChatReturnTooMuch
    return legs


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
