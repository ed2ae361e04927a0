"""What the law allows of a sold batch, as warnings with their source, or as a hard stop.

A voucher that is sold is a prepaid card without a name (docs/operations/vouchers.md); what is given
away is not, and its validity is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.core.errors import N_, Category, DomainError

ANONYMOUS_CAP_FEN = 1_000_00
LEAST_YEARS = 3
_SOURCE_2011 = "国办发〔2011〕25号"


class SoldBatchOutsideRules(DomainError):
    code = "sold_batch_outside_rules"
    category = Category.INVALID
    template = N_(
        "A sold batch is good for at least three years and worth at most 1,000 yuan each"
        " (%(source)s). Change it, or give it away instead of selling it."
    )


@dataclass(frozen=True)
class Validity:
    """Until a day, or so many days from activation; without either for ever."""

    expires_on: date | None
    days_from_activation: int | None


@dataclass(frozen=True, kw_only=True)
class RuleWarning:
    """A sentence for whoever drafts or approves a batch, and where the rule stands."""

    sentence: str
    source: str


def warn_of_rules_for_sold(
    *, face_value_fen: int, sale_price_fen: int, validity: Validity, today: date
) -> Sequence[RuleWarning]:
    """What is outside of the rules; nothing for a batch that is given away."""
    if sale_price_fen == 0:
        return ()
    warnings = []
    if face_value_fen > ANONYMOUS_CAP_FEN:
        warnings.append(
            RuleWarning(
                sentence=N_("A voucher without a name may be worth at most 1,000 yuan."),
                source=_SOURCE_2011,
            )
        )
    if _last_day(validity, today) < _years_on(today) - timedelta(days=1):
        warnings.append(
            RuleWarning(
                sentence=N_("What is sold without a name must be good for at least three years."),
                source=_SOURCE_2011,
            )
        )
    return warnings


def require_rules_for_sold(
    *, face_value_fen: int, sale_price_fen: int, validity: Validity, today: date
) -> None:
    """The hard stop.

    Raises:
        SoldBatchOutsideRules
    """
    found = warn_of_rules_for_sold(
        face_value_fen=face_value_fen,
        sale_price_fen=sale_price_fen,
        validity=validity,
        today=today,
    )
    if found:
        raise SoldBatchOutsideRules(source=found[0].source)


def _last_day(validity: Validity, today: date) -> date:
    if validity.expires_on is not None:
        return validity.expires_on
    if validity.days_from_activation is not None:
        return today + timedelta(days=validity.days_from_activation)
    return date.max


def _years_on(today: date) -> date:
    leap = (today.month, today.day) == (2, 29)
    return date(today.year + LEAST_YEARS, today.month, 28 if leap else today.day)
