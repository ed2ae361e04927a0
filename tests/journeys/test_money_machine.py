"""Any order of money's events: the program and a small model of it always agree.

``MONEY_SEED=random`` tries other orders than the usual ones, ``MONEY_EXAMPLES`` more of them, and
``MONEY_SHRINK=1`` looks for the shortest way into a failure.
"""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter
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
from app.core.business_settings import GIFT_HOURS
from app.core.clock import utc_now
from app.core.money import Rounding, pro_rata, share
from app.flows.paying import pay_scanned
from app.models.cards import Card
from app.models.sales import Payment, Refund, TopUp
from app.models.vouchers import Redemption
from app.services import (
    cards,
    expiry,
    gifts,
    payments,
    redemptions,
    refunds,
    top_ups,
)
from app.services.ports import RefundState, WeChatRefund
from tests.journeys.money_model import Card as MCard
from tests.journeys.money_model import Program, split, take
from tests.journeys.money_world import (
    FACE,
    PRICE,
    RATES,
    MGift,
    MoneyWorld,
    MPayment,
    MRefund,
    MTopUp,
    choose,
    expected_of,
    without_zeros,
)

GIFT_LIFETIME = timedelta(hours=GIFT_HOURS.default)
SHRINK = "MONEY_SHRINK" in os.environ  # Takes minutes.
RANDOM = os.environ.get("MONEY_SEED") == "random"
EXAMPLES = int(os.environ.get("MONEY_EXAMPLES", "16"))
STEPS = 100

