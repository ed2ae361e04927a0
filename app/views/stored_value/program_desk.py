"""Card programs: made, changed, accepted, put on and off sale; with what the law says beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort, g, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import PLATFORM_ROLES
from app.core.business_settings import ANONYMOUS_DAYS
from app.flows.once import Body
from app.models.base import OPERATOR_ID
from app.models.cards import (
    Bearer,
    BonusTier,
    CardProgram,
    LotKind,
    ProgramAcceptance,
    ProgramStatus,
)
from app.models.tenants import Merchant
from app.services.business_settings import read_setting
from app.services.stored_value import programs
from app.services.stored_value.program_warnings import (
    LegalWarning,
    warnings_of_acceptance,
    warnings_of_terms,
)
from app.services.stored_value.programs import ProgramRules
from app.views import choosing
from app.views.desks import Action, Desk, action, those_allowed
from app.views.finders import ids_of
from app.views.forms import states_to_choose
from app.views.once import write_once
from app.views.stored_value.program_forms import (
    TIERS,
    AcceptanceForm,
    ProgramForm,
    SaleForm,
)
from app.views.tenants.allowances import allowance_page


class ProgramDesk(Desk):
    """The platform's for all; a merchant's for its own, where the platform allows it."""

    route_base = "/console/card-programs"
    belongs_to = "Programs"

    @expose("/add", methods=("GET", "POST"))
    @has_access
    def add(self) -> ResponseReturnValue:
        """Make a program. It is on sale at once, and good at its issuer's stores."""
        form = ProgramForm(data=_named(vars(ProgramRules())))
        self._offer(form)
        if form.validate_on_submit():
            tiers = form.tiers()
            issuer_id = int(form.issuer_id.data)

            def effect(session: Session) -> Body:
                if issuer_id != OPERATOR_ID:
                    programs.require_own_programs(session, merchant_id=issuer_id)
                made = programs.create_program(
                    session,
                    issuer_id=issuer_id,
                    code=form.code.data,
                    name=form.name.data,
                    accepted_by=[] if issuer_id == OPERATOR_ID else [issuer_id],
                    tiers=tiers,
                    rules=form.rules(),
                    actor=g.actor,
                )
                return {"id": made.id, "name": made.name}

            with form.refusals():
                if not form.errors:
                    made = write_once(form, effect)
                    said = gettext("Card program %(name)s is on sale.") % {"name": made["name"]}
                    return self.done(said, url_for("Programs.show", pk=made["id"]))
        return self._form(form, title=gettext("New card program"), submit=gettext("Put on sale"))

    @expose("/<int:pk>/edit", methods=("GET", "POST"))
    @has_access
    def edit(self, pk: int) -> ResponseReturnValue:
        """Change a program's rules, for what is topped up from now on."""
        program = self._own(pk)
        form = ProgramForm(data=self._terms(program))
        self._offer(form)
        form.issuer_id.choices = [(str(program.merchant_id), "")]
        form.issuer_id.data, form.code.data = str(program.merchant_id), program.code
        del form.issuer_id
        del form.code
        if form.validate_on_submit():
            tiers = form.tiers()

            def effect(session: Session) -> Body:
                programs.update_program(
                    session,
                    program_id=pk,
                    name=form.name.data,
                    rules=form.rules(),
                    tiers=tiers,
                    actor=g.actor,
                )
                return {}

            with form.refusals():
                if not form.errors:
                    write_once(form, effect)
                    said = gettext("Card program %(name)s is changed.") % {"name": form.name.data}
                    return self.done(said, url_for("Programs.show", pk=pk))
        return self._form(
            form,
            title=gettext("Change card program"),
            submit=gettext("Save"),
            back=url_for("Programs.show", pk=pk),
            explanation=gettext("%(name)s. What is on cards already keeps its terms.")
            % {"name": program.name},
        )

    @expose("/<int:pk>/accept", methods=("GET", "POST"))
    @has_access
    def accept(self, pk: int) -> ResponseReturnValue:
        """Say where a program's cards are good. The law's warning stands above."""
        program = self._own(pk)
        session = self.appbuilder.session
        known = session.scalars(
            select(ProgramAcceptance.merchant_id).where(ProgramAcceptance.program_id == pk)
        ).all()
        form = AcceptanceForm(
            data={"accepted_by": [str(merchant_id) for merchant_id in sorted(known)]}
        )
        form.accepted_by.offer_from(session, choosing.businesses())
        if form.validate_on_submit():

            def effect(work: Session) -> Body:
                programs.set_acceptance(
                    work, program_id=pk, accepted_by=ids_of(form.accepted_by), actor=g.actor
                )
                return {}

            with form.refusals():
                write_once(form, effect)
                said = gettext("%(name)s is accepted at %(count)s merchants.")
                values = {"name": program.name, "count": len(form.accepted_by.data)}
                return self.done(said % values, url_for("Programs.show", pk=pk))
        return self.form_page(
            form,
            title=gettext("Where cards are accepted"),
            submit=gettext("Save"),
            back=url_for("Programs.show", pk=pk),
            explanation=program.name,
            template="console/choose_merchants.html",
            ticked=form.accepted_by,
            # Shown also while only one is ticked: the next tick may be the second.
            warnings=warnings_of_acceptance(issuer_id=0, accepted_by=[1]),
        )

    @expose("/<int:pk>/onsale", methods=("GET", "POST"))
    @has_access
    def onsale(self, pk: int) -> ResponseReturnValue:
        return self._sale(
            pk,
            ProgramStatus.onsale,
            title=gettext("Put on sale"),
            facts=[gettext("Members can top up this card again at once.")],
            done=gettext("Card program %(name)s is on sale."),
        )

    @expose("/<int:pk>/offsale", methods=("GET", "POST"))
    @has_access
    def offsale(self, pk: int) -> ResponseReturnValue:
        return self._sale(
            pk,
            ProgramStatus.offsale,
            title=gettext("Take off sale"),
            tone="danger",
            facts=[
                gettext("Nobody can top up this card any more."),
                gettext("Cards that are out stay good: members can pay with them as before."),
            ],
            done=gettext("Card program %(name)s is off sale."),
        )

    @expose("/issuers", methods=("GET", "POST"))
    @has_access
    def issuers(self) -> ResponseReturnValue:
        """Say which merchants may issue cards of their own."""
        return allowance_page(
            self,
            Merchant.own_programs,
            programs.allow_own_programs,
            title=gettext("Who may issue cards"),
            explanation=gettext("Whoever issues cards needs a filing (备案) within thirty days."),
            said=gettext("%(count)s merchants may issue cards of their own."),
            back=url_for("Programs.list"),
        )

    def _sale(
        self, pk: int, status: ProgramStatus, *, title: str, done: str, **page: Any
    ) -> ResponseReturnValue:
        program = self._own(pk)
        return self.confirmed(
            SaleForm(),
            lambda session: programs.set_program_status(
                session, program_id=pk, status=status, actor=g.actor
            ),
            said=done % {"name": program.name},
            back=url_for("Programs.show", pk=pk),
            title=title,
            submit=title,
            explanation=program.name,
            **page,
        )

    def _own(self, pk: int) -> CardProgram:
        """A merchant reads the programs that it accepts, and changes those that it issues."""
        program: CardProgram = self.found(CardProgram, pk)
        if g.actor.role not in PLATFORM_ROLES and program.merchant_id != g.actor.merchant_id:
            abort(404)
        return program

    def _offer(self, form: ProgramForm) -> None:
        session = self.appbuilder.session
        form.spend_first.offer(states_to_choose(LotKind))
        form.bonus_bearer.offer(states_to_choose(Bearer))
        of_platform = g.actor.role in PLATFORM_ROLES
        form.issuer_id.offer_from(
            session, choosing.issuers() if of_platform else choosing.own_issuer(g.actor.merchant_id)
        )

    def _terms(self, program: CardProgram) -> dict[str, Any]:
        terms = _named({name: getattr(program, name) for name in vars(ProgramRules())})
        terms["name"] = program.name
        tiers = self.appbuilder.session.scalars(
            select(BonusTier)
            .where(BonusTier.program_id == program.id)
            .order_by(BonusTier.threshold_fen)
            .limit(TIERS)
        )
        for n, tier in enumerate(tiers, 1):
            terms[f"threshold{n}_fen"] = tier.threshold_fen
            terms[f"bonus{n}_fen"] = tier.bonus_fen
        return terms

    def _form(
        self, form: ProgramForm, *, back: str | None = None, **page: Any
    ) -> ResponseReturnValue:
        days = read_setting(self.appbuilder.session, ANONYMOUS_DAYS)
        return self.form_page(
            form,
            back=back or url_for("Programs.list"),
            template="console/program.html",
            # Those of a program that ends, since days may be typed in just now.
            warnings=warnings_of_terms(principal_days=1, anonymous_days=days),
            **page,
        )


