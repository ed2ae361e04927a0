"""The forms of card programs: their rules, where they are accepted, who may issue them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from flask_babel import gettext

from app.core.errors import N_
from app.models.cards import Bearer, LotKind
from app.services.stored_value.programs import ProgramRules
from app.views.finders import Finder, Finders
from app.views.forms import Choice, OnceForm, Text, Whole, Yuan

TIERS = 8
_LONGEST_DAYS = 36_500


class ProgramForm(OnceForm):
    """The rules of a program. Tiers that are left empty do not exist."""

    refusals_at: ClassVar = {
        "program_code_taken": "code",
        "program_cap_too_high": "registered_cap_fen",
    }
    sections: ClassVar = [
        (N_("Card program"), ["name", "code", "issuer_id"]),
        (N_("Top-ups"), ["min_top_up_fen", "registered_cap_fen", "anonymous_cap_fen"]),
        (
            N_("Bonus tiers: from this top-up on, this bonus; the highest tier holds"),
            [f"{what}{n}_fen" for n in range(1, TIERS + 1) for what in ("threshold", "bonus")],
        ),
        (N_("Bonus and spending"), ["bonus_bearer", "spend_first"]),
        (N_("Validity"), ["principal_days", "bonus_days"]),
    ]

    name = Text(N_("Name"), longest=40)
    code = Text(
        N_("Code"), longest=20, description=N_("Short, for imports and exports. It never changes.")
    )
    issuer_id = Finder(N_("Issuer"))
    min_top_up_fen = Yuan(N_("Smallest top-up"), least=1)
    registered_cap_fen = Yuan(N_("Cap with a name"), least=1)
    anonymous_cap_fen = Yuan(N_("Cap without a name"), least=1)
    bonus_bearer = Choice(
        N_("Bonus borne by"),
        description=N_("Who pays in the end when a bonus is spent. The platform's own is its own."),
    )
    spend_first = Choice(N_("Spent first"))
    principal_days = Whole(
        N_("Days of principal"),
        needed=False,
        least=1,
        most=_LONGEST_DAYS,
        description=N_("Empty: never ends. Registered cards must not have an expiry date."),
    )
    bonus_days = Whole(
        N_("Days of bonus"),
        needed=False,
        least=1,
        most=_LONGEST_DAYS,
        description=N_("Empty: never ends. Tell the member before the top-up."),
    )

    def rules(self) -> ProgramRules:
        return ProgramRules(
            registered_cap_fen=self.registered_cap_fen.data,
            anonymous_cap_fen=self.anonymous_cap_fen.data,
            min_top_up_fen=self.min_top_up_fen.data,
            spend_first=LotKind[self.spend_first.data],
            principal_days=self.principal_days.data,
            bonus_days=self.bonus_days.data,
            bonus_bearer=Bearer[self.bonus_bearer.data],
        )

    def tiers(self) -> Mapping[int, int]:
        """Threshold to bonus; half a tier and a threshold said twice are marked."""
        found: dict[int, int] = {}
        for n in range(1, TIERS + 1):
            threshold, bonus = self[f"threshold{n}_fen"], self[f"bonus{n}_fen"]
            if threshold.data is None and bonus.data is None:
                continue
            if threshold.data is None or bonus.data is None:
                empty = threshold if threshold.data is None else bonus
                empty.errors = [gettext("Fill in both amounts of a tier, or none.")]
            elif threshold.data in found:
                threshold.errors = [gettext("There is a tier for this amount already.")]
            else:
                found[threshold.data] = bonus.data
        return found


for _n in range(1, TIERS + 1):
    setattr(ProgramForm, f"threshold{_n}_fen", Yuan(N_("From a top-up of"), needed=False, least=1))
    setattr(ProgramForm, f"bonus{_n}_fen", Yuan(N_("Bonus"), needed=False, least=1))


class AcceptanceForm(OnceForm):
    """At which merchants a program's cards are good."""

    accepted_by = Finders(N_("Merchants"))


class SaleForm(OnceForm):
    """Putting on or off sale asks for nothing more than a yes."""
