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

from app.core.actor import PLATFORM_ROLES
from app.flows.vouchers import paper
from app.models.tenants import Merchant
from app.services.vouchers import batch_requests
from app.views.desks import Action, Desk, action, those_allowed
from app.views.tenants.allowances import allowance_page
from app.views.vouchers.batch_forms import RequestForm
from app.web.context import current_context


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
        return allowance_page(
            self,
            Merchant.own_batches,
            batch_requests.allow_own_batches,
            title=gettext("Who may request vouchers"),
            explanation=gettext("What they request waits for your approval in any case."),
            said=gettext("%(count)s merchants may request vouchers."),
            back=url_for("Batches.list"),
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
