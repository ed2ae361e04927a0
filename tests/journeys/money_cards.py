"""Gifts, expiry and what befalls cards, as the machine of money may mix them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
)
from sqlalchemy import select

from app.core.actor import SYSTEM
from app.core.business_settings import GIFT_HOURS
from app.models.cards import Card
from app.services.stored_value import cards, expiry, gifts
from tests.journeys.money_choices import amounts, members, picks
from tests.journeys.money_model import Card as MCard
from tests.journeys.money_model import Program, take
from tests.journeys.money_world import (
    MGift,
    MoneyWorld,
    choose,
)

GIFT_LIFETIME = timedelta(hours=GIFT_HOURS.default)


class Cards(MoneyWorld):
    """Value goes from hand to hand or runs out; cards are lost, replaced, returned, corrected."""

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
