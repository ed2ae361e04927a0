"""The arithmetic of returning a card, by 法释〔2025〕4号 articles 14, 18, 19 and 20."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.models.cards import LotKind
from app.services.stored_value.card_returns import LotState, ReturnReason, return_quote

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)


def _lots(days, *, principal, bonus, spent_principal=0, spent_bonus=0):
    paid_at = NOW - timedelta(days=days)
    return [
        LotState(kind=kind, paid_at=paid_at, spent_fen=spent, remaining_fen=whole - spent)
        for kind, whole, spent in (
            (LotKind.principal, principal, spent_principal),
            (LotKind.bonus, bonus, spent_bonus),
        )
    ]


def test_within_seven_days_all_unspent_principal_comes_back():
    lots = _lots(7, principal=300_00, bonus=60_00, spent_principal=100_00)
    quote = return_quote(lots, reason=ReturnReason.holder, now=NOW)
    assert (quote.refund_fen, quote.forfeited_fen) == (200_00, 60_00)


def test_later_for_the_holders_reasons_spending_counts_in_full():
    lots = _lots(8, principal=300_00, bonus=60_00, spent_principal=40_00, spent_bonus=60_00)
    quote = return_quote(lots, reason=ReturnReason.holder, now=NOW)
    assert [line.amount_fen for line in quote.lines] == [300_00, -100_00, 200_00]
    # 260 yuan of principal are left; 60 of them pay for the bonus that was spent.
    assert (quote.refund_fen, quote.forfeited_fen) == (200_00, 60_00)


def test_later_for_the_merchants_reasons_spending_counts_at_the_bonus_price():
    lots = _lots(90, principal=300_00, bonus=60_00, spent_principal=100_00)
    quote = return_quote(lots, reason=ReturnReason.merchant, now=NOW)
    assert quote.refund_fen == 300_00 - 83_33  # 100 × 300 ÷ 360, rounded for the holder.
    assert quote.forfeited_fen == 260_00 - quote.refund_fen


def test_a_shortfall_is_not_charged():
    lots = _lots(90, principal=100_00, bonus=50_00, spent_principal=100_00, spent_bonus=20_00)
    quote = return_quote(lots, reason=ReturnReason.holder, now=NOW)
    assert quote.refund_fen == 0
    assert quote.lines[2].amount_fen == 20_00


@given(st.data())
def test_nobody_gets_more_than_the_card_holds_nor_more_than_was_paid(data):
    lots = []
    for _ in range(data.draw(st.integers(0, 4))):
        principal, bonus = data.draw(st.integers(0, 10**7)), data.draw(st.integers(0, 10**7))
        lots += _lots(
            data.draw(st.integers(0, 30)),
            principal=principal,
            bonus=bonus,
            spent_principal=data.draw(st.integers(0, principal)),
            spent_bonus=data.draw(st.integers(0, bonus)),
        )
    by_holder = return_quote(lots, reason=ReturnReason.holder, now=NOW)
    by_merchant = return_quote(lots, reason=ReturnReason.merchant, now=NOW)
    held = sum(lot.remaining_fen for lot in lots)
    paid = sum(lot.spent_fen + lot.remaining_fen for lot in lots if lot.kind is LotKind.principal)
    for quote in (by_holder, by_merchant):
        assert 0 <= quote.refund_fen <= min(held, paid)
        assert quote.refund_fen + quote.forfeited_fen == held
    assert by_holder.refund_fen <= by_merchant.refund_fen
