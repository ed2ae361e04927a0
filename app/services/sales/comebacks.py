"""Value that comes back never vanishes: released holds, refunds and returned gifts, lot by lot.

It goes to the lots it came from, whatever their cap. A lot that has expired meanwhile lives thirty
days more; a replaced card's value goes to its replacement; what has no card any more is kept for
its member under ``suspense:member``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.models.base import OPERATOR_ID
from app.models.cards import Card, CardStatus, Lot
from app.models.ledger import Posting
from app.services.ledger import Leg

_REVIVE = text("SELECT kaquan.revive_lots(:lot_ids, :now)")
_OPEN_LOT = text(
    "SELECT kaquan.open_lot(:card_id, :kind, :fen, :bonus_bearer_id, :expires_at, :gifts_left)"
)


@dataclass(frozen=True, kw_only=True)
class Take:
    """What an event still holds of one lot, in fen."""

    lot_id: int
    fen: int


def takes_of(
    session: Session,
    *,
    payment_id: int | None = None,
    gift_id: int | None = None,
    returned_fen: int = 0,
) -> list[Take]:
    """What a payment or gift took from lots and has not given back, in the order of spending.

    Args:
        returned_fen: What has come back since, last spent first. It is told, and not looked up,
            because it may have come back to other lots: those of a card that took this one's place.
    """
    whose = Posting.payment_id == payment_id if payment_id else Posting.gift_id == gift_id
    rows = session.execute(
        select(Posting.lot_id, func.sum(Posting.amount_fen).label("fen"))
        .where(Posting.account == "card", Posting.amount_fen > 0, whose)
        .group_by(Posting.lot_id)
        .order_by(func.min(Posting.id))
    )
    left = [Take(lot_id=row.lot_id, fen=int(row.fen)) for row in rows]
    while returned_fen:
        last = left.pop()
        if last.fen > returned_fen:
            left.append(Take(lot_id=last.lot_id, fen=last.fen - returned_fen))
        returned_fen -= min(last.fen, returned_fen)
    return left


def last_spent_first(takes: Sequence[Take], amount_fen: int) -> list[Take]:
    """The part of the takes that a refund gives back: the reverse order of spending."""
    given: list[Take] = []
    for take in reversed(takes):
        if amount_fen == 0:
            break
        fen = min(take.fen, amount_fen)
        given.append(Take(lot_id=take.lot_id, fen=fen))
        amount_fen -= fen
    assert amount_fen == 0, "no more comes back than was taken"
    return given


def legs_back(
    session: Session,
    *,
    takes: Sequence[Take],
    now: datetime,
    payment_id: int | None = None,
    refund_id: int | None = None,
    gift_id: int | None = None,
) -> list[Leg]:
    """The credits that bring value back; opens or revives lots where that is needed."""
    lots = _locked_lots(session, takes)
    legs = []
    for take in takes:
        card, lot = _where_it_lives_now(session, lots[take.lot_id], take.fen, now)
        if card is None:
            legs.append(
                Leg(account="suspense:member", amount_fen=-take.fen, merchant_id=OPERATOR_ID,
                    payment_id=payment_id, refund_id=refund_id, gift_id=gift_id)
            )  # fmt: skip
            continue
        legs.append(
            Leg(account="card", amount_fen=-take.fen, merchant_id=card.merchant_id, card_id=card.id,
                lot_id=lot, payment_id=payment_id, refund_id=refund_id, gift_id=gift_id)
        )  # fmt: skip
    session.execute(_REVIVE, {"lot_ids": [t.lot_id for t in takes], "now": now})
    return legs


def bearers_relieved(session: Session, *, takes: Sequence[Take], payment_id: int) -> list[Leg]:
    """The mirror of charging whoever bears a bonus, for the bonus that comes back."""
    lots = _locked_lots(session, takes)
    legs = []
    for take in takes:
        bearer_id = lots[take.lot_id][0].bonus_bearer_id
        if bearer_id is not None:
            legs += bearer_charged(bearer_id, -take.fen, payment_id)
    return legs


def bearer_charged(bearer_id: int, fen: int, payment_id: int | None) -> list[Leg]:
    """What a merchant bears of a bonus becomes less of what it is paid (kaquan.charge_bearer)."""
    return [
        Leg(account=account, amount_fen=amount, merchant_id=bearer_id, payment_id=payment_id)
        for account, amount in (("payable:merchant", fen), ("bonus-borne:merchant", -fen))
    ]


def expiry_after(lot: Lot, now: datetime) -> datetime | None:
    """When a lot's value that moves now expires: as before, or in thirty days if it has."""
    if lot.expires_at is None or lot.expires_at > now:
        return lot.expires_at
    return now + timedelta(days=30)


def _locked_lots(session: Session, takes: Sequence[Take]) -> dict[int, tuple[Lot, Card]]:
    rows = session.execute(
        select(Lot, Card)
        .join(Card, Card.id == Lot.card_id)
        .where(Lot.id.in_([take.lot_id for take in takes]))
        .order_by(Card.id)
        .with_for_update(of=Card, key_share=True)
    )
    return {lot.id: (lot, card) for lot, card in rows}


def _last_replacement(session: Session, card: Card) -> Card:
    while card.status is CardStatus.replaced:
        assert card.replaced_by_id is not None, "a replaced card names its replacement"
        card = session.scalars(
            select(Card).where(Card.id == card.replaced_by_id).with_for_update(key_share=True)
        ).one()
    return card


def _where_it_lives_now(
    session: Session, found: tuple[Lot, Card], fen: int, now: datetime
) -> tuple[Card | None, int]:
    lot, card = found
    if card.status not in {CardStatus.replaced, CardStatus.returned}:
        return card, lot.id
    card = _last_replacement(session, card)
    if card.status is CardStatus.returned:
        return None, lot.id
    opened = session.scalar(
        _OPEN_LOT,
        {
            "card_id": card.id, "kind": lot.kind.name, "fen": fen,
            "expires_at": expiry_after(lot, now),
            "bonus_bearer_id": lot.bonus_bearer_id, "gifts_left": lot.gifts_left,
        },
    )  # fmt: skip
    assert opened is not None
    return card, opened