def program_list_buttons(session: Session) -> Sequence[Action]:
    """The platform's, and those of a merchant that may issue cards."""
    if g.actor.role not in PLATFORM_ROLES:
        mine = select(Merchant.own_programs).where(Merchant.id == g.actor.merchant_id)
        if not session.scalar(mine):
            return ()
    return those_allowed(
        action(gettext("New card program"), "ProgramDesk.add", tone="main"),
        action(gettext("Who may issue cards"), "ProgramDesk.issuers"),
    )


def program_buttons(program: Any) -> Sequence[Action]:
    """What may be done with a program by whoever reads its page."""
    if g.actor.role not in PLATFORM_ROLES and program.merchant_id != g.actor.merchant_id:
        return ()
    sold = program.status is ProgramStatus.onsale
    return those_allowed(
        action(gettext("Edit"), "ProgramDesk.edit", tone="main", pk=program.id),
        action(gettext("Where cards are accepted"), "ProgramDesk.accept", pk=program.id),
        action(gettext("Take off sale"), "ProgramDesk.offsale", tone="danger", pk=program.id)
        if sold
        else action(gettext("Put on sale"), "ProgramDesk.onsale", pk=program.id),
    )


def program_warnings(session: Session, program: CardProgram) -> Sequence[LegalWarning]:
    """What the law says about a program as it stands."""
    accepted = session.scalars(
        select(ProgramAcceptance.merchant_id).where(ProgramAcceptance.program_id == program.id)
    ).all()
    return [
        *warnings_of_terms(
            principal_days=program.principal_days,
            anonymous_days=read_setting(session, ANONYMOUS_DAYS),
        ),
        *warnings_of_acceptance(issuer_id=program.merchant_id, accepted_by=accepted),
    ]


def _named(terms: dict[str, Any]) -> dict[str, Any]:
    """Terms as a form takes them: a choice by its name."""
    return {
        name: value.name if isinstance(value, Bearer | LotKind) else value
        for name, value in terms.items()
    }
