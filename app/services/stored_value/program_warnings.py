"""What the law says about a card program's terms: warnings with their source, no refusals."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.core.errors import N_
from app.models.base import OPERATOR_ID

_OFFICE = "国办发〔2011〕25号"
_COURT = "法释〔2025〕4号"


@dataclass(frozen=True, kw_only=True)
class LegalWarning:
    """One sentence for whoever sets the terms, and the rule that it comes from."""

    text: str
    source: str


def warnings_of_terms(*, principal_days: int | None, anonymous_days: int) -> Sequence[LegalWarning]:
    """Warnings about a program's validity.

    Args:
        anonymous_days: The shortest validity that an anonymous card may have.
    """
    if principal_days is None:
        return ()
    found = [
        LegalWarning(
            text=N_("Registered cards must not have an expiry date: leave the days empty."),
            source=_OFFICE,
        ),
        LegalWarning(
            text=N_(
                "Whoever holds a card that has run out may have it activated again or exchanged."
            ),
            source=f"{_COURT} 第二十四条",
        ),
    ]
    if principal_days < anonymous_days:
        found.insert(
            1,
            LegalWarning(
                text=N_("Anonymous cards must be good for three years at least."), source=_OFFICE
            ),
        )
    return found


def warnings_of_acceptance(
    *, issuer_id: int, accepted_by: Collection[int]
) -> Sequence[LegalWarning]:
    """Warnings about where a program's cards are good."""
    strangers = set(accepted_by) - {issuer_id}
    if not strangers or (issuer_id == OPERATOR_ID and len(strangers) == 1):
        return ()
    return (
        LegalWarning(
            text=N_(
                "Cards that several merchants accept are meant for one group or brand. Value that"
                " can be spent at unrelated merchants needs a payment licence."
            ),
            source="《单用途商业预付卡管理办法（试行）》；《非银行支付机构监督管理条例》",
        ),
    )
