"""What the money machine believes: cards of lots, what each event takes and gives, and the books.

Small, slow and written from design.md 3, without a look at how the program does it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

OPERATOR = 1
REVIVED_FOR = timedelta(days=30)


@dataclass(eq=False)
class Program:
    id: int
    issuer: int
    bonus_bearer: int | None
    days: int
    spend_first: str
    cap: int
    tiers: dict[int, int]

    def bonus(self, fen: int) -> int:
        return max((bonus for tier, bonus in self.tiers.items() if tier <= fen), default=0)


@dataclass(eq=False)
class Lot:
    card: Card
    kind: str
    original: int
    fen: int
    bearer: int | None
    expires: datetime
    gifts_left: int

    def living(self, now: datetime) -> bool:
        return self.fen > 0 and self.expires > now

    def expiry(self, now: datetime) -> datetime:
        return self.expires if self.expires > now else now + REVIVED_FOR


@dataclass(eq=False)
class Card:
    member: int
    program: Program
    status: str = "active"
    lots: list[Lot] = field(default_factory=list)
    replaced_by: Card | None = None
    id: int | None = None

    @property
    def balance(self) -> int:
        return sum(lot.fen for lot in self.lots)

    def open(
        self, kind: str, fen: int, bearer: int | None, expires: datetime, gifts_left: int
    ) -> Lot:
        lot = Lot(self, kind, fen, fen, bearer, expires, gifts_left)
        self.lots.append(lot)
        return lot

    def order(self, lot: Lot) -> tuple[datetime, bool, int]:
        return lot.expires, lot.kind != self.program.spend_first, self.lots.index(lot)

    def in_spending_order(self) -> list[Lot]:
        return sorted((lot for lot in self.lots if lot.fen), key=self.order)


Take = tuple[Lot, int]


def take(lots: list[Lot], fen: int) -> list[Take]:
    """As much of an amount as the lots give, in their order. Takes it off them."""
    taken = []
    for lot in lots:
        part = min(lot.fen, fen)
        if part:
            lot.fen -= part
            fen -= part
            taken.append((lot, part))
    return taken


def split(takes: list[Take], fen: int) -> tuple[list[Take], list[Take]]:
    """What was spent last comes back first: what comes back of an amount, and what stays taken."""
    back, stays = [], list(takes)
    while fen:
        lot, part = stays.pop()
        given = min(part, fen)
        fen -= given
        back.append((lot, given))
        if part > given:
            stays.append((lot, part - given))
    return back, stays


@dataclass
class Model:
    cards: list[Card] = field(default_factory=list)
    books: Counter[tuple[str, int]] = field(default_factory=Counter)  # Debits are positive.

    def card_of(self, member: int, program: Program) -> Card:
        for card in self.cards:
            mine = card.member == member and card.program is program
            if mine and card.status != "replaced":
                return card
        self.cards.append(Card(member, program))
        return self.cards[-1]

    def book(self, account: str, fen: int, merchant: int = OPERATOR) -> None:
        self.books[account, merchant] += fen

    def book_bonus(self, bearer: int | None, fen: int) -> None:
        if bearer is None:
            self.book("expense:bonus", fen)
        else:
            self.book("bonus-borne:merchant", fen, bearer)

    def credit(self, card: Card, principal: int, bonus: int, now: datetime) -> list[Lot]:
        program, expires = card.program, now + timedelta(days=card.program.days)
        lots = [card.open("principal", principal, None, expires, 2)]
        if bonus:
            lots.append(card.open("bonus", bonus, program.bonus_bearer, expires, 0))
        return lots

    def spendable(self, member: int, merchant: int, now: datetime) -> list[Lot]:
        lots = [
            lot
            for card in self.cards
            if card.member == member and card.status == "active"
            for lot in card.lots
            if lot.living(now)
        ]
        return sorted(
            lots, key=lambda lot: (lot.card.program.issuer != merchant, lot.card.order(lot))
        )

    def earn(self, merchant: int, fen: int, commission: int) -> None:
        """The store's part and ours. Negative: a refund."""
        self.book("payable:merchant", commission - fen, merchant)
        self.book("income:commission", -commission)

    def charge_bearers(self, takes: list[Take], sign: int = 1) -> None:
        for lot, fen in takes:
            if lot.bearer is not None:
                self.book("payable:merchant", sign * fen, lot.bearer)
                self.book("bonus-borne:merchant", -sign * fen, lot.bearer)

    def bring_back(self, takes: list[Take], now: datetime) -> None:
        for lot, fen in takes:
            card = lot.card
            while card.replaced_by is not None:
                card = card.replaced_by
            if card is lot.card:
                lot.fen += fen
            else:
                card.open(lot.kind, fen, lot.bearer, lot.expiry(now), lot.gifts_left)
        for lot, _ in takes:
            lot.expires = lot.expiry(now)
