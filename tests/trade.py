"""A small trade for tests of settlement: two merchants, cards of one's own and of a group, paper,
WeChat parts, refunds and cash; everything booked by the services that book it in earnest.
"""

from __future__ import annotations

import hashlib
import itertools
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace

from sqlalchemy import select

from app.core.actor import SYSTEM, Role
from app.core.clock import utc_now
from app.core.keys import token_digest
from app.flows.settlement import settling
from app.models.cards import Bearer
from app.models.sales import Payment, TopUpChannel
from app.models.statements import Statement
from app.services.sales import payments, refunds
from app.services.vouchers.batches import Acceptance
from app.services.vouchers.redemptions import REDEEM, read_code
from tests.factories import Factories

LATER = timedelta(days=40)  # By then this month is over.
_keys = itertools.count(1)


@dataclass
class Trade:
    """``Trade(make)``: merchant one issues, both accept its cards and those of the group."""

    make: Factories

    def __post_init__(self) -> None:
        make = self.make
        self.one = make.merchant(commission_bp=100, name="壹号商户")
        self.two = make.merchant(commission_bp=200, name="贰号商户")
        self.store_one, self.store_two = make.store(self.one, name="壹店"), make.store(self.two)
        self.points = {s.id: make.pay_point(s) for s in (self.store_one, self.store_two)}
        self.own = make.program(
            issuer=self.one, accepted_by=[self.one, self.two], bonus_bearer=Bearer.issuer
        )
        self.group = make.program(accepted_by=[self.one, self.two], bonus_bearer=Bearer.platform)
        self.batch = make.batch(
            issuer=self.one, face_value_fen=100_00, sale_price_fen=90_00, bearer=Bearer.issuer,
            accepted_by=[Acceptance(merchant_id=self.one.id), Acceptance(merchant_id=self.two.id)],
        )  # fmt: skip
        self.codes = make.vouchers(self.batch)

    def pay(self, store, program, fen: int, *, principal: int = 0, bonus: int = 0) -> int:
        """A member pays from a card of the program; what is missing comes by WeChat."""
        member = self.make.member()
        if principal or bonus:
            self.make.card(member, program, principal_fen=principal, bonus_fen=bonus)
        key = f"trade-{next(_keys)}"
        digest = token_digest(self.make.member_token(member))
        values = payments.pay_values(
            token_digest=digest, key=key, request_hash=hashlib.sha256(key.encode()).digest(),
            pay_point=self.points[store.id].token, amount_fen=fen, usual_appid="wxdemo",
        )  # fmt: skip
        verdict, _, _, payment_id, *_ = self.make.database.call(payments.PAY, values)
        if verdict == "pending":
            with self.make.database.unit_of_work(SYSTEM) as session:
                payment = session.get_one(Payment, payment_id)
                payments.confirm_payment(
                    session, order_no=payment.payment_no, transaction_id=uuid.uuid4().hex,
                    paid_fen=payment.wechat_fen, now=utc_now(),
                )  # fmt: skip
        return payment_id

    def refund(self, store, payment_id: int, fen: int) -> None:
        manager = self.make.actor(self.make.staff(Role.store_manager, store))
        with self.make.database.unit_of_work(SYSTEM) as session:
            payment = session.get_one(Payment, payment_id)
            refunds.refund_payment(
                session, payment_no=payment.payment_no, amount_fen=fen, reason="退菜",
                till=manager, now=utc_now(),
            )  # fmt: skip

    def redeem(self, store) -> None:
        cashier = self.make.staff(Role.cashier, store)
        key = f"redeem-{next(_keys)}"
        digests = self.make.keys.code_digests(read_code(self.codes.pop()))
        verdict, *_ = self.make.database.call(
            REDEEM,
            (token_digest(self.make.staff_token(cashier)), key,
             hashlib.sha256(key.encode()).digest(), digests),
        )  # fmt: skip
        assert verdict == "redeemed"

    def cash(self, store, fen: int) -> None:
        self.make.card(
            self.make.member(), self.own, principal_fen=fen, channel=TopUpChannel.cash, store=store
        )

    def everything(self) -> None:
        """At store two: 50 of one's card (20 of it bonus), 30 of the group's, 70 by WeChat beside
        30 of a card, a voucher of 100, 25 refunded of the combined one, 40 of cash taken."""
        self.pay(self.store_two, self.own, 50_00, principal=30_00, bonus=20_00)
        self.pay(self.store_two, self.group, 30_00, principal=30_00)
        combined = self.pay(self.store_two, self.own, 100_00, principal=30_00)
        self.refund(self.store_two, combined, 25_00)
        self.redeem(self.store_two)
        self.cash(self.store_two, 40_00)
        self.pay(self.store_one, self.own, 10_00, principal=10_00)

    def context(self) -> SimpleNamespace:
        return SimpleNamespace(database=self.make.database)

    def close(self, *, now: datetime | None = None, **options: object) -> settling.Closed:
        return settling.close_due(
            self.context(),  # type: ignore[arg-type]
            merchant_ids=[self.one.id, self.two.id],
            now=now or utc_now() + LATER,
            **options,  # type: ignore[arg-type]
        )

    def statements(self, merchant) -> list[Statement]:
        with self.make.database.unit_of_work(SYSTEM) as session:
            query = select(Statement).where(Statement.merchant_id == merchant.id)
            return list(session.scalars(query.order_by(Statement.period_last_on)))
