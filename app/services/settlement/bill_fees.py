"""WeChat's fee of a day: what its trade bill says, what its fund-flow bill says, what is booked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.bills import FundFlowBill, TradeBill
from app.models.reconciliations import Correction, DifferenceKind
from app.services.settlement.banking import book_wechat_fee, fee_reference
from app.services.settlement.bill_matching import Found

# The day's own entry, and what two people have booked to put it right.
_BOOKED = text("""
    SELECT sum(p.amount_fen)::bigint
      FROM journal_entry e JOIN posting p ON p.entry_id = e.id AND p.account = 'expense:wechat-fee'
     WHERE e.reference = :reference
        OR e.reference IN (SELECT 'reconciliation:' || d.id FROM reconciliation_difference d
                            WHERE d.number = :reference)
""")


def book_fee(
    session: Session,
    trade: TradeBill,
    flow: FundFlowBill,
    *,
    differing: Collection[str],
    actor: Actor,
    now: datetime,
) -> list[Found]:
    """Book the day's fee, once. Where the two bills, or bill and book, disagree is a difference.

    Args:
        differing: The numbers on which something else differs: that is told apart.
    """
    booked = _booked_fen(session, trade.bill_on)
    if booked is None and trade.fee_fen != 0:
        book_wechat_fee(session, bill_on=trade.bill_on, fee_fen=trade.fee_fen, actor=actor, now=now)
        booked = trade.fee_fen
    told = fee_taken_fen(trade, flow, differing=differing)
    if (booked or 0) == trade.fee_fen == told:
        return []
    return [
        Found(
            kind=DifferenceKind.ledger_differs
            if told == trade.fee_fen
            else DifferenceKind.fee_differs,
            number=fee_reference(trade.bill_on),
            wechat_no=None,
            ours_fen=trade.fee_fen,
            ledger_fen=booked,
            wechat_fen=told,
            suggestion=Correction.explain if (booked or 0) == told else Correction.expense,
        )
    ]


def fee_taken_fen(trade: TradeBill, flow: FundFlowBill, *, differing: Collection[str]) -> int:
    """The fee as WeChat's account shows it: what its movements leave less than the orders' amounts.

    An order that differs anyway, and of which the two bills do not tell the same amount, is looked
    at in neither, or its amount would seem to be a fee.
    """
    billed: Counter[str] = Counter()
    moved: Counter[str] = Counter()
    for paid in trade.movements:
        billed[paid.number] += paid.net_fen + paid.fee_fen
    for move in flow.business:
        moved[move.voucher_no] += 0 if move.is_fee else move.amount_fen
    # A bill that names no order can only be compared as a whole.
    named = not billed.keys().isdisjoint(moved)
    left_out = {one for one in differing if named and billed[one] != moved[one]}
    told = sum(line.net_fen for line in trade.movements if line.number not in left_out)
    taken = sum(line.amount_fen for line in flow.business if line.voucher_no not in left_out)
    return trade.fee_fen + told - taken


def _booked_fen(session: Session, bill_on: date) -> int | None:
    booked: int | None = session.scalar(_BOOKED, {"reference": fee_reference(bill_on)})
    return booked