picks = st.integers(0, 10_000)
amounts = st.one_of(st.sampled_from([1, 99, 100_00]), st.integers(1, 150_00))
next_steps = st.lists(
    st.tuples(
        st.sampled_from(["confirm", "confirm", "close", "refund", "refund", "told"]),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=6,
)
rarely = st.sampled_from([0, 0, 0, 1])
members = st.integers(0, 2)
shops = st.integers(0, 1)


class MoneyMachine(MoneyWorld):
    @initialize(fen=st.sampled_from([79_99, 100_00]))
    def everybody_has_something(self, fen):
        for member, program in itertools.product(range(3), range(2)):
            self.begin_wechat_top_up(member, program, fen)
            last = min(len(self.top_ups), 4) - 1
            self.confirm_top_up(last, aged=False, wrong=0, closed_first=0)

    def _go_on(self, steps):
        """What most often comes next, to the newest of each; any other order is a rule apart."""
        for step, number in steps:
            if step == "refund":
                self.refund(-1, (1, 50, 100)[number % 3], more=0, replaced_first=number == 2)
            elif step == "told" and self.refunds:
                self.wechat_tells_of_a_refund(-1, list(RefundState)[number % 4])
            elif step == "confirm" and self.payments[-1].wechat_fen:
                self.confirm_payment(-1, wrong=0, closed_first=0)
            elif step == "close" and self.payments[-1].wechat_fen:
                self.close_payment(-1, wholly=number != 2)

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

    @rule(member=members, program=st.integers(0, 1), shop=shops, fen=amounts)
    def top_up_with_cash(self, member, program, shop, fen):
        product = self.programs[program]
        card, room = self.model.card_of(member, product), self.room(member, product)
        now, person = utc_now(), self.member_ids[member]
        with self.database.unit_of_work(SYSTEM) as session:
            digest = session.scalar(
                text("SELECT phone_digest FROM member WHERE id = :id"), {"id": person}
            )
        verdict = self.database.call(
            top_ups.WITH_CASH,
            (self.till_tokens[shop], *self.key(), digest, None, None, product.id, fen),
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
            top_ups.reverse_cash_top_up, top_up_no=top_up.no, reason="typed wrongly",
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

    # Payments and refunds -----------------------------------------------------------------------

    @rule(member=members, shop=shops, fen=st.integers(90_00, 400_00), steps=next_steps)
    def pay_much(self, member, shop, fen, steps):
        self._pay(member, shop, fen, steps)

    @rule(
        member=members,
        shop=shops,
        fen=st.integers(1, 100_00),
        steps=next_steps,
        in_group=st.booleans(),
    )
    def pay_little(self, member, shop, fen, steps, in_group):
        self._pay(member, shop, fen, steps, in_group=in_group)

    @rule(member=members, fen=st.integers(20_00, 150_00), steps=next_steps)
    def top_up_and_pay(self, member, fen, steps):
        self.top_up_with_cash(member, 0, 0, fen)
        self._pay(member, 0, fen, steps)

    def _pay(self, member, shop, fen, steps, *, in_group=False):
        now, merchant = utc_now(), self.merchants[shop]
        token, key, point = self.tokens[member], self.key(), self.pay_points[shop]
        call = payments.ScannedPayment(token, *key, point, fen)
        answers = pay_scanned(self.database, [call]) if in_group else {}
        if answers:
            verdict, payment_id = "paid", int(json.loads(answers[0].text)["id"])
        else:
            verdict, _, _, payment_id = self.database.call(
                payments.PAY, (token, *key, point, None, fen, payments.LIFETIME, payments.LEASE)
            )
        takes = take(self.model.spendable(member, merchant, now), fen)
        card_fen = sum(part for _, part in takes)
        assert verdict == ("paid" if card_fen == fen else "pending")
        row = self.load(Payment, id=payment_id)
        assert (row.card_fen, row.wechat_fen) == (card_fen, fen - card_fen)
        made = MPayment(payment_id, row.payment_no, shop, fen, card_fen, fen - card_fen, takes,
                        verdict, card_fen, fen - card_fen)  # fmt: skip
        self.payments.append(made)
        if verdict == "paid":
            self._capture(made)
        else:
            self.model.book("held", -card_fen, merchant)
        self._go_on(steps)

    def _capture(self, payment: MPayment) -> None:
        commission = share(payment.fen, RATES[payment.shop], rounding=Rounding.HALF_UP)
        self.model.earn(self.merchants[payment.shop], payment.fen, commission)
        self.model.book("bank:wechat", payment.wechat_fen)
        self.model.charge_bearers(payment.takes)

    @precondition(lambda self: any(p.wechat_fen for p in self.payments))
    @rule(pick=picks, wrong=rarely, closed_first=rarely)
    def confirm_payment(self, pick, wrong, closed_first):
        if closed_first:
            self.close_payment(pick, wholly=True)
        payment = choose([p for p in self.payments if p.wechat_fen][-4:], pick)
        expected = expected_of(payment, wrong, "captured")
        told = self.do(
            payments.confirm_payment, order_no=payment.no, transaction_id=f"42{payment.no}",
            paid_fen=payment.wechat_fen + wrong, now=self.now,
        )  # fmt: skip
        assert told == expected
        if told == "captured":
            payment.status, payment.transaction = "paid", told
            self.model.book("held", payment.card_fen, self.merchants[payment.shop])
            self._capture(payment)
        if told == "late":
            payment.transaction = told
            self.model.book("bank:wechat", payment.wechat_fen)
            self.model.book("refunds:wechat", -payment.wechat_fen)
            refund = self.load(Refund, payment_id=payment.id)
            self.refunds.append(MRefund(refund.refund_no, payment.no, payment.wechat_fen))

    @precondition(lambda self: any(p.wechat_fen for p in self.payments))
    @rule(pick=picks, wholly=st.booleans())
    def close_payment(self, pick, wholly):
        payment = choose([p for p in self.payments if p.wechat_fen][-4:], pick)
        now = self.now
        self.do(payments.begin_closing, payment_id=payment.id, now=now)
        if wholly:
            self.do(payments.release_payment, payment_id=payment.id, now=now)
        if payment.status in {"pending", "closing"}:
            payment.status = "closed" if wholly else "closing"
            if wholly:
                self.model.book("held", payment.card_fen, self.merchants[payment.shop])
                self.model.bring_back(payment.takes, now)

    @precondition(lambda self: self.payments)
    @rule(
        pick=picks,
        percent=st.sampled_from([1, 50, 50, 100]),
        more=rarely,
        replaced_first=rarely,
    )
    def refund(self, pick, percent, more, replaced_first):
        payment, now = choose(self.payments[-4:], pick), self.now
        left = payment.card_left + payment.wechat_left
        fen = max(left * percent // 100, 1) + more
        if replaced_first and payment.takes:
            lost = payment.takes[-1][0].card
            if lost in self._living_cards():
                self.replace_card(self._living_cards().index(lost), report_first=True)
        told = self.do(
            refunds.refund_payment, payment_no=payment.no, amount_fen=fen, reason="cold soup",
            till=self.tills[payment.shop], now=now,
        )  # fmt: skip
        if payment.status != "paid":
            assert told == "payment_not_paid"
            return
        if fen > left:
            assert told == "refund_exceeds_payment"
            return
        card_fen = fen * payment.card_left // left
        commission = share(payment.fen, RATES[payment.shop], rounding=Rounding.HALF_UP)
        refunded = payment.fen - left + fen
        in_all = pro_rata(commission, part=refunded, whole=payment.fen, rounding=Rounding.HALF_UP)
        back, payment.takes = split(payment.takes, card_fen)
        self.model.earn(self.merchants[payment.shop], -fen, payment.commission_back - in_all)
        self.model.charge_bearers(back, sign=-1)
        self.model.bring_back(back, now)
        self.model.book("refunds:wechat", card_fen - fen)
        payment.commission_back = in_all
        payment.card_left -= card_fen
        payment.wechat_left -= fen - card_fen
        assert (told.card_fen, told.wechat_fen) == (card_fen, fen - card_fen)
        if fen > card_fen:
            self.refunds.append(MRefund(told.refund_no, payment.no, fen - card_fen))

    @precondition(lambda self: self.refunds)
    @rule(pick=picks, state=st.sampled_from(RefundState))
    def wechat_tells_of_a_refund(self, pick, state):
        refund = choose(self.refunds[-4:], pick)
        told = self.do(
            refunds.note_wechat_refund,
            told=WeChatRefund(
                refund_no=refund.no, order_no=refund.order_no, state=state,
                refund_id=f"50{refund.no}", refund_fen=refund.wechat_fen,
            ),
            now=self.now,
        )  # fmt: skip
        parked_success = refund.status == "abnormal" and state is RefundState.SUCCESS
        if refund.status != "processing" and not parked_success:
            assert told == "repeated"
            return
        if state is RefundState.SUCCESS:
            assert told == "succeeded"
            refund.status = "succeeded"
            self.model.book("refunds:wechat", refund.wechat_fen)
            self.model.book("bank:wechat", -refund.wechat_fen)
        elif state is RefundState.ABNORMAL:
            assert told == "abnormal"
            refund.status = "abnormal"
        elif state is RefundState.CLOSED:
            assert told == "asked_again"
            refund.status = "closed"
            with self.database.unit_of_work(SYSTEM) as session:
                again = session.scalars(
                    select(Refund)
                    .where(Refund.order_no == refund.order_no)
                    .order_by(Refund.id.desc())
                ).first()
            assert (again.wechat_fen, again.card_fen) == (refund.wechat_fen, 0)
            self.refunds.append(MRefund(again.refund_no, refund.order_no, refund.wechat_fen))

    # Paper --------------------------------------------------------------------------------------

    @rule(pick=picks)
    def redeem(self, pick):
        code = choose(self.paper, pick)
        verdict = self.database.call(
            redemptions.REDEEM, (self.till_tokens[0], *self.key(), self.keys.code_digests(code))
        )[0]
        if code in self.redeemed:
            assert verdict == "voucher_already_redeemed"
            return
        assert verdict == "redeemed"
        self.redeemed[code] = (0, self.now)
        self._book_redemption(1)

    def _book_redemption(self, sign: int) -> None:
        commission = share(FACE, RATES[0], rounding=Rounding.HALF_UP)
        self.model.book("voucher", sign * FACE, self.merchants[0])
        self.model.earn(self.merchants[0], sign * FACE, sign * commission)
        self.model.book("payable:merchant", sign * (FACE - PRICE), self.merchants[0])
        self.model.book("bonus-borne:merchant", -sign * (FACE - PRICE), self.merchants[0])

    @precondition(lambda self: set(self.paper) & set(self.redeemed))
    @rule(pick=picks)
    def reverse_redemption(self, pick):
        code = choose([code for code in self.paper if code in self.redeemed], pick)
        with self.database.unit_of_work(SYSTEM) as session:
            row = session.scalars(
                select(Redemption).where(
                    Redemption.voucher_id == text(
                        "(SELECT id FROM voucher WHERE code_digest = ANY (:digests))"
                    ).bindparams(digests=self.keys.code_digests(code)),
                    Redemption.reversed_at.is_(None),
                )
            ).one()  # fmt: skip
        told = [
            self.do(
                redemptions.reverse_redemption, redemption_no=row.redemption_no, reason="wrong",
                till=self.tills[0], now=row.redeemed_at,
            )
            for _ in range(2)
        ]  # fmt: skip
        assert told[0].reversed_at is not None
        assert told[1] == "redemption_not_reversible"
        del self.redeemed[code]
        self._book_redemption(-1)

    # Gifts --------------------------------------------------------------------------------------

    @rule(member=members, fen=amounts, then=st.sampled_from(["wait", "claim", "revoke"]))
    def send_gift(self, member, fen, then):
        now = self.now
        lots = [
            lot
            for card in self.model.cards
            if card.member == member and card.status == "active"
            for lot in card.lots
            if lot.kind == "principal" and lot.gifts_left and lot.living(now)
        ]
        lots.sort(key=lambda lot: (lot.card.program.issuer == 1, lot.expires))
        sent = self.do(
            gifts.send_gift, sender=self.me(member), amount_fen=fen, message="", cover="",
            card_id=None, keys=self.keys, now=now,
        )  # fmt: skip
        if sum(lot.fen for lot in lots) < fen:
            assert sent == "gift_balance_short"
            return
        takes = take(lots, fen)
        for lot, part in takes:
            self.model.book("gift", -part, lot.card.program.issuer)
        token = self.keys.gift_token(sent.gift_no)
        self.gifts.append(MGift(sent.id, token, member, takes, now + GIFT_LIFETIME))
        if then == "claim":
            self.claim_gift(-1, (member + 1) % 3)
        elif then == "revoke":
            self.revoke_gift(-1, member)

    @precondition(lambda self: self.gifts)
    @rule(pick=picks, member=members)
    def claim_gift(self, pick, member):
        gift, now = choose(self.gifts, pick), self.now
        told = self.do(gifts.claim_gift, claimant=self.me(member), claim_token=gift.token, now=now)
        if gift.status != "sent":
            assert told == ("gift_already_claimed" if gift.status == "claimed" else "gift_ended")
        elif gift.expires <= now:
            assert told == "gift_ended"
        elif gift.sender == member:
            assert told == "gift_is_yours"
        else:
            coming: Counter[Program] = Counter()
            for lot, fen in gift.takes:
                coming[lot.card.program] += fen
            if any(fen > self.room(member, program) for program, fen in coming.items()):
                assert told == "card_cap_exceeded"
                return
            assert told.status.name == "claimed"
            self._end_gift(gift, "claimed")
            for lot, fen in gift.takes:
                card = self.model.card_of(member, lot.card.program)
                card.open("principal", fen, None, lot.expiry(now), lot.gifts_left - 1)

    @precondition(lambda self: self.gifts)
    @rule(pick=picks, member=members)
    def revoke_gift(self, pick, member):
        gift, now = choose(self.gifts, pick), self.now
        told = self.do(gifts.revoke_gift, gift_id=gift.id, sender=self.me(member), now=now)
        if gift.sender != member:
            assert told == "gift_not_found"
        elif gift.status != "sent":
            assert told == ("gift_already_claimed" if gift.status == "claimed" else "gift_ended")
        else:
            assert told.status.name == "revoked"
            self._end_gift(gift, "revoked")
            self.model.bring_back(gift.takes, now)

    def _end_gift(self, gift: MGift, status: str) -> None:
        gift.status = status
        for lot, fen in gift.takes:
            self.model.book("gift", fen, lot.card.program.issuer)

    # Time ---------------------------------------------------------------------------------------

    @rule(days=st.sampled_from([0, 1, 7, 35]))
    def time_passes(self, days):
        self.shift += timedelta(days=days)
        now = self.now
        due = [g for g in self.gifts if g.status == "sent" and g.expires <= now]
        while self.do(gifts.return_expired_gifts, now=now):
            pass
        for gift in due:
            self._end_gift(gift, "returned")
            self.model.bring_back(gift.takes, now)
        while self.do(expiry.expire_lots, now=now):
            pass
        for card in self.model.cards:
            for lot in card.lots:
                if lot.fen and lot.expires <= now and card.status != "lost":
                    if lot.kind == "principal":
                        self.model.book("income:breakage", -lot.fen)
                    else:
                        self.model.book_bonus(lot.bearer, -lot.fen)
                    lot.fen = 0

    # Cards --------------------------------------------------------------------------------------

    def _living_cards(self) -> list[MCard]:
        return [card for card in self.model.cards if card.lots and card.status != "replaced"]

    def _id_of(self, card: MCard) -> int:
        if card.id is None:
            with self.database.unit_of_work(SYSTEM) as session:
                card.id = session.scalar(
                    select(Card.id).where(
                        Card.member_id == self.member_ids[card.member],
                        Card.program_id == card.program.id,
                        Card.status.not_in(["replaced", "returned"]),
                    )
                )
        assert card.id is not None
        return card.id

    @precondition(lambda self: self._living_cards())
    @rule(pick=picks, how=st.sampled_from(["freeze_card", "unfreeze_card", "report_lost"]))
    def change_card(self, pick, how):
        card = choose(self._living_cards(), pick)
        known, after = {
            "freeze_card": ({"active"}, "frozen"),
            "unfreeze_card": ({"frozen"}, "active"),
            "report_lost": ({"active", "frozen"}, "lost"),
        }[how]
        told = self.do(
            getattr(cards, how), card_id=self._id_of(card), reason="asked", actor=self.desk[0]
        )
        if card.status in known:
            card.status = after
            assert told.status.name == after
        else:
            assert told == "card_state_conflict"

    @precondition(lambda self: self._living_cards())
    @rule(pick=picks, report_first=st.booleans())
    def replace_card(self, pick, report_first):
        if report_first:
            self.change_card(pick, "report_lost")
        card, now = choose(self._living_cards(), pick), self.now
        told = self.do(cards.replace_card, card_id=self._id_of(card), actor=self.desk[0], now=now)
        if card.status != "lost":
            assert told == "card_state_conflict"
            return
        card.status = "replaced"
        new = card.replaced_by = self.model.card_of(card.member, card.program)
        new.id = told.id
        for lot in card.in_spending_order():
            new.open(lot.kind, lot.fen, lot.bearer, lot.expiry(now), lot.gifts_left)
            lot.fen = 0

    @precondition(lambda self: self._living_cards())
    @rule(pick=picks, fen=amounts, sign=st.sampled_from([1, -1]))
    def adjust(self, pick, fen, sign):
        card, now = choose(self._living_cards(), pick), self.now
        told = self.do(
            cards.adjust_card, card_id=self._id_of(card), request_no=self.key()[0],
            amount_fen=sign * fen, reason="counted again", maker=self.desk[0],
            approver=self.desk[1], now=now,
        )  # fmt: skip
        if card.status != "active":
            assert told == "card_state_conflict"
        elif sign > 0 and fen > self.room(card.member, card.program):
            assert told == "card_cap_exceeded"
        elif sign > 0:
            self.model.book("expense:adjustment", fen)
            expires = now + timedelta(days=card.program.days)
            card.open("principal", fen, None, expires, 0)
        elif fen > card.balance:
            assert told == "card_balance_short"
        else:
            for lot, part in take(card.in_spending_order(), fen):
                if lot.kind == "principal":
                    self.model.book("expense:adjustment", -part)
                else:
                    self.model.book_bonus(lot.bearer, -part)

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
