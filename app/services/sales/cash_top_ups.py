"""Cash top-ups at a counter, and how a manager undoes one.

The counter's call is one SQL function (``kaquan.top_up_with_cash``; ``kaquan.top_up_together`` for
several plain ones at once).
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import MANAGER_ROLES, Actor
from app.core.clock import local_day
from app.core.errors import N_, Category, DomainError
from app.models.cards import Card, Lot
from app.models.ledger import Posting
from app.models.sales import TopUp, TopUpChannel, TopUpStatus
from app.services import journal, ledger
from app.services.refusals import Forbidden, TopUpNotFound
from app.services.sales.cash_days import forget_cash_day
from app.services.sales.top_ups import lock_top_up
from app.services.tills import shifts

TAKE = (
    "SELECT verdict, http_status, answer, detail_fen"
    " FROM kaquan.top_up_with_cash(%s, %s, %s, %s, %s, %s, %s, %s)"
)
TAKE_TOGETHER = (
    "SELECT place, http_status, answer FROM kaquan.top_up_together(%s::bytea[], %s::text[],"
    " %s::bytea[], %s::bytea[], %s::text[], %s::bigint[], %s::bigint[])"
)


class CashTaken(NamedTuple):
    """A till's call for a phone or a card, in the order of ``TAKE_TOGETHER``'s columns."""

    token_digest: bytes
    key: str
    request_hash: bytes
    phone_digest: bytes | None
    card_no: str | None
    program_id: int | None
    amount_fen: int


class TopUpSpent(DomainError):
    code = "top_up_spent"
    category = Category.CONFLICT
    template = N_("Part of this top-up is spent already, so it cannot be reversed.")


class TopUpNotReversible(DomainError):
    code = "top_up_not_reversible"
    category = Category.CONFLICT
    template = N_("Only a cash top-up of the same day can be reversed, and only once.")


def reverse_cash_top_up(
    session: Session,
    *,
    top_up_no: str,
    reason: str,
    till: Actor,
    now: datetime,
    drawer: Actor | None = None,
) -> TopUp:
    """A manager undoes a cash top-up of the same day, while all of it is still on the card.

    Args:
        drawer: Whose drawer gives the cash back; the manager's own unless told.

    Raises:
        TopUpSpent: The card has used some of it.
    """
    if till.role not in MANAGER_ROLES:
        raise Forbidden
    top_up = lock_top_up(session, TopUp.top_up_no == top_up_no)
    if top_up.channel is not TopUpChannel.cash or top_up.store_id != till.store_id:
        raise TopUpNotFound
    same_day = local_day(top_up.created_at) == local_day(now)
    if top_up.status is not TopUpStatus.credited or not same_day:
        raise TopUpNotReversible
    shift_id = shifts.hold_shift(session, till=drawer or till)
    if top_up.staff_id is not None:
        forget_cash_day(session, staff_id=top_up.staff_id)
    session.execute(
        select(Card.id).where(Card.id == top_up.card_id).with_for_update(key_share=True)
    )
    touched = session.scalar(
        select(Lot.id)
        .join(Posting, Posting.lot_id == Lot.id)
        .where(Posting.top_up_id == top_up.id, Lot.remaining_fen < Lot.original_fen)
        .limit(1)
    )
    if touched is not None:
        raise TopUpSpent
    top_up.status = TopUpStatus.reversed
    session.flush()
    entry = ledger.find_entry(session, f"top-up:{top_up.id}:credited")
    back_id = ledger.reverse_entry(session, entry=entry, now=now, reason=reason)
    shifts.note_cash(session, shift_id=shift_id, entry_id=back_id, till=till)
    journal.send_later(session, "top_up.reversed", subject_id=top_up.id, store_id=top_up.store_id)
    journal.audit(
        session, "top_up.reversed", actor=till, subject_id=top_up.id, member_id=top_up.member_id,
        detail={"reason": reason},
    )  # fmt: skip
    return top_up
