"""The world that the money machine moves in: two shops, three members, and how they are asked."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import select, text

from app.core.actor import SYSTEM, Actor, Role, Scope
from app.core.clock import utc_now
from app.core.errors import DomainError
from app.core.keys import token_digest
from app.models.base import Base
from app.models.cards import Bearer, LotKind
from app.models.vouchers import BatchKind
from app.queries.invariants import check_invariants
from tests.factories import Factories
from tests.journeys.money_model import Lot, Model, Program, Take

FACE, PRICE = 50_00, 40_00
RATES = {0: 60, 1: 101}


@dataclass(eq=False)
class MTopUp:
    id: int
    no: str
    member: int
    program: Program
    fen: int
    bonus: int
    status: str
    at: datetime
    lots: list[Lot] = field(default_factory=list)
    transaction: str | None = None


@dataclass(eq=False)
class MPayment:
    id: int
    no: str
    shop: int
    fen: int
    card_fen: int
    wechat_fen: int
    takes: list[Take]
    status: str
    card_left: int
    wechat_left: int
    commission_back: int = 0
    transaction: str | None = None


@dataclass(eq=False)
class MRefund:
    no: str
    order_no: str
    wechat_fen: int
    status: str = "processing"


@dataclass(eq=False)
class MGift:
    id: int
    token: str
    sender: int
    takes: list[Take]
    expires: datetime
    status: str = "sent"


class MoneyWorld(RuleBasedStateMachine):
    make: Factories

    def __init__(self) -> None:
        super().__init__()
        make = self.make
        self.database, self.keys, self.model = make.database, make.keys, Model()
        self.count, self.shift, self.steps = itertools.count(1), timedelta(0), 0
        merchants = [make.merchant(commission_bp=RATES[i]) for i in (0, 1)]
        self.merchants = [merchant.id for merchant in merchants]
        stores = [make.store(merchant) for merchant in merchants]
        self.pay_points = [make.pay_point(store).token for store in stores]
        managers = [make.staff(Role.store_manager, store) for store in stores]
        self.tills = [make.actor(manager) for manager in managers]
        self.till_tokens = [token_digest(make.staff_token(manager)) for manager in managers]
        self.desk = [make.actor(make.staff()) for _ in range(2)]
        tiers = {80_00: 12_34}
        own = make.program(
            issuer=merchants[0], accepted_by=merchants, tiers=tiers, registered_cap_fen=900_00,
            bonus_bearer=Bearer.issuer, spend_first=LotKind.bonus, principal_days=30, bonus_days=30,
        )  # fmt: skip
        group = make.program(
            accepted_by=merchants, tiers=tiers, registered_cap_fen=900_00,
            bonus_bearer=Bearer.platform, principal_days=45, bonus_days=45,
        )  # fmt: skip
        self.programs = [
            Program(own.id, self.merchants[0], self.merchants[0], 30, "bonus", 900_00, tiers),
            Program(group.id, 1, None, 45, "principal", 900_00, tiers),
        ]
        people = [make.member() for _ in range(3)]
        self.member_ids = [person.id for person in people]
        self.tokens = [token_digest(make.member_token(person)) for person in people]
        promotion = {"face_value_fen": FACE, "sale_price_fen": PRICE, "quantity": 6}
        self.paper = make.vouchers(
            make.batch(issuer=merchants[0], bearer=Bearer.issuer, **promotion)
        )
        self.codes = make.vouchers(
            make.batch(
                issuer=merchants[0], bearer=Bearer.issuer, kind=BatchKind.topup, program=own,
                **promotion,
            )
        )  # fmt: skip
        self.top_ups: list[MTopUp] = []
        self.payments: list[MPayment] = []
        self.refunds: list[MRefund] = []
        self.redeemed: dict[str, tuple[int, datetime]] = {}
        self.gifts: list[MGift] = []
        with self.database.unit_of_work(SYSTEM) as session:
            self.start = session.scalar(text("SELECT coalesce(max(id), 0) FROM posting"))

    # The world ----------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        return utc_now() + self.shift

    def do(self, service: Any, **arguments: Any) -> Any:
        """Call a service in a unit of work; a refusal gives its code."""
        try:
            with self.database.unit_of_work(SYSTEM) as session:
                told = service(session, **arguments)
                if isinstance(told, Base):
                    session.flush()
                    session.refresh(told)
                return told
        except DomainError as refusal:
            return refusal.code

    def key(self) -> tuple[str, bytes]:
        key = f"machine-{os.getpid()}-{id(self)}-{next(self.count)}"
        return key, hashlib.sha256(key.encode()).digest()

    def load(self, table: type, **values: Any) -> Any:
        with self.database.unit_of_work(SYSTEM) as session:
            return session.scalars(select(table).filter_by(**values)).one()

    def me(self, member: int) -> Actor:
        return Actor(scope=Scope.member, member_id=self.member_ids[member])

    def room(self, member: int, program: Program) -> int:
        coming = sum(
            t.fen + t.bonus
            for t in self.top_ups
            if (t.member, t.program) == (member, program) and t.status in {"pending", "closing"}
        )
        return program.cap - coming - self.model.card_of(member, program).balance

    def books(self) -> Counter[tuple[str, int]]:
        query = text(
            "SELECT account, merchant_id, sum(amount_fen) FROM posting"
            " WHERE account <> 'card' AND (merchant_id = 1 OR merchant_id = ANY (:merchants))"
            # What other tests have left on other cards expires, too, when our time passes.
            "   AND id > :start AND NOT EXISTS ("
            "     SELECT FROM posting o JOIN card c ON c.id = o.card_id"
            "     WHERE o.entry_id = posting.entry_id AND c.member_id <> ALL (:members))"
            " GROUP BY account, merchant_id"
        )
        with self.database.unit_of_work(SYSTEM) as session:
            ours = {"merchants": self.merchants, "members": self.member_ids, "start": self.start}
            rows = session.execute(query, ours).all()
        return Counter({(account, merchant): int(fen) for account, merchant, fen in rows})

    def ask_all_invariants(self) -> None:
        with self.database.unit_of_work(SYSTEM) as session:
            broken = [result for result in check_invariants(session) if not result.ok]
        assert not broken


def choose(among: Any, pick: int) -> Any:
    return among[pick % len(among)]


def expected_of(order: MTopUp | MPayment, wrong: int, done: str) -> str:
    if order.transaction is not None:
        return "repeated"
    if wrong:
        return "amount_differs"
    return "late" if order.status == "closed" else done


def without_zeros(books: dict[tuple[str, int], int]) -> dict[tuple[str, int], int]:
    return {name: fen for name, fen in books.items() if fen}
