"""The demo's drawers: a shift for each day on which a cashier took cash, counted at its end.

Mostly the cash is what it should be; now and then somebody gave the wrong change, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.clock import local_day, start_of_day
from app.models.tenants import Shift, ShiftStatus
from app.models.tills import ShiftEntry

_FLOAT_FEN = 200_00
_BEFORE, _AFTER = timedelta(minutes=35), timedelta(minutes=25)
_EVERY = 9  # So many shifts agree for one that does not.
_WRONG = (
    (-5_00, "找零时多给了 5 元，已登记，由当班收银员说明。"),
    (1_00, "顾客未取走 1 元找零。"),
    (-20_00, "清点两遍仍少 20 元，已报店长。"),
)
_CASH = text("""
    SELECT t.merchant_id, t.store_id, t.staff_id, t.credited_at AS at, e.id AS entry_id, e.kind,
           p.amount_fen
      FROM top_up t
      JOIN staff s ON s.id = t.staff_id AND s.store_id = t.store_id
      JOIN journal_entry e ON e.reference = 'top-up:' || t.id || '\\:credited'
      JOIN posting p ON p.entry_id = e.id AND p.account = 'cash:store'
     WHERE t.channel = 'cash' AND t.credited_at < :until
     ORDER BY t.store_id, t.staff_id, t.credited_at, e.id
""")


@dataclass(frozen=True, kw_only=True)
class _Taken:
    """Cash that a cashier took for a top-up."""

    merchant_id: int
    store_id: int
    staff_id: int
    at: datetime
    entry_id: int
    kind: str
    amount_fen: int


def seed_shifts(session: Session, *, now: datetime) -> int:
    """Count the drawers of all days that are over; how many shifts there are."""
    rows = session.execute(_CASH, {"until": start_of_day(local_day(now))})
    taken = [_Taken(**row._mapping) for row in rows]
    days = groupby(taken, key=lambda one: (one.store_id, one.staff_id, local_day(one.at)))
    shifts = [(_shift(number, of_day := list(group)), of_day)
              for number, (_, group) in enumerate(days, start=1)]  # fmt: skip
    session.add_all(shift for shift, _ in shifts)
    session.flush()
    session.add_all(_entry(shift, one) for shift, of_day in shifts for one in of_day)
    session.flush()
    return len(shifts)


def _shift(number: int, taken: Sequence[_Taken]) -> Shift:
    first, last = taken[0], taken[-1]
    expected_fen = _FLOAT_FEN + sum(one.amount_fen for one in taken)
    wrong_fen, reason = (0, "") if number % _EVERY else _WRONG[number // _EVERY % len(_WRONG)]
    return Shift(
        merchant_id=first.merchant_id,
        store_id=first.store_id,
        staff_id=first.staff_id,
        drawer=f"store:{first.store_id}:person:{first.staff_id}",
        status=ShiftStatus.closed,
        opening_float_fen=_FLOAT_FEN,
        expected_fen=expected_fen,
        counted_fen=expected_fen + wrong_fen,
        difference_reason=reason,
        opened_at=first.at - _BEFORE,
        closed_at=last.at + _AFTER,
        closed_by_id=first.staff_id,
    )


def _entry(shift: Shift, taken: _Taken) -> ShiftEntry:
    return ShiftEntry(
        entry_id=taken.entry_id,
        shift_id=shift.id,
        kind=taken.kind,
        merchant_id=taken.merchant_id,
        store_id=taken.store_id,
        staff_id=taken.staff_id,
    )
