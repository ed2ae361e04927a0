"""The desk of merchants: take one on with its first account, edit, freeze, let trade again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask import abort, g, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.actor import Role
from app.core.clock import local_day, utc_now
from app.core.errors import N_
from app.flows import once
from app.flows.carrying_out import carry_out
from app.models.base import OPERATOR_ID
from app.models.people import Staff, StaffStatus
from app.models.tenants import (
    Merchant,
    MerchantPapers,
    MerchantStatus,
    SettlementCycle,
    Store,
    StoreStatus,
)
from app.services.people import appointments
from app.services.people.appointments import Duty
from app.services.tenants import merchants
from app.services.tenants.merchants import MerchantTerms, Papers
from app.views.cells import Cell, cell
from app.views.desks import Action, Desk, action, those_allowed
from app.views.forms import (
    Choice,
    Day,
    OnceForm,
    Percent,
    ReasonForm,
    Text,
    Whole,
    states_to_choose,
)
from app.views.shapes import Code, FirstPassword, Telephone, Username
from app.web.context import current_context

WARN_BEFORE = timedelta(days=30)
_TERMS = (N_("Terms"), ("name", "commission_bp", "settlement_cycle", "settlement_days"))
_PAPERS = (
    N_("Licence and filing"),
    ("licence_no", "licence_expires_on", "filing_no", "filing_expires_on"),
)
_CONTACT = (N_("Contact"), ("contact_name", "contact_phone"))
_PASSWORDS = {
    "username_taken": "username",
    "password_too_short": "password",
    "password_too_common": "password",
}


class MerchantForm(OnceForm):
    sections = (_TERMS, _PAPERS, _CONTACT)

    name = Text(N_("Name"), longest=60)
    commission_bp = Percent(
        N_("Commission rate"),
        description=N_("Of every payment and redemption. A new rate is for payments from now on."),
    )
    settlement_cycle = Choice(N_("Settlement"), default=SettlementCycle.monthly.name)
    settlement_days = Whole(
        N_("Days to payout"),
        most=90,
        default=1,
        description=N_("T+n: paid out so many days after the period's end."),
    )
    licence_no = Text(N_("Business licence number"), needed=False, longest=40)
    licence_expires_on = Day(
        N_("Licence good until"), needed=False, description=N_("Empty: for good.")
    )
    filing_no = Text(
        N_("Filing number"),
        needed=False,
        longest=60,
        description=N_("Filing as an issuer of single-purpose prepaid cards, where it has one."),
    )
    filing_expires_on = Day(N_("Filing good until"), needed=False)
    contact_name = Text(N_("Contact person"), needed=False, longest=40)
    contact_phone = Telephone(N_("Contact's telephone"), needed=False)

    def terms(self) -> MerchantTerms:
        return MerchantTerms(
            name=self.name.data,
            commission_bp=self.commission_bp.data,
            settlement_cycle=SettlementCycle[self.settlement_cycle.data],
            settlement_days=self.settlement_days.data,
        )

    def papers(self) -> Papers:
        return Papers(
            licence_no=self.licence_no.data or "",
            licence_expires_on=self.licence_expires_on.data,
            filing_no=self.filing_no.data or "",
            filing_expires_on=self.filing_expires_on.data,
            contact_name=self.contact_name.data or "",
            contact_phone=self.contact_phone.data or "",
        )


class NewMerchantForm(MerchantForm):
    refusals_at = {"merchant_code_taken": "code", **_PASSWORDS}
    sections = (
        (N_("Terms"), ("code", *_TERMS[1])),
        (N_("First account of the merchant"), ("admin_name", "username", "password")),
        _PAPERS,
        _CONTACT,
    )

    code = Code(N_("Code"), description=N_("Stands in exports and addresses; never changes."))
    admin_name = Text(N_("Administrator's name"), longest=40)
    username = Username()
    password = FirstPassword()


class MerchantDesk(Desk):
    route_base = "/console/merchants"
    belongs_to = "Merchants"

    @expose("/add/", methods=("GET", "POST"))
    @has_access
    def add(self) -> ResponseReturnValue:
        """A merchant and its first administrator, both or neither."""
        form = NewMerchantForm()
        form.settlement_cycle.offer(states_to_choose(SettlementCycle))
        if form.validate_on_submit():
            with form.refusals():
                answer = once.run_once(
                    current_context(), form.call(g.actor), _taking_on(form), sealed=True
                )
                made = json.loads(answer.text)
                back = url_for("Merchants.show", pk=made["merchant_id"])
                return self.page(
                    "console/credentials.html",
                    title=gettext("%(name)s is taken on", name=form.name.data),
                    person=form.admin_name.data,
                    username=made["username"],
                    password=made["password"],
                    back=back,
                    onward=(
                        gettext("Add its first store"),
                        url_for("StoreDesk.add", merchant=made["merchant_id"]),
                    ),
                )
        return self.form_page(
            form,
            title=gettext("Take a merchant on"),
            submit=gettext("Take on"),
            back=url_for("Merchants.list"),
        )

    @expose("/edit/<int:pk>", methods=("GET", "POST"))
    @has_access
    def edit(self, pk: int) -> ResponseReturnValue:
        merchant = self._merchant(pk)
        papers = self.appbuilder.session.get(MerchantPapers, pk)
        form = MerchantForm(data=_values(merchant, papers))
        form.settlement_cycle.offer(states_to_choose(SettlementCycle))
        back = url_for("Merchants.show", pk=pk)
        if form.validate_on_submit():
            actor, terms, kept = g.actor, form.terms(), form.papers()
            with form.refusals():
                carry_out(
                    current_context(),
                    lambda work: merchants.edit_merchant(
                        work, merchant_id=pk, terms=terms, papers=kept, actor=actor
                    ),
                )
                return self.done(gettext("%(name)s is saved.", name=terms.name), back)
        return self.form_page(form, title=merchant.name, submit=gettext("Save"), back=back)

    @expose("/freeze/<int:pk>", methods=("GET", "POST"))
    @has_access
    def freeze(self, pk: int) -> ResponseReturnValue:
        merchant = self._merchant(pk)
        stores, people = self._counts(pk)
        facts = (
            gettext("%(count)s stores take no payment, top-up or voucher any more.", count=stores),
            gettext("%(count)s people of this merchant can no longer sign in.", count=people),
            gettext("What members hold and what is owed to the merchant stay as they are."),
        )
        return self._set_status(
            merchant,
            MerchantStatus.frozen,
            title=gettext("Freeze %(name)s", name=merchant.name),
            submit=gettext("Freeze"),
            said=gettext("%(name)s is frozen.", name=merchant.name),
            facts=facts,
            tone="danger",
        )

    @expose("/thaw/<int:pk>", methods=("GET", "POST"))
    @has_access
    def thaw(self, pk: int) -> ResponseReturnValue:
        merchant = self._merchant(pk)
        return self._set_status(
            merchant,
            MerchantStatus.active,
            title=gettext("Let %(name)s trade again", name=merchant.name),
            submit=gettext("Let trade"),
            said=gettext("%(name)s trades again.", name=merchant.name),
            facts=(gettext("Its open stores take payments, and its people may sign in."),),
        )

    def _set_status(
        self, merchant: Merchant, status: MerchantStatus, *, said: str, **page: Any
    ) -> ResponseReturnValue:
        form, back, actor = ReasonForm(), url_for("Merchants.show", pk=merchant.id), g.actor
        if form.validate_on_submit():
            with form.refusals():
                carry_out(
                    current_context(),
                    lambda work: merchants.set_merchant_status(
                        work,
                        merchant_id=merchant.id,
                        status=status,
                        reason=form.reason.data,
                        actor=actor,
                    ),
                )
                return self.done(said, back)
        return self.form_page(form, back=back, template="console/confirm.html", **page)

    def _merchant(self, pk: int) -> Merchant:
        if pk == OPERATOR_ID:
            abort(404)
        found: Merchant = self.found(Merchant, pk)
        return found

    def _counts(self, pk: int) -> tuple[int, int]:
        session = self.appbuilder.session
        stores = select(func.count()).where(
            Store.merchant_id == pk, Store.status == StoreStatus.open
        )
        people = select(func.count()).where(
            Staff.merchant_id == pk, Staff.status == StaffStatus.active
        )
        return session.scalar(stores), session.scalar(people)


def merchant_buttons(merchant: Merchant) -> Sequence[Action]:
    if merchant.id == OPERATOR_ID:
        return ()
    pk, frozen = merchant.id, merchant.status is MerchantStatus.frozen
    return those_allowed(
        action(gettext("Edit"), "MerchantDesk.edit", pk=pk),
        action(gettext("Add store"), "StoreDesk.add", merchant=pk),
        action(gettext("Add staff"), "StaffDesk.add", merchant=pk),
        action(gettext("Let trade"), "MerchantDesk.thaw", pk=pk)
        if frozen
        else action(gettext("Freeze"), "MerchantDesk.freeze", tone="danger", pk=pk),
    )


def papers_of(session: Session, merchant: Merchant) -> Sequence[tuple[str, Cell]]:
    """What is kept of a merchant's papers, for its page."""
    kept = session.get(MerchantPapers, merchant.id)
    if merchant.id == OPERATOR_ID:
        return ()
    rows = (
        ("licence_no", N_("Business licence number")),
        ("licence_expires_on", N_("Licence good until")),
        ("filing_no", N_("Filing number")),
        ("filing_expires_on", N_("Filing good until")),
        ("contact_name", N_("Contact person")),
        ("contact_phone", N_("Contact's telephone")),
    )
    return [(gettext(label), cell(name, kept and getattr(kept, name))) for name, label in rows]


