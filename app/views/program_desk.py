"""Card programs: made, changed, accepted, put on and off sale; with what the law says beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import abort, g, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import SelectMultipleField

from app.core.actor import PLATFORM_ROLES
from app.core.business_settings import ANONYMOUS_DAYS
from app.core.errors import N_
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
from app.services import programs
from app.services.business_settings import read_setting
from app.services.program_warnings import (
    LegalWarning,
    warnings_of_acceptance,
    warnings_of_terms,
)
from app.services.programs import ProgramRules
from app.views.desks import Action, Desk, action, those_allowed
from app.views.forms import Choice, OnceForm, Text, Whole, Yuan, states_to_choose
from app.views.once import write_once

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
    issuer_id = Choice(N_("Issuer"))
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

    accepted_by = SelectMultipleField(coerce=int)


class SaleForm(OnceForm):
    """Putting on or off sale asks for nothing more than a yes."""


class IssuersForm(OnceForm):
    """Which merchants may issue cards of their own."""

    allowed = SelectMultipleField(coerce=int)


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
        form = AcceptanceForm(data={"accepted_by": list(known)})
        form.accepted_by.choices = _merchants(session)
        if form.validate_on_submit():

            def effect(work: Session) -> Body:
                programs.set_acceptance(
                    work, program_id=pk, accepted_by=form.accepted_by.data, actor=g.actor
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
        session = self.appbuilder.session
        known = set(session.scalars(select(Merchant.id).where(Merchant.own_programs)))
        form = IssuersForm(data={"allowed": list(known)})
        form.allowed.choices = _merchants(session)
        if form.validate_on_submit():
            changed = known ^ set(form.allowed.data)

            def effect(work: Session) -> Body:
                for merchant_id in sorted(changed):
                    programs.allow_own_programs(
                        work,
                        merchant_id=merchant_id,
                        allowed=merchant_id not in known,
                        actor=g.actor,
                    )
                return {}

            with form.refusals():
                write_once(form, effect)
                said = gettext("%(count)s merchants may issue cards of their own.")
                return self.done(said % {"count": len(form.allowed.data)}, url_for("Programs.list"))
        return self.form_page(
            form,
            title=gettext("Who may issue cards"),
            submit=gettext("Save"),
            back=url_for("Programs.list"),
            explanation=gettext("Whoever issues cards needs a filing (备案) within thirty days."),
            template="console/choose_merchants.html",
            ticked=form.allowed,
            warnings=(),
        )

    def _sale(
        self, pk: int, status: ProgramStatus, *, title: str, done: str, **page: Any
    ) -> ResponseReturnValue:
        program = self._own(pk)
        form = SaleForm()
        if form.validate_on_submit():

            def effect(session: Session) -> Body:
                programs.set_program_status(session, program_id=pk, status=status, actor=g.actor)
                return {}

            with form.refusals():
                write_once(form, effect)
                return self.done(done % {"name": program.name}, url_for("Programs.show", pk=pk))
        return self.form_page(
            form,
            title=title,
            submit=title,
            back=url_for("Programs.show", pk=pk),
            explanation=program.name,
            template="console/confirm.html",
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
        if g.actor.role in PLATFORM_ROLES:
            mine = [(str(OPERATOR_ID), gettext("Platform"))]
            allowed = _merchants(session, Merchant.own_programs)
        else:
            mine, allowed = [], _merchants(session, Merchant.id == g.actor.merchant_id)
        form.issuer_id.offer([*mine, *((str(pk), name) for pk, name in allowed)])

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


def _merchants(session: Session, *conditions: Any) -> list[tuple[int, str]]:
    rows = session.execute(
        select(Merchant.id, Merchant.name)
        .where(Merchant.id != OPERATOR_ID, *conditions)
        .order_by(Merchant.id)
    )
    return [(row.id, row.name) for row in rows]
