"""Reconciliation (对账): a day's bills are kept and compared; fees and transfers are booked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.bills import FundFlowBill, TradeBill
from app.core.clock import local, local_day
from app.core.errors import N_, Category, DomainError
from app.models.ledger import JournalEntry
from app.models.reconciliations import (
    BillLine,
    Correction,
    DifferenceKind,
    DifferenceStatus,
    Reconciliation,
    ReconciliationDifference,
    ReconciliationStatus,
)
from app.services import journal
from app.services.settlement.banking import book_wechat_transfer, transfer_reference
from app.services.settlement.bill_fees import book_fee
from app.services.settlement.bill_matching import Found, find_differences, wechat_no_of

READY_HOUR = 10  # WeChat makes a day's bill by ten on the next morning.
LOOK_BACK_DAYS = 7  # A bill that was late or refused is asked for again that long.
KEPT_DAYS = 90  # WeChat gives no older bill.
_OPEN = (DifferenceStatus.unresolved, DifferenceStatus.proposed)
_LINES_AT_ONCE = 2_000


class DayNotOver(DomainError):
    code = "bill_day_not_over"
    category = Category.INVALID
    template = N_("WeChat gives a day's bill on the next day after ten. Please choose another day.")


class BillTooOld(DomainError):
    code = "bill_too_old"
    category = Category.INVALID
    template = N_("WeChat keeps bills for three months. Please choose a later day.")


def require_billed(bill_on: date, *, now: datetime) -> None:
    """Raises DayNotOver or BillTooOld when WeChat has no bill of that day to give."""
    if not is_billed(bill_on, now=now):
        raise DayNotOver
    if bill_on < local_day(now) - timedelta(days=KEPT_DAYS):
        raise BillTooOld


def is_billed(bill_on: date, *, now: datetime) -> bool:
    yesterday = local_day(now) - timedelta(days=1)
    return bill_on < yesterday or (bill_on == yesterday and local(now).hour >= READY_HOUR)


def days_due(session: Session, *, now: datetime) -> list[date]:
    """The days of the last week whose bill has not been compared yet, the oldest first."""
    today = local_day(now)
    days = [today - timedelta(days=ago) for ago in range(LOOK_BACK_DAYS, 0, -1)]
    compared = select(Reconciliation.bill_on).where(
        Reconciliation.bill_on.in_(days),
        Reconciliation.status.in_([ReconciliationStatus.matched, ReconciliationStatus.differing]),
    )
    done = set(session.scalars(compared))
    return [day for day in days if day not in done and is_billed(day, now=now)]


def note_failure(
    session: Session, *, bill_on: date, status: ReconciliationStatus, problem: str, now: datetime
) -> Reconciliation:
    """There is no bill, or none that can be believed. A comparison that was made stays."""
    found = _lock_day(session, bill_on, now)
    if found.trade_sha1 is None:
        found.status = status
    found.problem, found.reconciled_at = problem, now
    return found


def reconcile_bills(
    session: Session, *, trade: TradeBill, flow: FundFlowBill, actor: Actor, now: datetime
) -> Reconciliation:
    """Compare a day's bills with our orders and the ledger; running it again is harmless.

    Fees and transfers to our bank are booked, once. Differences that are no longer there are gone,
    whatever somebody had in mind with them; those that were corrected stay corrected, and come
    back if WeChat changes its bill after that.
    """
    day = _lock_day(session, trade.bill_on, now)
    _keep_lines(session, trade)
    found = find_differences(session, trade)
    found += book_fee(
        session, trade, flow, differing={one.number for one in found}, actor=actor, now=now
    )
    _book_transfers(session, flow, actor, now)
    _keep_differences(session, day, found)
    _settle_gone(session, day, found)
    _settle_billed_later(session, trade)
    day.trade_sha1, day.flow_sha1, day.problem = trade.sha1, flow.sha1, ""
    paid = [line.amount_fen for line in trade.lines if not line.is_refund]
    back = [line.amount_fen for line in trade.lines if line.is_refund]
    day.payments, day.payments_fen = len(paid), sum(paid)
    day.refunds, day.refunds_fen = len(back), sum(back)
    day.fee_fen = trade.fee_fen
    day.transferred_fen = -sum(line.amount_fen for line in flow.transfers)
    day.reconciled_at = now
    session.flush()
    count_open(session)
    session.refresh(day)
    journal.audit(
        session,
        "reconciliation.compared",
        actor=actor,
        subject_id=day.id,
        detail={"bill_on": trade.bill_on.isoformat(), "differences": len(found)},
    )
    return day


def count_open(session: Session) -> None:
    """Write on each day how many differences are open, and whether it agrees."""
    still_open = (
        select(func.count())
        .where(
            ReconciliationDifference.reconciliation_id == Reconciliation.id,
            ReconciliationDifference.status.in_(_OPEN),
        )
        .scalar_subquery()
    )
    session.execute(
        update(Reconciliation)
        .where(
            Reconciliation.trade_sha1.is_not(None), Reconciliation.open_differences != still_open
        )
        .values(open_differences=still_open)
    )
    session.execute(
        update(Reconciliation)
        .where(Reconciliation.trade_sha1.is_not(None), Reconciliation.open_differences == 0)
        .values(status=ReconciliationStatus.matched)
    )
    session.execute(
        update(Reconciliation)
        .where(Reconciliation.open_differences > 0)
        .values(status=ReconciliationStatus.differing)
    )


def _lock_day(session: Session, bill_on: date, now: datetime) -> Reconciliation:
    session.execute(
        insert(Reconciliation)
        .values(bill_on=bill_on, status=ReconciliationStatus.waiting, reconciled_at=now)
        .on_conflict_do_nothing(index_elements=["bill_on"])
    )
    return session.scalars(
        select(Reconciliation).where(Reconciliation.bill_on == bill_on).with_for_update()
    ).one()


def _keep_lines(session: Session, trade: TradeBill) -> None:
    session.execute(delete(BillLine).where(BillLine.bill_on == trade.bill_on))
    rows = [
        {
            "bill_on": trade.bill_on,
            "line_no": line.line_no,
            "is_refund": line.is_refund,
            "number": line.number,
            "wechat_no": wechat_no_of(line),
            "order_no": line.order_no,
            "amount_fen": line.amount_fen,
            "fee_fen": line.fee_fen,
            "occurred_at": line.occurred_at,
        }
        for line in trade.lines
    ]
    for start in range(0, len(rows), _LINES_AT_ONCE):
        session.execute(insert(BillLine), rows[start : start + _LINES_AT_ONCE])


def _book_transfers(session: Session, flow: FundFlowBill, actor: Actor, now: datetime) -> None:
    for line in flow.transfers:
        reference = transfer_reference(line.flow_no)
        booked = select(JournalEntry.id).where(JournalEntry.reference == reference)
        if session.scalar(booked) is None:
            book_wechat_transfer(
                session,
                transfer_no=line.flow_no,
                amount_fen=-line.amount_fen,
                actor=actor,
                now=now,
            )


def _keep_differences(session: Session, day: Reconciliation, found: Sequence[Found]) -> None:
    """New ones are written, open ones brought up to date; what two people have decided stays.

    What they have decided and the bill has changed since comes back beside it.
    """
    known = _last_turns(session, day)
    for one in found:
        before = known.get((one.kind, one.number))
        if before is None:
            _add_difference(session, day, one, turn=1)
        elif before.status is DifferenceStatus.corrected:
            if not _is_settled(before, one):
                _add_difference(session, day, one, turn=before.turn + 1)
        elif before.status is not DifferenceStatus.proposed or _has_moved(before, one):
            _bring_up_to_date(before, one)
    session.flush()


def _last_turns(
    session: Session, day: Reconciliation
) -> dict[tuple[DifferenceKind, str], ReconciliationDifference]:
    rows = session.scalars(
        select(ReconciliationDifference)
        .where(ReconciliationDifference.reconciliation_id == day.id)
        .order_by(ReconciliationDifference.turn, ReconciliationDifference.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {(row.kind, row.number): row for row in rows}


def _add_difference(session: Session, day: Reconciliation, one: Found, *, turn: int) -> None:
    session.add(
        ReconciliationDifference(
            reconciliation_id=day.id, bill_on=day.bill_on, turn=turn, **vars(one)
        )
    )


def _bring_up_to_date(row: ReconciliationDifference, one: Found) -> None:
    """Its amounts are those of now, and it is nobody's: it waits for somebody to look at it."""
    for name in ("wechat_no", "ours_fen", "ledger_fen", "wechat_fen", "suggestion"):
        setattr(row, name, getattr(one, name))
    row.status = DifferenceStatus.unresolved
    row.correction = row.proposed_by_id = row.proposed_at = None


