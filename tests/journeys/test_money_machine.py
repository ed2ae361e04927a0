"""Any order of money's events: the program and a small model of it always agree.

``MONEY_SEED=random`` tries other orders than the usual ones, ``MONEY_EXAMPLES`` more of them, and
``MONEY_SHRINK=1`` looks for the shortest way into a failure.
"""

from __future__ import annotations

import itertools
import os
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, text

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.flows.sales.taking_cash import take_cash_together
from app.models.sales import Refund, TopUp
from app.services.sales import cash_top_ups, top_ups
from app.services.sales.cash_top_ups import CashTaken
from app.services.vouchers import redemptions
from tests.journeys.money_cards import Cards
from tests.journeys.money_choices import amounts, members, picks, rarely, shops
from tests.journeys.money_payments import Payments
from tests.journeys.money_world import (
    FACE,
    PRICE,
    MRefund,
    MTopUp,
    choose,
    expected_of,
    without_zeros,
)

SHRINK = "MONEY_SHRINK" in os.environ  # Takes minutes.
RANDOM = os.environ.get("MONEY_SEED") == "random"
EXAMPLES = int(os.environ.get("MONEY_EXAMPLES", "16"))
STEPS = 100


class MoneyMachine(Payments, Cards):
    @initialize(fen=st.sampled_from([79_99, 100_00]))
    def everybody_has_something(self, fen):
        for member, program in itertools.product(range(3), range(2)):
            self.begin_wechat_top_up(member, program, fen)
            last = min(len(self.top_ups), 4) - 1
            self.confirm_top_up(last, aged=False, wrong=0, closed_first=0)

    # Top-ups ------------------------------------------------------------------------------------

    @rule(member=members, program=st.integers(0, 1), fen=amounts)
    def begin_wechat_top_up(self, member, program, fen):
        product, now = self.programs[program], self.now
        fits = fen + product.bonus(fen) <= self.room(member, product)
        begun = self.do(
            top_ups.begin_wechat_top_up, payer=self.me(member), amount_fen=fen, phone=None,
            program_id=product.id, keys=self.keys, now=now,
        )  # fmt: skip
        if not fits:
            assert begun == "card_cap_exceeded"
            return
        self.top_ups.append(
            MTopUp(begun.id, begun.top_up_no, member, product, fen, begun.bonus_fen, "pending", now)
        )
        assert begun.bonus_fen == product.bonus(fen)

    def _wechat_top_ups(self):
        return [t for t in self.top_ups if t.status not in {"cash", "reversed"}]

    @precondition(lambda self: self._wechat_top_ups())
    @rule(pick=picks, aged=st.booleans(), wrong=rarely, closed_first=rarely)
    def confirm_top_up(self, pick, aged, wrong, closed_first):
        if closed_first:
            self.close_top_up(pick, wholly=True)
        top_up = choose(self._wechat_top_ups()[-4:], pick)
        now = self.now - timedelta(days=90 if aged else 0)  # Aged: what it brings is expired.
        expected = expected_of(top_up, wrong, "credited")
        told = self.do(
            top_ups.confirm_top_up, order_no=top_up.no, transaction_id=f"42{top_up.no}",
            paid_fen=top_up.fen + wrong, now=now,
        )  # fmt: skip
        assert told == expected
        if told == "late":
            top_up.transaction = "late"
            self.model.book("bank:wechat", top_up.fen)
            self.model.book("refunds:wechat", -top_up.fen)
            refund = self.load(Refund, top_up_id=top_up.id)
            self.refunds.append(MRefund(refund.refund_no, top_up.no, top_up.fen))
        if told == "credited":
            top_up.status = top_up.transaction = "credited"
            self.model.book("bank:wechat", top_up.fen)
            self._credit(top_up, now)

    def _credit(self, top_up: MTopUp, now: datetime) -> None:
        card = self.model.card_of(top_up.member, top_up.program)
        top_up.lots = self.model.credit(card, top_up.fen, top_up.bonus, now)
        self.model.book_bonus(top_up.program.bonus_bearer, top_up.bonus)

    @precondition(lambda self: self._wechat_top_ups())
    @rule(pick=picks, wholly=st.booleans())
    def close_top_up(self, pick, wholly):
        top_up = choose(self._wechat_top_ups()[-4:], pick)
        self.do(top_ups.begin_closing, top_up_id=top_up.id)
        if wholly:
            self.do(top_ups.close_top_up, top_up_id=top_up.id)
        if top_up.status in {"pending", "closing"}:
            top_up.status = "closed" if wholly else "closing"

    @rule(
        member=members, program=st.integers(0, 1), shop=shops, fen=amounts, in_group=st.booleans()
    )
    def top_up_with_cash(self, member, program, shop, fen, in_group):
        product = self.programs[program]
        card, room = self.model.card_of(member, product), self.room(member, product)
        now, person = utc_now(), self.member_ids[member]
        with self.database.unit_of_work(SYSTEM) as session:
            digest = session.scalar(
                text("SELECT phone_digest FROM member WHERE id = :id"), {"id": person}
            )
        key = self.key()
        call = CashTaken(self.till_tokens[shop], *key, digest, None, product.id, fen)
        if in_group and take_cash_together(self.database, [call]):
            verdict = "credited"
        else:
            verdict = self.database.call(
                cash_top_ups.TAKE,
                (self.till_tokens[shop], *key, digest, None, None, product.id, fen),
            )[0]
        if card.status != "active":
            assert verdict == f"card_{card.status}"
        elif fen + product.bonus(fen) > room:
            assert verdict == "card_cap_exceeded"
        else:
            assert verdict == "credited"
            with self.database.unit_of_work(SYSTEM) as session:
                row = session.scalars(
                    select(TopUp).where(TopUp.member_id == person).order_by(TopUp.id.desc())
                ).first()
            made = MTopUp(
                row.id, row.top_up_no, member, product, fen, row.bonus_fen, "cash", row.created_at
            )
            self.model.book("cash:store", fen, self.merchants[shop])
            self.top_ups.append(made)
            self._credit(made, now)

    @precondition(lambda self: any(t.status in {"cash", "reversed"} for t in self.top_ups))
    @rule(pick=picks, shop=shops)
    def reverse_cash_top_up(self, pick, shop):
        known = [t for t in self.top_ups if t.status in {"cash", "reversed"}]
        top_up = choose(known, pick)
        row = self.load(TopUp, id=top_up.id)
        told = self.do(
            cash_top_ups.reverse_cash_top_up, top_up_no=top_up.no, reason="typed wrongly",
            till=self.tills[shop], now=top_up.at,
        )  # fmt: skip
        if row.store_id != self.tills[shop].store_id:
            assert told == "top_up_not_found"
        elif top_up.status == "reversed":
            assert told == "top_up_not_reversible"
        elif any(lot.fen < lot.original for lot in top_up.lots):
            assert told == "top_up_spent"
        else:
            assert told.status.name == "reversed"
            top_up.status = "reversed"
            for lot in top_up.lots:
                lot.fen = 0
            self.model.book("cash:store", -top_up.fen, self.merchants[shop])
            self.model.book_bonus(top_up.program.bonus_bearer, -top_up.bonus)

    @rule(member=members, pick=picks)
    def redeem_top_up_code(self, member, pick):
        code = choose(self.codes, pick)
        now, program = self.now, self.programs[0]
        fits = self.room(member, program) >= FACE
        told = self.do(
            redemptions.redeem_top_up_code, code=code, member=self.me(member), keys=self.keys,
            now=now,
        )  # fmt: skip
        if code in self.redeemed:
            assert told == "voucher_already_redeemed"
        elif not fits:
            assert told == "card_cap_exceeded"
        else:
            self.redeemed[code] = (member, now)
            self.model.book("voucher", FACE, self.merchants[0])
            self.model.credit(self.model.card_of(member, program), PRICE, FACE - PRICE, now)

    # What must hold -----------------------------------------------------------------------------

    @invariant()
    def model_and_database_agree(self):
        query = text(
            "SELECT c.member_id, c.program_id, c.status, c.balance_fen, array_agg(l.remaining_fen"
            " ORDER BY l.id) FROM card c JOIN lot l ON l.card_id = c.id"
            " WHERE c.member_id = ANY (:ours) GROUP BY c.id ORDER BY c.id"
        )
        with self.database.unit_of_work(SYSTEM) as session:
            found = [tuple(row) for row in session.execute(query, {"ours": self.member_ids})]
        believed = [
            (self.member_ids[card.member], card.program.id, card.status, card.balance,
             [lot.fen for lot in card.lots])
            for card in self.model.cards if card.lots
        ]  # fmt: skip
        assert sorted(found) == sorted(believed)
        assert without_zeros(self.books()) == without_zeros(self.model.books)
        self.steps += 1
        if self.steps % 10 == 0:
            self.ask_all_invariants()

    def teardown(self) -> None:
        self.ask_all_invariants()


@pytest.mark.slow
def test_the_program_agrees_with_a_small_model_of_it(make):
    run_state_machine_as_test(
        type("Machine", (MoneyMachine,), {"make": make}),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=not RANDOM,
            deadline=None,
            database=None,
            phases=[Phase.generate, *([Phase.shrink] if SHRINK else [])],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