def warnings_of(session: Session, merchant: Merchant) -> Sequence[str]:
    """Papers that have expired, or will within thirty days."""
    kept = session.get(MerchantPapers, merchant.id)
    if kept is None:
        return ()
    today = local_day(utc_now())
    found = (
        _warning(gettext("The business licence"), kept.licence_expires_on, today),
        _warning(gettext("The filing"), kept.filing_expires_on, today),
    )
    return [sentence for sentence in found if sentence]


def _warning(what: str, last: date | None, today: date) -> str | None:
    if last is None or last > today + WARN_BEFORE:
        return None
    if last < today:
        return gettext(
            "%(what)s expired on %(day)s. Please ask for the new one.", what=what, day=last
        )
    return gettext(
        "%(what)s is good until %(day)s only: %(left)s days left.",
        what=what,
        day=last,
        left=(last - today).days,
    )


def _taking_on(form: NewMerchantForm) -> Any:
    actor = g.actor

    def effect(session: Session) -> dict[str, object]:
        merchant = merchants.create_merchant(
            session,
            code=form.code.data,
            name=form.name.data,
            commission_bp=form.commission_bp.data,
            actor=actor,
        )
        merchants.edit_merchant(
            session,
            merchant_id=merchant.id,
            terms=form.terms(),
            papers=form.papers(),
            actor=actor,
        )
        _, password = appointments.appoint(
            session,
            duty=Duty(name=form.admin_name.data, role=Role.merchant_admin, merchant_id=merchant.id),
            username=form.username.data,
            password=form.password.data,
            actor=actor,
        )
        return {
            "merchant_id": merchant.id,
            "username": form.username.data,
            "password": password,
        }

    return effect


def _values(merchant: Merchant, papers: MerchantPapers | None) -> dict[str, Any]:
    names = ("licence_no", "licence_expires_on", "filing_no", "filing_expires_on")
    return {
        "name": merchant.name,
        "commission_bp": merchant.commission_bp,
        "settlement_cycle": merchant.settlement_cycle.name,
        "settlement_days": merchant.settlement_days,
        **{name: getattr(papers, name, None) for name in (*names, "contact_name", "contact_phone")},
    }
