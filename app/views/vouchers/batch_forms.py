"""The forms of a voucher batch: the operator's for everybody, a merchant's for its own stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from flask_babel import gettext
from markupsafe import Markup, escape
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms.validators import Regexp

from app.core.clock import local_day, utc_now
from app.core.errors import N_
from app.models.base import OPERATOR_ID
from app.models.cards import Bearer
from app.models.tenants import Merchant, Store
from app.models.vouchers import BatchKind
from app.services.vouchers.batches import MAX_QUANTITY, Acceptance, BatchDesign, BatchTerms
from app.views import choosing
from app.views.choosing import Choosing
from app.views.filters import Option
from app.views.finders import Finder, Finders
from app.views.forms import (
    Choice,
    Day,
    OnceForm,
    Prose,
    Text,
    Whole,
    Yuan,
    states_to_choose,
)


class Acceptors(Finders):
    """Merchants (``m7``) and single stores (``s12``); none at all: the issuer's own.

    Few are ticked: a merchant with all its stores, then each of them, one below the other.
    """

    groups: Sequence[Sequence[tuple[str, str]]] = ()

    def draw_few(self, **told: Any) -> Markup:
        chosen = set(self.data or ())
        attributes = Markup("").join(
            Markup(' {}="{}"').format(name, value) for name, value in told.items()
        )
        lists = (
            Markup('<div class="ticks-of">{}</div>').format(
                Markup("").join(self._tick(pair, chosen) for pair in group)
            )
            for group in self.groups
        )
        return Markup('<div class="tick-groups" role="group" id="{}"{}>{}</div>').format(
            self.id, attributes, Markup("").join(lists)
        )

    def _tick(self, pair: tuple[str, str], chosen: set[str]) -> Markup:
        value, text = pair
        return Markup(
            '<label class="tick"><input type="checkbox" name="{}" value="{}"{}>'
            " <span>{}</span></label>"
        ).format(self.name, value, Markup(" checked") if value in chosen else "", escape(text))


class BatchForm(OnceForm):
    """What one voucher of the batch is, who takes it, and what is printed on it."""

    refusals_at: ClassVar = {
        "batch_program_invalid": "program_id",
        "batch_acceptance_missing": "accepted_by",
        "sold_batch_outside_rules": "sale_price_fen",
    }
    sections: ClassVar = (
        (N_("Batch"), ("name", "issuer_id", "kind", "program_id", "accepted_by", "quantity")),
        (N_("Value"), ("face_value_fen", "sale_price_fen", "bearer")),
        (N_("Validity"), ("expires_on", "days_from_activation")),
        (N_("On the paper"), ("title", "support_phone", "colour", "terms")),
    )

    name = Text(N_("Name"), longest=60, description=N_("For your own people."))
    issuer_id = Finder(N_("Issuer"))
    kind = Choice(N_("Kind"))
    program_id = Finder(
        N_("Card program"),
        needed=False,
        description=N_("For top-up codes: onto whose cards the value goes."),
    )
    accepted_by = Acceptors(
        N_("Redeemed by"), description=N_("Nothing chosen: all stores of the issuer.")
    )
    quantity = Whole(
        N_("Quantity"), least=1, most=MAX_QUANTITY, description=N_("From 1 to 1,000,000.")
    )
    face_value_fen = Yuan(N_("Face value"), least=1)
    sale_price_fen = Yuan(
        N_("Sale price"), description=N_("What one is sold for; 0 when it is given away.")
    )
    bearer = Choice(N_("Borne by"), description=N_("Who pays for face value less sale price."))
    expires_on = Day(
        N_("Good until"), needed=False, description=N_("To the end of that day, or for ever.")
    )
    days_from_activation = Whole(
        N_("Days from activation"),
        needed=False,
        least=1,
        most=36_500,
        description=N_("Instead of a fixed day."),
    )
    title = Text(N_("Title"), needed=False, longest=40)
    support_phone = Text(N_("Service telephone"), needed=False, longest=30)
    colour = Text(
        N_("Colour"),
        needed=False,
        longest=7,
        checks=(Regexp(r"^(#[0-9a-fA-F]{6})?$", message=N_("A colour such as #1a7f5a.")),),
    )
    terms = Prose(N_("Terms of use"), needed=False, longest=600)

    def validate(self, extra_validators: Any = None) -> bool:
        sound = super().validate(extra_validators)
        face, price = self.face_value_fen.data, self.sale_price_fen.data
        if face is not None and price is not None and price > face:
            self.sale_price_fen.errors = [gettext("At most the face value.")]
            sound = False
        if self.expires_on.data is not None:
            if self.days_from_activation.data is not None:
                self.days_from_activation.errors = [gettext("One of the two, not both.")]
                sound = False
            if self.expires_on.data < local_day(utc_now()):
                self.expires_on.errors = [gettext("This day is over.")]
                sound = False
        return bool(sound)

    def read(self) -> BatchTerms:
        return BatchTerms(
            kind=BatchKind[self.kind.data],
            face_value_fen=self.face_value_fen.data,
            sale_price_fen=self.sale_price_fen.data,
            quantity=self.quantity.data,
            bearer=Bearer.issuer if self.bearer is None else Bearer[self.bearer.data],
            program_id=int(self.program_id.data) if self.program_id.data else None,
            expires_on=self.expires_on.data,
            days_from_activation=self.days_from_activation.data,
        )

    def read_design(self) -> BatchDesign:
        return BatchDesign(
            title=self.title.data or "",
            terms=self.terms.data or "",
            support_phone=self.support_phone.data or "",
            colour=self.colour.data or "",
        )

    def offer_all(self, session: Session) -> None:
        """What may be chosen: everybody's, in the reader's own scope."""
        self.issuer_id.offer_from(session, choosing.merchants())
        self.bearer.offer(states_to_choose(Bearer))
        self.offer_kinds(session)
        everybody = Option("all", gettext("Every merchant"))
        self.offer_acceptors(session, replace(choosing.acceptors(), fixed=[everybody]))

    def offer_acceptors(self, session: Session, chosen_from: Choosing) -> None:
        self.accepted_by.offer_from(session, chosen_from)
        if not self.accepted_by.many:
            everybody = [(one.value, one.label) for one in chosen_from.fixed]
            self.accepted_by.groups = [*([everybody] if everybody else []), *_groups(session)]

    def offer_kinds(self, session: Session, *, issuer_id: int | None = None) -> None:
        """What paper can be, and the programs of an issuer (or of all) that it may top up."""
        self.kind.offer(states_to_choose(BatchKind))
        self.program_id.offer_from(session, choosing.programs(issuer_id), none=gettext("None"))

    def acceptors(self, session: Session) -> list[Acceptance]:
        """Who was ticked. A store whose merchant is ticked as a whole stands for nothing more."""
        chosen = set(self.accepted_by.data or ())
        if "all" in chosen:
            everybody = select(Merchant.id).where(Merchant.id != OPERATOR_ID)
            return [Acceptance(merchant_id=pk) for pk in session.scalars(everybody)]
        whole = {int(one[1:]) for one in chosen if one.startswith("m")}
        single = {int(one[1:]) for one in chosen if one.startswith("s")}
        stores = session.execute(
            select(Store.merchant_id, Store.id).where(Store.id.in_(single)).order_by(Store.id)
        )
        return [
            *(Acceptance(merchant_id=pk) for pk in sorted(whole)),
            *(Acceptance(merchant_id=pk, store_id=one) for pk, one in stores if pk not in whole),
        ]


class RequestForm(BatchForm):
    """A merchant's own: it issues, its stores redeem, it bears what is given away."""

    issuer_id = None
    bearer = None

    def offer_own(self, session: Session, merchant_id: int) -> None:
        self.offer_kinds(session, issuer_id=merchant_id)
        self.offer_acceptors(session, choosing.acceptors())


def _groups(session: Session) -> list[list[tuple[str, str]]]:
    """Each merchant that the reader sees, whole, with its stores."""
    merchants = select(Merchant.id, Merchant.name).where(Merchant.id != OPERATOR_ID)
    stores: dict[int, list[tuple[str, str]]] = {}
    for owner, pk, name in session.execute(
        select(Store.merchant_id, Store.id, Store.name).order_by(Store.id)
    ):
        stores.setdefault(owner, []).append((f"s{pk}", name))
    return [
        [(f"m{pk}", gettext("All stores of %(name)s") % {"name": name}), *stores.get(pk, [])]
        for pk, name in session.execute(merchants.order_by(Merchant.id))
    ]
