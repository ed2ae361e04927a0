"""Shifts: a drawer from the counted float to the counted cash, and what the ledger says in between.

A cash entry is noted on the drawer's open shift by whoever books it, under a share lock on the
shift: who closes it waits for the call under way, and the next call finds it closed. What should be
in the drawer is the float and the ledger's ``cash:store`` postings of the noted entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.actor import MANAGER_ROLES, Actor
from app.core.errors import N_, Category, DomainError
from app.models.ledger import JournalEntry, Posting
from app.models.people import Staff
from app.models.tenants import Shift, ShiftStatus, Store
from app.models.tills import ShiftEntry
from app.services import journal
from app.services.refusals import ShiftRequired

MAX_CASH_FEN = 100_000_000  # A million yuan: no drawer of ours holds more.


class ShiftAlreadyOpen(DomainError):
    code = "shift_already_open"
    category = Category.CONFLICT
    template = N_("A shift is open at this drawer already. Close it or hand it over first.")


class NoShiftOpen(DomainError):
    code = "no_shift_open"
    category = Category.CONFLICT
    template = N_("No shift is open at this drawer. Please open one first.")


class DifferenceReasonRequired(DomainError):
    code = "difference_reason_required"
    category = Category.INVALID
    template = N_("The counted cash differs from what is expected. Please say why.")


@dataclass(frozen=True, kw_only=True)
class Count:
    """What somebody has counted in a drawer, and why it is not what it should be."""

    counted_fen: int
    reason: str = ""


def drawer_of(till: Actor) -> str:
    """The drawer into which this till's cash goes, like ``kaquan.drawer``."""
    if till.terminal_id is not None:
        return f"terminal:{till.terminal_id}"
    return f"store:{till.store_id}:person:{till.staff_id}"


def open_shift(
    session: Session,
    *,
    till: Actor,
    opening_float_fen: int,
    now: datetime,
    follows_id: int | None = None,
) -> Shift:
    """Begin a shift with what is in the drawer.

    Raises:
        ShiftAlreadyOpen: One drawer has one open shift; an index holds it.
    """
    made = session.scalar(
        insert(Shift)
        .values(
            merchant_id=till.merchant_id,
            store_id=till.store_id,
            staff_id=till.staff_id,
            terminal_id=till.terminal_id,
            drawer=drawer_of(till),
            follows_id=follows_id,
            opening_float_fen=opening_float_fen,
            opened_at=now,
        )
        .on_conflict_do_nothing(
            index_elements=["drawer"], index_where=Shift.status == ShiftStatus.open
        )
        .returning(Shift.id)
    )
    if made is None:
        raise ShiftAlreadyOpen
    journal.audit(
        session,
        "shift.opened",
        actor=till,
        subject_id=made,
        detail={"opening_float_fen": opening_float_fen},
    )
    return session.get_one(Shift, made)


def find_open_shift(session: Session, *, till: Actor) -> Shift | None:
    found: Shift | None = session.scalars(
        select(Shift).where(Shift.drawer == drawer_of(till), Shift.status == ShiftStatus.open)
    ).one_or_none()
    return found


def hold_shift(session: Session, *, till: Actor) -> int | None:
    """The open shift of this till's drawer, kept open until this transaction has ended.

    Raises:
        ShiftRequired: There is none, and the store takes no cash without.
    """
    shift_id = session.scalar(
        select(Shift.id)
        .where(Shift.drawer == drawer_of(till), Shift.status == ShiftStatus.open)
        .with_for_update(read=True)
    )
    required = select(Store.shift_required).where(Store.id == till.store_id)
    if shift_id is None and session.scalar(required):
        raise ShiftRequired
    return shift_id


def note_cash(session: Session, *, shift_id: int | None, entry_id: int, till: Actor) -> None:
    """Note that an entry moved cash of a shift that this transaction holds; None: of no shift."""
    if shift_id is None:
        return
    assert till.merchant_id is not None, "a till belongs to a merchant"
    assert till.store_id is not None, "and to one of its stores"
    kind = session.scalar(select(JournalEntry.kind).where(JournalEntry.id == entry_id))
    session.add(
        ShiftEntry(
            entry_id=entry_id,
            shift_id=shift_id,
            kind=kind,
            merchant_id=till.merchant_id,
            store_id=till.store_id,
            staff_id=till.staff_id,
        )
    )


def expected_cash(session: Session, shift: Shift) -> int:
    """The float and what the ledger has moved through the drawer since."""
    moved = session.scalar(
        select(func.coalesce(func.sum(Posting.amount_fen), 0))
        .join(ShiftEntry, ShiftEntry.entry_id == Posting.entry_id)
        .where(ShiftEntry.shift_id == shift.id, Posting.account == "cash:store")
    )
    return shift.opening_float_fen + int(moved or 0)


def close_shift(
    session: Session, *, till: Actor, count: Count, now: datetime, shift_id: int | None = None
) -> Shift:
    """End a shift with the counted cash. A manager may end one that somebody left open.

    Raises:
        NoShiftOpen: Also for another store's.
        DifferenceReasonRequired: With what is expected.
    """
    wanted = Shift.drawer == drawer_of(till)
    if shift_id is not None and till.role in MANAGER_ROLES:
        wanted = (Shift.id == shift_id) & (Shift.store_id == till.store_id)
    shift = session.scalars(
        select(Shift)
        .where(wanted, Shift.status == ShiftStatus.open)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if shift is None or shift_id not in {None, shift.id}:
        raise NoShiftOpen
    expected_fen = expected_cash(session, shift)
    difference_fen = count.counted_fen - expected_fen
    if difference_fen and not count.reason.strip():
        raise DifferenceReasonRequired(
            extra={"expected_fen": expected_fen, "difference_fen": difference_fen}
        )
    shift.status, shift.closed_at, shift.closed_by_id = ShiftStatus.closed, now, till.staff_id
    shift.expected_fen, shift.counted_fen = expected_fen, count.counted_fen
    shift.difference_reason = count.reason.strip() if difference_fen else ""
    journal.audit(
        session,
        "shift.closed",
        actor=till,
        subject_id=shift.id,
        detail={
            "expected_fen": expected_fen,
            "counted_fen": count.counted_fen,
            "difference_fen": difference_fen,
            "reason": shift.difference_reason,
        },
    )
    session.flush()
    return shift


def hand_over_shift(
    session: Session, *, till: Actor, successor: Staff, count: Count, now: datetime
) -> tuple[Shift, Shift]:
    """Count the drawer before the next person, whose shift begins with what was counted.

    Raises:
        NoShiftOpen, DifferenceReasonRequired; ShiftAlreadyOpen: The successor's own drawer is open.
    """
    ended = close_shift(session, till=till, count=count, now=now)
    next_till = Actor(
        scope=till.scope,
        staff_id=successor.id,
        merchant_id=successor.merchant_id,
        store_id=successor.store_id,
        role=successor.role,
        terminal_id=till.terminal_id,
    )
    begun = open_shift(
        session,
        till=next_till,
        opening_float_fen=count.counted_fen,
        now=now,
        follows_id=ended.id,
    )
    return ended, begun
