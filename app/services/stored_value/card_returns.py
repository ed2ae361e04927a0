"""Returning a card (退卡): what is due to the holder, line by line, and paying it out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core import money
from app.core.errors import N_
from app.core.money import Rounding
from app.models.cards import LotKind
from app.models.decisions import ReturnReason

DAYS_OF_A_YEAR = 365
_ART_14 = "法释〔2025〕4号 第十四条"
_ART_18 = "法释〔2025〕4号 第十八条"
_ART_19 = "法释〔2025〕4号 第十九条"
_ART_20 = "法释〔2025〕4号 第二十条"
_ART_16_17 = "法释〔2025〕4号 第十六条、第十七条"


@dataclass(frozen=True, kw_only=True)
class ReturnTerms:
    """What a return is reckoned by. The rate is a year's, in basis points, for simple interest."""

    cooling_off: timedelta = timedelta(days=7)
    interest_bp: int = 0
    interest_days: int = 0


@dataclass(frozen=True, kw_only=True)
class LotState:
    """A lot as a return looks at it. ``spent_fen``: what payments took and have not given back."""

    kind: LotKind
    paid_at: datetime
    spent_fen: int
    remaining_fen: int


@dataclass(frozen=True, kw_only=True)
class QuoteLine:
    """One line of the calculation, for the holder to check. Negative is deducted.

    ``rule`` is the article that it follows; empty for what was counted and for sums.
    """

    label: str
    amount_fen: int
    rule: str = ""


@dataclass(frozen=True, kw_only=True)
class ReturnQuote:
    """What comes out: the refund goes to the holder, the rest of the card to the bonus's bearer.

    Interest comes on top of what the card holds: the issuer owes it.
    """

    lines: tuple[QuoteLine, ...]
    refund_fen: int
    forfeited_fen: int
    interest_fen: int = 0

    @property
    def payout_fen(self) -> int:
        return self.refund_fen + self.interest_fen


def return_quote(
    lots: Iterable[LotState],
    *,
    reason: ReturnReason,
    now: datetime,
    terms: ReturnTerms = ReturnTerms(),
) -> ReturnQuote:
    """What the holder of a card gets back, and why. Pure arithmetic; it books nothing.

    Sources: 最高人民法院关于审理预付式消费民事纠纷案件适用法律若干问题的解释, 法释〔2025〕4号.

    - 第十四条: asked within seven days of payment, the principal that is not spent is given back in
      full (the exception for goods or services had before is the desk's to decide).
    - 第十八条: not for the holder's reasons, what was spent counts at the price with the gift:
      spent × paid ÷ (paid + bonus).
    - 第十九条, 第二十条: for the holder's own reasons, what was spent counts at the price without
      it, so against the principal alone; a shortfall cannot be charged.
    - 第十六条, 第十七条: interest on what is given back, from the day on which the contract ended:
      at the one-year LPR for the merchant's reasons, at the one-year deposit rate for the holder's.

    Fractions of a fen are rounded for the holder.

    Args:
        now: When the holder asked; what interest runs for since is in the terms.
    """
    all_lots = list(lots)
    fresh = [lot for lot in all_lots if now - lot.paid_at <= terms.cooling_off]
    older = [lot for lot in all_lots if now - lot.paid_at > terms.cooling_off]
    lines: list[QuoteLine] = []
    refund_fen = 0
    if fresh:
        refund_fen += _cooling_off(fresh, lines)
    if older:
        refund_fen += _settled(older, reason, lines)
    held_fen = sum(lot.remaining_fen for lot in all_lots)
    lines.append(QuoteLine(label=N_("Refund"), amount_fen=refund_fen))
    interest_fen = _interest(refund_fen, terms)
    if interest_fen:
        lines.append(QuoteLine(label=_INTEREST[reason], amount_fen=interest_fen, rule=_ART_16_17))
        lines.append(QuoteLine(label=N_("To be paid out"), amount_fen=refund_fen + interest_fen))
    return ReturnQuote(
        lines=tuple(lines),
        refund_fen=refund_fen,
        forfeited_fen=held_fen - refund_fen,
        interest_fen=interest_fen,
    )


_INTEREST = {
    ReturnReason.merchant: N_("Interest at the one-year LPR"),
    ReturnReason.holder: N_("Interest at the one-year deposit rate"),
}


def _interest(refund_fen: int, terms: ReturnTerms) -> int:
    """Simple interest by days; a fraction of a fen is the holder's."""
    part, whole = terms.interest_bp * terms.interest_days, money.BASIS * DAYS_OF_A_YEAR
    return -(-refund_fen * part // whole)


def _cooling_off(lots: Sequence[LotState], lines: list[QuoteLine]) -> int:
    left_fen = sum(lot.remaining_fen for lot in lots if lot.kind is LotKind.principal)
    lines.append(
        QuoteLine(
            label=N_("Unspent principal of the cooling-off days"),
            amount_fen=left_fen,
            rule=_ART_14,
        )
    )
    return left_fen


def _settled(lots: Sequence[LotState], reason: ReturnReason, lines: list[QuoteLine]) -> int:
    paid_fen = sum(lot.spent_fen + lot.remaining_fen for lot in lots if _is_principal(lot))
    bonus_fen = sum(lot.spent_fen + lot.remaining_fen for lot in lots if not _is_principal(lot))
    spent_fen = sum(lot.spent_fen for lot in lots)
    lines.append(QuoteLine(label=N_("Paid earlier"), amount_fen=paid_fen))
    if paid_fen + bonus_fen == 0:
        return 0
    if reason is ReturnReason.merchant:
        label, rule = N_("Spent, at the price with the bonus"), _ART_18
        consumed_fen = money.pro_rata(
            paid_fen, part=spent_fen, whole=paid_fen + bonus_fen, rounding=Rounding.DOWN
        )
    else:
        label, rule = N_("Spent, at the price without the bonus"), _ART_19
        consumed_fen = spent_fen
    lines.append(QuoteLine(label=label, amount_fen=-consumed_fen, rule=rule))
    if consumed_fen > paid_fen:
        lines.append(
            QuoteLine(
                label=N_("Shortfall, which is not charged"),
                amount_fen=consumed_fen - paid_fen,
                rule=_ART_20,
            )
        )
    return max(paid_fen - consumed_fen, 0)


def _is_principal(lot: LotState) -> bool:
    return lot.kind is LotKind.principal
