"""Merchants' own voucher batches: requested by a merchant, where the operator allows it."""

from __future__ import annotations

from collections.abc import Sequence

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import SelectMultipleField

from app.core.actor import PLATFORM_ROLES
from app.flows import paper
from app.flows.once import Body
from app.models.base import OPERATOR_ID
from app.models.tenants import Merchant
from app.services.vouchers import batch_requests
from app.views.desks import Action, Desk, action, those_allowed
from app.views.forms import OnceForm
from app.views.once import write_once
from app.views.vouchers.batch_forms import RequestForm
from app.web.context import current_context


class AllowedForm(OnceForm):
    """Which merchants may request voucher batches."""

    allowed = SelectMultipleField(coerce=int)


class BatchRequestDesk(Desk):
    """A merchant asks for a batch; the operator approves it, and says who may ask."""

    route_base = "/console/voucher-requests"
    default_view = "ask"
    belongs_to = "Batches"

    @expose("/new", methods=("GET", "POST"))
    @has_access
    def ask(self) -> ResponseReturnValue:
        session, merchant_id = self.appbuilder.session, g.actor.merchant_id
        form = RequestForm()
        form.offer_own(session, merchant_id)
        if form.validate_on_submit():
            with form.refusals():
                pk = paper.draft(
                    current_context(),
                    g.actor,
                    form.call(g.actor),
                    issuer_id=merchant_id,
                    name=form.name.data,
                    terms=form.read(),
                    accepted_by=form.acceptors(session),
                    design=form.read_design(),
                )
                said = gettext("Batch “%(name)s” is requested. The platform decides about it.")
                return self.done(said % {"name": form.name.data}, url_for("Batches.show", pk=pk))
        return self.form_page(
            form,
            title=gettext("Request vouchers"),
            submit=gettext("Request vouchers"),
            back=url_for("Batches.list"),
            explanation=gettext(
                "The platform looks at it, has it made and printed, and hands the paper to you."
                " What is given away is borne by you."
            ),
        )

    @expose("/merchants", methods=("GET", "POST"))
    @has_access
    def merchants(self) -> ResponseReturnValue:
        """Say which merchants may request batches."""
        session = self.appbuilder.session
        known = set(session.scalars(select(Merchant.id).where(Merchant.own_batches)))
        form = AllowedForm(data={"allowed": list(known)})
        form.allowed.choices = [
            (pk, name)
            for pk, name in session.execute(
                select(Merchant.id, Merchant.name)
                .where(Merchant.id != OPERATOR_ID)
                .order_by(Merchant.id)
            )
        ]
        if form.validate_on_submit():
            changed = known ^ set(form.allowed.data)

            def effect(work: Session) -> Body:
                for merchant_id in sorted(changed):
                    batch_requests.allow_own_batches(
                        work,
                        merchant_id=merchant_id,
                        allowed=merchant_id not in known,
                        actor=g.actor,
                    )
                return {}

            with form.refusals():
                write_once(form, effect)
                said = gettext("%(count)s merchants may request vouchers.")
                return self.done(said % {"count": len(form.allowed.data)}, url_for("Batches.list"))
        return self.form_page(
            form,
            title=gettext("Who may request vouchers"),
            submit=gettext("Save"),
            back=url_for("Batches.list"),
            explanation=gettext("What they request waits for your approval in any case."),
            template="console/choose_merchants.html",
            ticked=form.allowed,
            warnings=(),
        )


def batch_list_buttons(session: Session) -> Sequence[Action]:
    """The operator's, and those of a merchant that may request batches."""
    if g.actor.role not in PLATFORM_ROLES:
        mine = select(Merchant.own_batches).where(Merchant.id == g.actor.merchant_id)
        if not session.scalar(mine):
            return ()
    return those_allowed(
        action(gettext("New batch"), "BatchDesk.new", tone="main"),
        action(gettext("Request vouchers"), "BatchRequestDesk.ask", tone="main"),
        action(gettext("Who may request vouchers"), "BatchRequestDesk.merchants"),
    )
