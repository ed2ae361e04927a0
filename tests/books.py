"""What tests read in the books."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models.ledger import JournalEntry, Posting
from app.models.vouchers import Voucher
from app.services import ledger
from app.services.ledger import Leg

Line = tuple[str, int, int]


def legs_of(session: Session, reference: str) -> list[Leg]:
    """An event's postings with all their dimensions, as booked."""
    return ledger.legs_of(session, entry_id=ledger.find_entry(session, reference).id)


def postings_of(session: Session, reference: str) -> list[Line]:
    """An event's postings as sorted ``(account, merchant_id, amount_fen)``; debits are positive."""
    return sorted(
        (leg.account, leg.merchant_id, leg.amount_fen) for leg in legs_of(session, reference)
    )


def latest(session: Session, kind: str, **dimensions: int) -> str:
    """The reference of the newest entry of a kind that has a posting of these dimensions."""
    entries = (
        select(JournalEntry.reference)
        .join(Posting, Posting.entry_id == JournalEntry.id)
        .where(JournalEntry.kind == kind)
        .order_by(JournalEntry.id.desc())
        .limit(1)
    )
    for name, value in dimensions.items():
        entries = entries.where(getattr(Posting, name) == value)
    return session.scalars(entries).one()


def balance_fen(session: Session, account: str, **dimensions: int) -> int:
    """The sum of an account's postings of these dimensions."""
    total = select(func.coalesce(func.sum(Posting.amount_fen), 0)).where(Posting.account == account)
    for name, value in dimensions.items():
        total = total.where(getattr(Posting, name) == value)
    return int(session.scalar(total) or 0)


class BrokenBooks(Exception):
    """An invariant does not hold on what the tests have left: never a matter of chance."""


def count_vouchers(session: Session, batch_id: int) -> dict[str, int]:
    """How many vouchers of a batch are in each status, by its name."""
    rows = session.execute(
        select(Voucher.status, func.count())
        .where(Voucher.batch_id == batch_id)
        .group_by(Voucher.status)
    )
    return {status.name: count for status, count in rows}
