"""Statements of cards: every event with the balance after it, newest first, as far as seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

# Today's balance less what came later: a page costs what it shows, and nothing is stored twice.
_LINES = text("""
    SELECT e.id, e.kind, e.reference, e.occurred_at, e.reason, p.card_id,
           sum(-p.amount_fen)::bigint AS amount_fen,
           max(p.payment_id) AS payment_id, max(p.top_up_id) AS top_up_id,
           max(p.gift_id) AS gift_id, max(p.refund_id) AS refund_id
    FROM posting p JOIN journal_entry e ON e.id = p.entry_id
    WHERE p.card_id = ANY(:cards) AND p.account = 'card' AND e.id < :before
    GROUP BY e.id, p.card_id ORDER BY e.id DESC, p.card_id LIMIT :limit
""")
_LATER = text("""
    SELECT coalesce(sum(c.balance_fen), 0)::bigint + coalesce((
        SELECT sum(p.amount_fen) FROM posting p
        WHERE p.card_id = ANY(:cards) AND p.account = 'card' AND p.entry_id >= :before), 0)::bigint
    FROM card c WHERE c.id = ANY(:cards)
""")


@dataclass(frozen=True, kw_only=True)
class StatementLine:
    """One event on one card. ``amount_fen`` is signed; the balance is over all the cards asked."""

    entry_id: int
    kind: str
    reference: str
    occurred_at: datetime
    reason: str | None
    card_id: int
    payment_id: int | None
    top_up_id: int | None
    gift_id: int | None
    refund_id: int | None
    amount_fen: int
    balance_after_fen: int


def card_statement(
    session: Session, *, card_ids: Sequence[int], before: int | None = None, limit: int = 50
) -> tuple[Sequence[StatementLine], int | None]:
    """A page of events on these cards, and the entry before which the next page begins.

    An entry that touches two of the cards (a replacement) has a line for each; they stay together.
    """
    values = {"cards": list(card_ids), "before": before or 2**62, "limit": limit + 1}
    rows = list(session.execute(_LINES, values))
    more = len(rows) > limit
    if more:  # The last entry may go on behind the limit: it begins the next page.
        cut = rows[limit].id
        rows = [row for row in rows[:limit] if row.id != cut] or rows[:limit]
    balance = session.scalar(_LATER, values) or 0
    lines = []
    for row in rows:
        named = {
            name: getattr(row, name)
            for name in ("kind", "reference", "occurred_at", "reason", "card_id", "payment_id",
                         "top_up_id", "gift_id", "refund_id", "amount_fen")
        }  # fmt: skip
        lines.append(StatementLine(entry_id=row.id, balance_after_fen=balance, **named))
        balance -= row.amount_fen
    return lines, rows[-1].id if more else None
