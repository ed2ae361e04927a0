"""The demo's months of trade, made up by a fixed seed: the same story for the same day.

Nothing is written here. Events are played in the order of time on purses in memory, so that no lot
is ever spent further than it was filled; ``bookings`` then says what each of them books.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import TypeVar

from app.core.clock import SHANGHAI, local_day
from app.models.base import OPERATOR_ID
from app.models.cards import LotKind
from app.models.sales import TopUpChannel
from app.models.vouchers import GiftStatus
from app.services.demo.chronicle_model import (
    GiftEvent,
    Paper,
    Part,
    PaymentEvent,
    Person,
    Program,
    Purse,
    RedemptionEvent,
    RefundEvent,
    Shop,
    Story,
    Take,
    TopUpEvent,
)
from app.services.demo.words import GREETINGS, NICKNAMES, REASONS

T = TypeVar("T")
DAYS = 90
MEMBERS = 130
CAP_FEN = 500_000
LATEST = timedelta(minutes=2)  # So long ago is the newest event at least.
_GATHERING = 8  # The day of the story on which a company buys cards for its people, in cash.
_INVITED = 18
_AMOUNTS_FEN = ((100_00, 5), (200_00, 4), (300_00, 4), (500_00, 1))
_CHANNELS = ((TopUpChannel.wechat, 7), (TopUpChannel.cash, 3))


@dataclass(eq=False)
class Chronicle:
    """Plays the story up to ``now``. ``papers`` are active vouchers with the chance of each."""

    shops: Sequence[Shop]
    programs: Sequence[Program]
    now: datetime
    bonus_for: Callable[[int], int]
    random: random.Random
    story: Story = field(default_factory=Story)
    _due: list[tuple[datetime, int, Callable[[datetime], None]]] = field(default_factory=list)
    _count: Iterator[int] = field(default_factory=itertools.count)

    def play(self, redeemable: Sequence[Paper], top_up_codes: Sequence[Paper]) -> Story:
        first = local_day(self.now) - timedelta(days=DAYS)
        self._codes = list(top_up_codes)
        self._paper_from = self.now - timedelta(days=DAYS * 2 / 3)
        self._plan_people()
        self._plan_gathering(first + timedelta(days=_GATHERING))
        for offset in range(DAYS + 1):
            self._plan_day(first + timedelta(days=offset), offset / DAYS)
        for paper in redeemable:
            # Paper comes back quickly at first and then ever more slowly.
            days = self.random.expovariate(1 / 30) % (DAYS * 2 / 3)
            at = self._paper_from + timedelta(days=days)
            self._at(self._opening_hour(at), partial(self._redeem, paper=paper))
        while self._due:
            at, _, happen = heapq.heappop(self._due)
            if at < self.now - LATEST:
                happen(at)
        for events in (self.story.top_ups, self.story.gifts):
            events.sort(key=lambda event: event.at)
        return self.story

    # What is going to happen --------------------------------------------------------------------

    def _plan_people(self) -> None:
        """Members join at a growing pace, a third of them in the first days."""
        began = self.now - timedelta(days=DAYS)
        for number in range(MEMBERS):
            share = 0.05 * self.random.random() if number % 3 == 0 else self.random.random() ** 0.6
            at = self._opening_hour(began + timedelta(days=DAYS * share))
            self._at(at, partial(self._join, number=number))

    def _plan_day(self, day: date, progress: float) -> None:
        for shop in self.shops:
            weekend = 1.35 if day.weekday() >= 5 else 1.0
            expected = shop.payments_a_day * (0.45 + progress) * weekend
            for _ in range(round(expected * self.random.uniform(0.75, 1.25))):
                at = self._moment(day, shop)
                self._at(at, partial(self._pay, shop=shop))
        if self.random.random() < 0.45:
            at = self._moment(day, self.random.choice(self.shops))
            self._at(at, self._give)

    def _plan_gathering(self, day: date) -> None:
        """So much cash at one counter that its merchant owes for the week, and nothing is due."""
        at = datetime.combine(day, time(10), SHANGHAI)
        for number in range(_INVITED):
            buy = partial(self._buy_in_company, number=number, shop=self.shops[-1])
            self._at(at + number * timedelta(seconds=50), buy)

    def _at(self, at: datetime, happen: Callable[[datetime], None]) -> None:
        heapq.heappush(self._due, (at, next(self._count), happen))

    def _moment(self, day: date, shop: Shop) -> datetime:
        hour = self.random.choices(range(24), weights=shop.hours)[0]
        seconds = self.random.randrange(3600)
        return datetime.combine(day, time(hour, seconds // 60, seconds % 60), SHANGHAI)

    def _opening_hour(self, at: datetime) -> datetime:
        found = self._moment(local_day(at), self.random.choice(self.shops))
        return found if found < self.now else found - timedelta(days=1)

    # What happens -------------------------------------------------------------------------------

    def _join(self, at: datetime, number: int) -> None:
        weights = [shop.payments_a_day for shop in self.shops]
        person = Person(
            nickname=NICKNAMES[number % len(NICKNAMES)],
            phone=f"1927{number * 7919 % 10_000_000:07d}",
            joined_at=at,
            favourite=self.random.choices(self.shops, weights=weights)[0],
        )
        self.story.people.append(person)
        if self.random.random() < 0.8:
            self._top_up(at, person)

    def _pay(self, at: datetime, shop: Shop) -> None:
        person = self._customer(shop)
        if person is None:
            return
        low, high = shop.amounts_fen
        amount = round(low * (high / low) ** self.random.random() / 50) * 50
        takes = self._allocate(person, shop, amount)
        missing = amount - sum(take.fen for take in takes)
        if missing and self.random.random() < 0.7:
            self._top_up(at - timedelta(seconds=95), person)
            takes = self._allocate(person, shop, amount)
        if not takes and self.random.random() < 0.5:
            return  # No card at hand: paid in cash, and nothing that is ours happens.
        for take in takes:
            take.part.left_fen -= take.fen
        payment = PaymentEvent(at=at, shop=shop, person=person, amount_fen=amount, takes=takes)
        self.story.payments.append(payment)
        if self.random.random() < 0.025:
            later = at + timedelta(minutes=self.random.randrange(6, 80))
            self._at(later, partial(self._refund, payment=payment))

    def _refund(self, at: datetime, payment: PaymentEvent) -> None:
        part_only = payment.card_fen == payment.amount_fen >= 10_00 and self.random.random() < 0.4
        wanted = payment.card_fen if not part_only else payment.card_fen // 300 * 100
        takes: list[Take] = []
        for take in reversed(payment.takes):
            fen = min(take.fen, wanted - sum(one.fen for one in takes))
            if fen:
                takes.append(Take(take.part, fen))
                take.part.left_fen += fen
        refund = RefundEvent(
            at=at, payment=payment, takes=takes, wechat_fen=payment.wechat_fen,
            reason=self.random.choice(REASONS),
        )  # fmt: skip
        payment.refunds.append(refund)
        self.story.refunds.append(refund)

    def _redeem(self, at: datetime, paper: Paper) -> None:
        own = [shop for shop in self.shops if shop.merchant_id == paper.issuer_id]
        weights = [shop.payments_a_day for shop in own]
        shop = self.random.choices(own, weights=weights)[0]
        self.story.redemptions.append(RedemptionEvent(at=at, shop=shop, paper=paper))

    def _give(self, at: datetime) -> None:
        wanted = self.random.choice((20_00, 50_00, 66_00, 88_00))
        rich = [purse for purse in self.story.purses if _givable(purse) >= wanted]
        if not rich or len(self.story.people) < 2:
            return
        purse = self.random.choice(rich)
        takes: list[Take] = []
        for part in purse.parts:
            fen = min(part.left_fen, wanted - sum(take.fen for take in takes))
            if fen and part.gifts_left:
                takes.append(Take(part, fen))
                part.left_fen -= fen
        gift = GiftEvent(
            at=at, sender=purse.person, takes=takes, message=self.random.choice(GREETINGS)
        )
        self.story.gifts.append(gift)
        ends = at + timedelta(minutes=self.random.randrange(2, 400))
        chance = self.random.random()
        if chance < 0.8:
            self._at(ends, partial(self._claim, gift=gift))
        elif chance < 0.9:
            self._at(ends, partial(self._bring_back, gift=gift, status=GiftStatus.revoked))
        else:
            due = at + timedelta(hours=24, minutes=1)
            self._at(due, partial(self._bring_back, gift=gift, status=GiftStatus.returned))

    def _claim(self, at: datetime, gift: GiftEvent) -> None:
        others = [person for person in self.story.people if person is not gift.sender]
        program = gift.takes[0].part.purse.program
        receiver = self.random.choice(others)
        purse = self._purse(receiver, program, at)
        if purse.balance_fen + gift.amount_fen > CAP_FEN:
            self._bring_back(at, gift, GiftStatus.revoked)
            return
        gift.status, gift.ended_at, gift.receiver = GiftStatus.claimed, at, receiver
        gift.parts = [
            self._part(purse, LotKind.principal, take.fen, take.part.gifts_left - 1, at)
            for take in gift.takes
        ]

    def _bring_back(self, at: datetime, gift: GiftEvent, status: GiftStatus) -> None:
        gift.status, gift.ended_at = status, at
        for take in gift.takes:
            take.part.left_fen += take.fen

    def _top_up(self, at: datetime, person: Person) -> None:
        purse = self._purse(person, self._program_for(person), at)
        code = self._code_of(purse.program, at)
        if code is not None and self.random.random() < 0.3:
            self._codes.remove(code)
            self._credit(at, purse, TopUpChannel.code, code.face_value_fen, 0, paper=code)
            return
        amount = _pick(self.random, _AMOUNTS_FEN)
        channel = _pick(self.random, _CHANNELS)
        shop = person.favourite if channel is TopUpChannel.cash else None
        self._credit(at, purse, channel, amount, self.bonus_for(amount), shop=shop)

    def _code_of(self, program: Program, at: datetime) -> Paper | None:
        """A printed code for that program which nobody has used; none before they are sold."""
        if at < self._paper_from:
            return None
        return next((one for one in self._codes if one.issuer_id == program.issuer_id), None)

    def _buy_in_company(self, at: datetime, number: int, shop: Shop) -> None:
        group = next(program for program in self.programs if program.issuer_id == OPERATOR_ID)
        if number < len(self.story.people):
            purse = self._purse(self.story.people[number], group, at)
            self._credit(at, purse, TopUpChannel.cash, 500_00, self.bonus_for(500_00), shop=shop)

    def _credit(
        self, at: datetime, purse: Purse, channel: TopUpChannel, amount_fen: int, bonus_fen: int,
        *, shop: Shop | None = None, paper: Paper | None = None,
    ) -> None:  # fmt: skip
        if purse.balance_fen + amount_fen + bonus_fen > CAP_FEN:
            return
        parts = [self._part(purse, LotKind.principal, amount_fen, 2, at)]
        if bonus_fen:
            parts.append(self._part(purse, LotKind.bonus, bonus_fen, 0, at))
        self.story.top_ups.append(
            TopUpEvent(at=at, purse=purse, channel=channel, amount_fen=amount_fen,
                       bonus_fen=bonus_fen, parts=parts, shop=shop, paper=paper)
        )  # fmt: skip

    # Who and what -------------------------------------------------------------------------------

    def _customer(self, shop: Shop) -> Person | None:
        here = [person for person in self.story.people if person.favourite is shop]
        if here and self.random.random() < 0.75:
            return self.random.choice(here)
        return self.random.choice(self.story.people) if self.story.people else None

    def _program_for(self, person: Person) -> Program:
        """Half of the people top up the group's card, the others that of their merchant."""
        if person.purses and self.random.random() < 0.8:
            return person.purses[0].program
        wanted = OPERATOR_ID if self.random.random() < 0.5 else person.favourite.merchant_id
        return next(program for program in self.programs if program.issuer_id == wanted)

    def _purse(self, person: Person, program: Program, at: datetime) -> Purse:
        for purse in person.purses:
            if purse.program is program:
                return purse
        purse = Purse(person=person, program=program, opened_at=at)
        person.purses.append(purse)
        self.story.purses.append(purse)
        return purse

    def _part(
        self, purse: Purse, kind: LotKind, fen: int, gifts_left: int, at: datetime
    ) -> Part:  # fmt: skip
        part = Part(purse=purse, kind=kind, original_fen=fen, gifts_left=gifts_left,
                    opened_at=at, left_fen=fen)  # fmt: skip
        purse.parts.append(part)
        self.story.parts.append(part)
        return part

    @staticmethod
    def _allocate(person: Person, shop: Shop, amount_fen: int) -> list[Take]:
        """As ``kaquan.allocate`` takes: the shop's own cards first, principal before bonus."""
        parts = [
            part
            for purse in person.purses
            if shop.merchant_id in purse.program.accepted_by
            for part in purse.parts
            if part.left_fen
        ]
        parts.sort(
            key=lambda part: (
                part.purse.program.issuer_id != shop.merchant_id,
                part.kind is LotKind.bonus,
            )
        )
        takes: list[Take] = []
        for part in parts:
            fen = min(part.left_fen, amount_fen - sum(take.fen for take in takes))
            if fen:
                takes.append(Take(part, fen))
        return takes


def _givable(purse: Purse) -> int:
    return sum(part.left_fen for part in purse.parts if part.gifts_left)


def _pick(source: random.Random, weighted: Sequence[tuple[T, int]]) -> T:
    values = [value for value, _ in weighted]
    return source.choices(values, weights=[weight for _, weight in weighted])[0]
