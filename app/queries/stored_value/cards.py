"""What a member owns, and what happened to it. Reads in the member's scope: RLS filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, kw_only=True)
class LotSeen:
    kind: str
    remaining_fen: int
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class CardSeen:
    """One card; expired lots are not in its figures any more."""

    id: int
    card_no: str
    program_name: str
    issuer_name: str
    status: str
    balance_fen: int
    principal_fen: int
    bonus_fen: int
    lots: Sequence[LotSeen]

    @property
    def program(self) -> dict[str, str]:
        return {"name": self.program_name, "issuer": self.issuer_name}


@dataclass(frozen=True, kw_only=True)
class Activity:
    """One event on a member's cards. ``amount_fen`` is signed; the balance is over all cards."""

    id: int
    type: str
    amount_fen: int
    balance_after_fen: int
    title: str
    store: str | None
    occurred_at: datetime
    reference: str


_CARDS = text("""
    SELECT c.id, c.card_no, p.name, m.name AS issuer, c.status,
           l.kind, l.remaining_fen, l.expires_at
    FROM card c
    JOIN card_program p ON p.id = c.program_id
    JOIN merchant m ON m.id = c.merchant_id
    LEFT JOIN lot l ON l.card_id = c.id AND l.remaining_fen > 0
        AND (l.expires_at IS NULL OR l.expires_at > :now)
    WHERE c.status <> 'replaced'
    ORDER BY c.id, l.expires_at NULLS LAST, l.id
""")

# An event is an entry; what it did to the member is the sum over his cards. The balance after it is
# today's balance less what came later, so a page costs what it shows and nothing is stored twice.
_ACTIVITIES = text("""
    SELECT e.id, e.kind, e.occurred_at, sum(-p.amount_fen)::bigint AS amount_fen,
           max(p.payment_id) AS payment_id, max(p.top_up_id) AS top_up_id,
           max(p.gift_id) AS gift_id, max(p.refund_id) AS refund_id
    FROM posting p JOIN journal_entry e ON e.id = p.entry_id
    WHERE p.card_id IN (SELECT id FROM card WHERE cast(:card_id AS bigint) IS NULL OR id = :card_id)
        AND p.account = 'card' AND e.id < :before
    GROUP BY e.id ORDER BY e.id DESC LIMIT :limit
""")
_BALANCE = text("""
    SELECT coalesce(sum(balance_fen), 0)::bigint FROM card
    WHERE cast(:card_id AS bigint) IS NULL OR id = :card_id
""")
_NAMES = text("""
    SELECT 'payment' AS what, p.id, p.payment_no AS reference, s.name AS store
    FROM payment p JOIN store s ON s.id = p.store_id WHERE p.id = ANY(:payments)
    UNION ALL SELECT 'top_up', t.id, t.top_up_no, s.name
    FROM top_up t LEFT JOIN store s ON s.id = t.store_id WHERE t.id = ANY(:top_ups)
    UNION ALL SELECT 'gift', g.id, g.gift_no, NULL FROM gift g WHERE g.id = ANY(:gifts)
    UNION ALL SELECT 'refund', r.id, r.refund_no, NULL FROM refund r WHERE r.id = ANY(:refunds)
""")

# What an entry's kind is called for a member.
_TYPES = {
    "top_up_wechat": "top_up",
    "top_up_cash": "top_up",
    "top_up_code": "top_up",
    "top_up_cash_reversed": "top_up_reversed",
    "payment": "payment",
    "payment_held": "payment",
    "payment_released": "payment_closed",
    "refund_card": "refund",
    "gift_sent": "gift_sent",
    "gift_claimed": "gift_received",
    "gift_revoked": "gift_revoked",
    "gift_returned": "gift_returned",
}


def list_cards(session: Session, *, now: datetime) -> list[CardSeen]:
    """The member's cards with what can be spent of each lot."""
    cards: dict[int, tuple[tuple[str, ...], list[LotSeen]]] = {}
    for row in session.execute(_CARDS, {"now": now}):
        head = (row.card_no, row.name, row.issuer, row.status)
        lots = cards.setdefault(row.id, (head, []))[1]
        if row.kind is not None:
            lots.append(
                LotSeen(kind=row.kind, remaining_fen=row.remaining_fen, expires_at=row.expires_at)
            )
    return [_card(card_id, *head, lots=lots) for card_id, (head, lots) in cards.items()]


def list_activities(
    session: Session, *, limit: int, after: tuple[int, int] | None, card_id: int | None = None
) -> tuple[list[Activity], tuple[int, int] | None]:
    """One page of events, newest first, and where the next page begins.

    Args:
        after: The last event's id and the balance before it, as the page before gave them.
        card_id: That card's events and balance only.
    """
    which = {"card_id": card_id}
    newest = (2**62, session.scalar(_BALANCE, which) or 0) if after is None else after
    before, balance = newest
    rows = session.execute(_ACTIVITIES, {**which, "before": before, "limit": limit + 1}).all()
    names = _names_of(session, rows[:limit])
    activities = []
    for row in rows[:limit]:
        reference, store = _name(row, names)
        kind = _TYPES.get(row.kind, row.kind)
        activities.append(
            Activity(
                id=row.id,
                type=kind,
                amount_fen=row.amount_fen,
                balance_after_fen=balance,
                title=kind,
                store=store,
                occurred_at=row.occurred_at,
                reference=reference,
            )
        )
        balance -= row.amount_fen
    if len(rows) <= limit:
        return activities, None
    return activities, (rows[limit - 1].id, balance)


def _names_of(session: Session, rows: Sequence[object]) -> dict[tuple[str, int], tuple[str, str]]:
    wanted = {
        f"{what}s": [found for row in rows if (found := getattr(row, f"{what}_id")) is not None]
        for what in ("payment", "top_up", "gift", "refund")
    }
    return {(n.what, n.id): (n.reference, n.store) for n in session.execute(_NAMES, wanted)}


def _name(row: object, names: dict[tuple[str, int], tuple[str, str]]) -> tuple[str, str | None]:
    """The number that the member can show at a counter, and the store where it happened."""
    reference, store = "", None
    for what in ("payment", "top_up", "gift", "refund"):
        found = names.get((what, getattr(row, f"{what}_id") or 0))
        if found is not None:
            reference, store = found[0], found[1] or store
    return reference, store


def _card(
    card_id: int, card_no: str, program: str, issuer: str, status: str, *, lots: list[LotSeen]
) -> CardSeen:
    of_kind = {
        kind: sum(lot.remaining_fen for lot in lots if lot.kind == kind)
        for kind in ("principal", "bonus")
    }
    return CardSeen(
        id=card_id,
        card_no=card_no,
        program_name=program,
        issuer_name=issuer,
        status=status,
        balance_fen=of_kind["principal"] + of_kind["bonus"],
        principal_fen=of_kind["principal"],
        bonus_fen=of_kind["bonus"],
        lots=lots,
    )
