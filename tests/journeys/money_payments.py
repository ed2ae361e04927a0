"""Payments, refunds and paper, as the machine of money may mix them."""

from __future__ import annotations

import json

from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
)
from sqlalchemy import select, text

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.money import Rounding, pro_rata, share
from app.flows.sales.paying import pay_scanned
from app.models.sales import Payment, Refund
from app.models.vouchers import Redemption
from app.services.ports import RefundState, WeChatRefund
from app.services.sales import payments, refunds
from app.services.vouchers import redemptions
from tests.journeys.money_choices import members, next_steps, picks, rarely, shops
from tests.journeys.money_model import split, take
from tests.journeys.money_world import (
    FACE,
    PRICE,
    RATES,
    MoneyWorld,
    MPayment,
    MRefund,
    choose,
    expected_of,
)


class Payments(MoneyWorld):
    """Members pay and get back, tills redeem and reverse; the model knows what that books."""

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
        self.top_up_with_cash(member, 0, 0, fen, in_group=True)
        self._pay(member, 0, fen, steps)

    def _pay(self, member, shop, fen, steps, *, in_group=False):
        now, merchant = utc_now(), self.merchants[shop]
        token, key, point = self.tokens[member], self.key(), self.pay_points[shop]
        call = payments.ScannedPayment(token, *key, point, fen)
        answers = pay_scanned(self.database, [call]) if in_group else {}
        if answers:
            verdict, payment_id = "paid", int(json.loads(answers[0].text)["id"])
        else:
            values = payments.pay_values(**call._asdict(), usual_appid="wxdemo")
            verdict, _, _, payment_id, *_ = self.database.call(payments.PAY, values)
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
