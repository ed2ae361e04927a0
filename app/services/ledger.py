"""The one door to the ledger: entries are posted and reversed here, and nowhere else.

The writing itself is the SQL function ``kaquan.post_entry`` (migrations/code): it books the entry,
moves the stored balances of the cards and lots it names, and cannot be gone around, because no role
but the ledger's may write those tables.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.models.base import OPERATOR_ID
from app.models.ledger import JournalEntry, Posting

_POST = text(
    "SELECT kaquan.post_entry("
    ":kind, :reference, :occurred_at, cast(:legs AS jsonb), :reverses_id, :reason)"
)
# One after the other, in the order given: a lot is filled before it is spent.
_POST_MANY = text(
    "SELECT kaquan.post_entry(e ->> 'kind', e ->> 'reference', (e ->> 'occurred_at')::timestamptz,"
    " e -> 'legs', NULL, e ->> 'reason')"
    " FROM jsonb_array_elements(cast(:entries AS jsonb)) WITH ORDINALITY AS every (e, n) ORDER BY n"
)
_AT_ONCE = 400
_DIMENSIONS = (
    "merchant_id",
    "store_id",
    "card_id",
    "lot_id",
    "payment_id",
    "refund_id",
    "top_up_id",
    "gift_id",
    "batch_id",
)


@dataclass(frozen=True, kw_only=True)
class Leg:
    """One posting to be. ``amount_fen`` is positive for a debit; the rest says which account."""

    account: str
    amount_fen: int
    merchant_id: int = OPERATOR_ID
    store_id: int | None = None
    card_id: int | None = None
    lot_id: int | None = None
    payment_id: int | None = None
    refund_id: int | None = None
    top_up_id: int | None = None
    gift_id: int | None = None
    batch_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry to be, for whoever books many."""

    kind: str
    reference: str
    occurred_at: datetime
    legs: Sequence[Leg]
    reason: str | None = None


def post_entry(
    session: Session,
    *,
    kind: str,
    reference: str,
    legs: Sequence[Leg],
    now: datetime,
    reason: str | None = None,
    reverses_id: int | None = None,
) -> int:
    """Book one event and return the entry's id.

    Legs of nothing are left out. The session must be in the system scope, and the cards named must
    be locked in the order of their ids, when anything was decided by looking at them.

    Args:
        reference: The event's name, for example ``gift:7:sent``. Booking it twice is an
            IntegrityError: the last guard behind every state machine.
    """
    assert sum(leg.amount_fen for leg in legs) == 0, "an entry's postings sum to zero"
    booked = session.execute(
        _POST,
        {
            "kind": kind,
            "reference": reference,
            "occurred_at": now,
            "legs": json.dumps(_legs_as_json(legs)),
            "reverses_id": reverses_id,
            "reason": reason,
        },
    )
    # Cards and lots changed behind the ORM's back.
    session.expire_all()
    entry_id: int = booked.scalar_one()
    return entry_id


def post_entries(session: Session, *, entries: Sequence[Entry]) -> None:
    """Book many events in their order, some hundreds to a statement: an import, or a demo's past.

    Nobody else may be working on the cards named: they are locked entry by entry, not by id.
    """
    for entry in entries:
        assert sum(leg.amount_fen for leg in entry.legs) == 0, "an entry's postings sum to zero"
    for start in range(0, len(entries), _AT_ONCE):
        chunk = entries[start : start + _AT_ONCE]
        session.execute(_POST_MANY, {"entries": json.dumps([_as_json(entry) for entry in chunk])})
    session.expire_all()


def reverse_entry(session: Session, *, entry: JournalEntry, now: datetime, reason: str) -> int:
    """Book the mirror of an entry, linked to it. An entry is reversed once (a unique index)."""
    return post_entry(
        session,
        kind=f"{entry.kind}_reversed",
        reference=f"{entry.reference}:reversed",
        legs=[mirrored(leg) for leg in legs_of(session, entry_id=entry.id)],
        now=now,
        reason=reason,
        reverses_id=entry.id,
    )


def find_entry(session: Session, reference: str) -> JournalEntry:
    """The entry that booked an event. It must be there."""
    return session.scalars(select(JournalEntry).where(JournalEntry.reference == reference)).one()


def legs_of(session: Session, *, entry_id: int) -> list[Leg]:
    """An entry's postings as legs, in the order in which they were booked."""
    columns = [getattr(Posting, name) for name in ("account", "amount_fen", *_DIMENSIONS)]
    rows = session.execute(
        select(*columns).where(Posting.entry_id == entry_id).order_by(Posting.id)
    )
    return [Leg(**row._mapping) for row in rows]


def mirrored(leg: Leg) -> Leg:
    return replace(leg, amount_fen=-leg.amount_fen)


def _as_json(entry: Entry) -> dict[str, object]:
    return {
        "kind": entry.kind,
        "reference": entry.reference,
        "occurred_at": entry.occurred_at.isoformat(),
        "legs": _legs_as_json(entry.legs),
        "reason": entry.reason,
    }


def _legs_as_json(legs: Sequence[Leg]) -> list[dict[str, object]]:
    """Legs of nothing are left out, and of each leg what it does not name."""
    return [
        {name: value for name, value in vars(leg).items() if value is not None}
        for leg in legs
        if leg.amount_fen
    ]
