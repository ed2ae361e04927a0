"""The desk of pay points: one more code for a counter, its name, its poster, its end."""

from __future__ import annotations

import io
from collections.abc import Sequence
from urllib.parse import quote

from flask import Response, abort, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import force_locale, gettext

from app.core.errors import N_
from app.documents.posters import PAPERS, PosterWords, draw_poster
from app.flows.carrying_out import carry_out
from app.models.tenants import Merchant, PayPoint, PayPointStatus, Store
from app.services.tenants import merchants
from app.views.desks import Action, Desk, action, those_allowed
from app.views.forms import ConsoleForm, ReasonForm, Text
from app.web.context import current_context


class PayPointForm(ConsoleForm):
    name = Text(
        N_("Name"),
        needed=False,
        longest=30,
        description=N_("Where it stands, such as counter 2 or table 8. It is on the poster."),
    )


class PayPointDesk(Desk):
    route_base = "/console/pay-points"
    belongs_to = "PayPoints"

    @expose("/add/<int:pk>", methods=("GET", "POST"))
    @has_access
    def add(self, pk: int) -> ResponseReturnValue:
        """One more for the store with this id."""
        store, form, actor = self.found(Store, pk), PayPointForm(), g.actor
        if form.validate_on_submit():
            with form.refusals():
                made = carry_out(
                    current_context(),
                    lambda work: merchants.add_pay_point(
                        work, store=store, name=form.name.data or "", actor=actor
                    ),
                )
                return self.done(
                    gettext("The pay point is added. Print its poster next."),
                    url_for("PayPoints.show", pk=made.id),
                )
        return self.form_page(
            form,
            title=gettext("Add a pay point to %(name)s", name=store.name),
            submit=gettext("Add"),
            back=url_for("Stores.show", pk=pk),
        )

    @expose("/rename/<int:pk>", methods=("GET", "POST"))
    @has_access
    def rename(self, pk: int) -> ResponseReturnValue:
        pay_point, actor = self.found(PayPoint, pk), g.actor
        form, back = PayPointForm(data={"name": pay_point.name}), url_for("PayPoints.show", pk=pk)
        if form.validate_on_submit():
            with form.refusals():
                carry_out(
                    current_context(),
                    lambda work: merchants.rename_pay_point(
                        work, pay_point_id=pk, name=form.name.data or "", actor=actor
                    ),
                )
                return self.done(gettext("The pay point is saved."), back)
        return self.form_page(
            form, title=gettext("Name the pay point"), submit=gettext("Save"), back=back
        )

    @expose("/retire/<int:pk>", methods=("GET", "POST"))
    @has_access
    def retire(self, pk: int) -> ResponseReturnValue:
        pay_point, actor, form = self.found(PayPoint, pk), g.actor, ReasonForm()
        store = self.found(Store, pay_point.store_id)
        back = url_for("PayPoints.show", pk=pk)
        if form.validate_on_submit():
            with form.refusals():
                carry_out(
                    current_context(),
                    lambda work: merchants.retire_pay_point(
                        work, pay_point_id=pk, reason=form.reason.data, actor=actor
                    ),
                )
                return self.done(gettext("The pay point is out of use."), back)
        return self.form_page(
            form,
            title=gettext("Take a pay point out of use"),
            submit=gettext("Take out of use"),
            back=back,
            tone="danger",
            template="console/confirm.html",
            facts=(
                gettext(
                    "%(store)s, %(name)s: whoever scans this code is told that it is out of use.",
                    store=store.name,
                    name=pay_point.name or gettext("pay point %(number)s", number=pk),
                ),
                gettext("This cannot be taken back. Payments made with it stay as they are."),
                gettext("Please take the poster down."),
            ),
        )

    @expose("/poster/<int:pk>")
    @has_access
    def poster(self, pk: int) -> ResponseReturnValue:
        """To print: ``?paper=a6`` for a table stand, else A4 for the wall."""
        pay_point = self.found(PayPoint, pk)
        paper = request.args.get("paper", "a4")
        if paper not in PAPERS or pay_point.status is PayPointStatus.retired:
            abort(404)
        store = self.found(Store, pay_point.store_id)
        merchant = self.found(Merchant, pay_point.merchant_id)
        out = io.BytesIO()
        address = f"{current_context().settings.public_base_url}/q/{pay_point.token}"
        draw_poster(out, address=address, words=_words(store, merchant, pay_point), paper=paper)
        name = quote(f"{store.name}-{pay_point.name or pay_point.id}-{paper.upper()}.pdf")
        return Response(
            out.getvalue(),
            content_type="application/pdf",
            headers={"Content-Disposition": f"inline; filename*=UTF-8''{name}"},
        )


def pay_point_buttons(pay_point: PayPoint) -> Sequence[Action]:
    if pay_point.status is PayPointStatus.retired:
        return ()
    pk = pay_point.id
    return those_allowed(
        action(gettext("Poster A4"), "PayPointDesk.poster", tone="main", pk=pk, paper="a4"),
        action(gettext("Table stand A6"), "PayPointDesk.poster", pk=pk, paper="a6"),
        action(gettext("Name it"), "PayPointDesk.rename", pk=pk),
        action(gettext("Take out of use"), "PayPointDesk.retire", tone="danger", pk=pk),
    )


def _words(store: Store, merchant: Merchant, pay_point: PayPoint) -> PosterWords:
    """In Chinese, whatever the reader's language: it is for those who scan it."""
    with force_locale("zh_CN"):
        return PosterWords(
            mark=gettext("Kaquan"),
            headline=gettext("Scan to pay"),
            store=store.name,
            counter=pay_point.name,
            steps=(
                gettext("Scan with WeChat and pay from your card."),
                gettext("What it does not cover you pay by WeChat Pay."),
            ),
            small_print=f"{merchant.name} · No. {pay_point.id}",
        )