def _has_moved(row: ReconciliationDifference, one: Found) -> bool:
    return any(
        getattr(row, name) != getattr(one, name)
        for name in ("ours_fen", "ledger_fen", "wechat_fen")
    )


def _is_settled(row: ReconciliationDifference, one: Found) -> bool:
    """Whether what two people have done about a difference still answers what is found now."""
    if row.correction is Correction.explain:
        return not _has_moved(row, one)
    booked, billed = one.ledger_fen or 0, one.wechat_fen or 0
    # An order paid twice that is not confirmed yet has only the second payment in the ledger.
    unconfirmed = one.kind is DifferenceKind.duplicate and booked == billed - (one.ours_fen or 0)
    return row.wechat_fen == one.wechat_fen and (booked == billed or unconfirmed)


def _settle_gone(session: Session, day: Reconciliation, found: Sequence[Found]) -> None:
    still_there = {(one.kind, one.number) for one in found}
    rows = session.scalars(
        select(ReconciliationDifference).where(
            ReconciliationDifference.reconciliation_id == day.id,
            ReconciliationDifference.status.in_(_OPEN),
        )
    )
    for row in rows:
        if (row.kind, row.number) not in still_there:
            row.status = DifferenceStatus.gone


def _settle_billed_later(session: Session, trade: TradeBill) -> None:
    """What an earlier bill did not have may stand in this one: a refund asked for at midnight."""
    billed = select(BillLine.number).where(BillLine.bill_on == trade.bill_on)
    session.execute(
        update(ReconciliationDifference)
        .where(
            ReconciliationDifference.kind == DifferenceKind.missing_there,
            ReconciliationDifference.status.in_(_OPEN),
            ReconciliationDifference.number.in_(billed),
        )
        .values(status=DifferenceStatus.gone)
        .execution_options(synchronize_session=False)
    )
