"""The desk of paper: handed over, activated, frozen, voided, exchanged; by batch and range."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import ClassVar

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select
from wtforms import HiddenField

from app.core import money
from app.core.actor import Scope
from app.core.errors import N_
from app.flows.vouchers import paper
from app.models.tenants import Store
from app.models.voucher_records import VoucherHolding, VoucherTaskKind
from app.models.vouchers import Voucher, VoucherBatch
from app.queries.vouchers.batch_reports import Figure, count_states
from app.services.vouchers.voucher_endings import require_range
from app.services.vouchers.voucher_events import Holder, SerialRange
from app.services.vouchers.voucher_tasks import ALONE, TaskOrder
from app.views import choosing, roles
from app.views.choosing import Choosing
from app.views.desks import Desk
from app.views.filters import Option
from app.views.finders import Finder
from app.views.forms import Choice, ConsoleForm, Prose, Text
from app.web.context import current_context

_SERIALS_AT = {
    "serial_mistyped": "first",
    "serial_of_other_batch": "first",
    "serial_range_reversed": "last",
    "vouchers_not_in_hand": "first",
}


class RangeForm(ConsoleForm):
    """From one serial number to another; the first alone is that one voucher, none the whole."""

    refusals_at: ClassVar = _SERIALS_AT

    first = Text(
        N_("First serial number"),
        needed=False,
        longest=40,
        description=N_("Type it or scan the barcode. Empty: the whole batch."),
    )
    last = Text(
        N_("Last serial number"),
        needed=False,
        longest=40,
        description=N_("Empty: only the first one."),
    )
    seen = HiddenField()

    @property
    def serials(self) -> SerialRange | None:
        first, last = self.first.data or "", self.last.data or ""
        if not (first or last):
            return None
        return SerialRange(first=first or last, last=last or first)

    def fingerprint(self) -> str:
        """What has been confirmed is what was shown: changed afterwards, it is shown again."""
        said = [str(f.data) for f in self if f.name not in {"seen", "csrf_token"}]
        return hashlib.sha256("\n".join(said).encode()).hexdigest()


class ChangeForm(RangeForm):
    reason = Prose(N_("Reason"), longest=200)


class GiveForm(RangeForm):
    refusals_at: ClassVar = {
        **_SERIALS_AT, "same_holder": "taker", "holder_does_not_accept": "taker",
    }  # fmt: skip

    taker = Finder(N_("Into whose hands"))
    reason = Prose(N_("Note"), needed=False, longest=200)


class HolderForm(ConsoleForm):
    refusals_at: ClassVar = {"nothing_in_hand": "holder"}

    holder = Finder(N_("Whose paper"))
    kind = Choice(N_("What to do"))
    reason = Prose(N_("Reason"), longest=200)


class ExchangeForm(ConsoleForm):
    refusals_at: ClassVar = {"vouchers_not_in_hand": "fresh", "voucher_not_replaceable": "damaged"}

    damaged = Text(N_("Serial number of the damaged voucher"), longest=40)
    fresh = Text(
        N_("Serial number of the new voucher"),
        longest=40,
        description=N_("One of the same batch from your stock that was not activated yet."),
    )
    reason = Prose(N_("Reason"), longest=200)


class PaperDesk(Desk):
    """Each page shows what exactly will happen before it happens."""

    route_base = "/console/voucher-paper"
    default_view = "exchange"
    belongs_to = "Batches"

    @expose("/hand-over/<int:pk>", methods=("GET", "POST"))
    @has_access
    def hand_over(self, pk: int) -> ResponseReturnValue:
        batch = self.found(VoucherBatch, pk)
        form = GiveForm()
        form.taker.offer_from(self.appbuilder.session, self._takers(batch))
        if request.method == "POST" and form.validate():
            with form.refusals():
                count = paper.give(
                    current_context(),
                    g.actor,
                    batch_id=pk,
                    serials=form.serials,
                    taker=self._holder(form.taker.data),
                    reason=form.reason.data or None,
                )
                said = gettext("%(count)s vouchers of “%(name)s” were handed over.")
                return self.done(said % {"count": f"{count:,}", "name": batch.name}, _back(pk))
        return self.form_page(
            form,
            title=gettext("Hand paper over"),
            explanation=_about(batch),
            submit=gettext("Hand over"),
            back=_back(pk),
            template="console/paper.html",
            held=self._held(pk),
            facts=(),
        )

    @expose("/activate/<int:pk>", methods=("GET", "POST"))
    @has_access
    def activate(self, pk: int) -> ResponseReturnValue:
        return self._change(pk, VoucherTaskKind.activate, gettext("Activate vouchers"))

    @expose("/freeze/<int:pk>", methods=("GET", "POST"))
    @has_access
    def freeze(self, pk: int) -> ResponseReturnValue:
        return self._change(pk, VoucherTaskKind.freeze, gettext("Freeze vouchers"))

    @expose("/unfreeze/<int:pk>", methods=("GET", "POST"))
    @has_access
    def unfreeze(self, pk: int) -> ResponseReturnValue:
        return self._change(pk, VoucherTaskKind.unfreeze, gettext("Unfreeze vouchers"))

    @expose("/void/<int:pk>", methods=("GET", "POST"))
    @has_access
    def void(self, pk: int) -> ResponseReturnValue:
        return self._change(pk, VoucherTaskKind.void, gettext("Void vouchers"))

    @expose("/of-holder", methods=("GET", "POST"))
    @has_access
    def of_holder(self) -> ResponseReturnValue:
        """All that a merchant's office or a store has in hand, of every batch."""
        form = HolderForm()
        form.holder.offer_from(self.appbuilder.session, choosing.holders())
        form.kind.offer([("freeze", gettext("Freeze")), ("unfreeze", gettext("Unfreeze"))])
        if request.method == "POST" and form.validate():
            with form.refusals():
                count = paper.ask_for_holder(
                    current_context(),
                    g.actor,
                    kind=VoucherTaskKind[form.kind.data],
                    holder=self._holder(form.holder.data),
                    reason=form.reason.data,
                )
                frozen = form.kind.data == "freeze"
                said = (
                    gettext("%(count)s vouchers in their hands are frozen.")
                    if frozen
                    else gettext("A second person has to approve unfreezing %(count)s vouchers.")
                )
                return self.done(said % {"count": f"{count:,}"}, url_for("VoucherTasks.list"))
        return self.form_page(
            form,
            title=gettext("Freeze what somebody has in hand"),
            explanation=gettext("For a burglary or a dispute: everything there stops at once."),
            submit=gettext("Do it"),
            back=url_for("Stock.list"),
            tone="danger",
        )

    @expose("/exchange", methods=("GET", "POST"))
    @has_access
    def exchange(self) -> ResponseReturnValue:
        """A damaged voucher for another one of its batch."""
        form = ExchangeForm()
        g.menu_view = "Stock"
        if request.method == "POST" and form.validate() and self._mine(form):
            with form.refusals():
                paper.exchange(
                    current_context(),
                    g.actor,
                    damaged=form.damaged.data,
                    fresh=form.fresh.data,
                    reason=form.reason.data,
                )
                said = gettext("Voucher %(old)s is void, %(new)s is good instead.")
                return self.done(
                    said % {"old": form.damaged.data, "new": form.fresh.data},
                    url_for("VoucherFinder.show"),
                )
        return self.form_page(
            form,
            title=gettext("Exchange a damaged voucher"),
            submit=gettext("Exchange"),
            back=url_for("Stock.list"),
            tone="danger",
            template="console/confirm.html",
            facts=[
                gettext("The damaged voucher becomes void for good. Keep the paper."),
                gettext("The new one is good for the same value, until the same day."),
                gettext("No money moves."),
            ],
        )

    def _change(self, pk: int, kind: VoucherTaskKind, title: str) -> ResponseReturnValue:
        batch = self.found(VoucherBatch, pk)
        form = ChangeForm()
        facts: Sequence[str] = ()
        if request.method == "POST" and form.validate():
            with form.refusals():
                require_range(batch, form.serials)
                if form.seen.data == form.fingerprint():
                    order = TaskOrder(
                        kind=kind, batch_id=pk, serials=form.serials, reason=form.reason.data
                    )
                    state, count = paper.ask(current_context(), g.actor, order)
                    return self.done(_said(kind, state, count), _back(pk))
                facts = self._facts(batch, form, kind)
                form.seen.data = form.fingerprint()
        return self.form_page(
            form,
            title=title,
            explanation=_about(batch),
            submit=title if facts else gettext("See what will happen"),
            back=_back(pk),
            tone="danger" if facts and kind is not VoucherTaskKind.activate else "",
            template="console/paper.html",
            held=(),
            facts=facts,
        )

    def _facts(self, batch: VoucherBatch, form: RangeForm, kind: VoucherTaskKind) -> Sequence[str]:
        serials = form.serials
        states = count_states(
            self.appbuilder.session,
            batch_id=batch.id,
            first=None if serials is None else serials.first,
            last=None if serials is None else serials.last,
        )
        return _facts_of(states, kind)

    def _mine(self, form: ExchangeForm) -> bool:
        """Both numbers must be vouchers that the reader sees."""
        sound = True
        for field in (form.damaged, form.fresh):
            seen = select(Voucher.id).where(Voucher.serial_no == field.data)
            if self.appbuilder.session.scalar(seen) is None:
                field.errors = [gettext("No such voucher here. Please compare the number.")]
                sound = False
        return sound

    def _held(self, pk: int) -> Sequence[VoucherHolding]:
        return self.appbuilder.session.scalars(  # type: ignore[no-any-return]
            select(VoucherHolding)
            .where(VoucherHolding.batch_id == pk)
            .order_by(VoucherHolding.first_number)
            .limit(50)
        ).all()

    def _takers(self, batch: VoucherBatch) -> Choosing:
        """Into whose hands the reader may give this batch's paper."""
        if g.actor.scope is Scope.store:
            office = Option(f"m{g.actor.merchant_id}", gettext("Back to the merchant's office"))
            return Choosing(url="", parts=(), fixed=[office])
        if g.actor.scope is Scope.merchant:
            return choosing.own_takers(g.actor.merchant_id)
        return choosing.takers(batch)

    def _holder(self, chosen: str) -> Holder:
        if chosen.startswith("m"):
            return Holder(merchant_id=int(chosen[1:]))
        store = self.found(Store, int(chosen[1:]))
        return Holder(merchant_id=store.merchant_id, store_id=store.id)


def _facts_of(states: dict[str, Figure], kind: VoucherTaskKind) -> Sequence[str]:
    """Sentences of what will happen, with count and money."""

    def of(name: str) -> Figure:
        return states.get(name, Figure())

    inactive, active, frozen = of("inactive"), of("active"), of("frozen")
    if kind is VoucherTaskKind.activate:
        said = [
            gettext("%(count)s vouchers become good: ¥%(fen)s that the platform will owe.")
            % {"count": f"{inactive.count:,}", "fen": money.yuan(inactive.fen)}
        ]
        if inactive.count > ALONE:
            said.append(gettext("More than 1,000: a second person has to approve it."))
        return said
    if kind is VoucherTaskKind.void:
        return [
            gettext("%(count)s vouchers become void for good. This cannot be taken back.")
            % {"count": f"{inactive.count + active.count:,}"},
            gettext("%(count)s of them are active, worth ¥%(fen)s; their price is owed back.")
            % {"count": f"{active.count:,}", "fen": money.yuan(active.fen)},
        ]
    if kind is VoucherTaskKind.freeze:
        free = inactive.count + active.count - frozen.count
        return [
            gettext("%(count)s vouchers cannot be used, activated or sold until unfrozen.")
            % {"count": f"{max(free, 0):,}"},
            gettext("Unfreezing takes two people."),
        ]
    return [
        gettext("%(count)s vouchers can be used again once a second person has approved it.")
        % {"count": f"{frozen.count:,}"}
    ]


def _said(kind: VoucherTaskKind, state: str, count: int) -> str:
    if state == "asked":
        return gettext("Asked for. A second person has to approve it under “Voucher tasks”.")
    if state != "done":
        return gettext("It is being done in the background. This page shows how far it is.")
    said = {
        VoucherTaskKind.activate: gettext("%(count)s vouchers are active now."),
        VoucherTaskKind.freeze: gettext("%(count)s vouchers are frozen."),
        VoucherTaskKind.unfreeze: gettext("%(count)s vouchers can be used again."),
        VoucherTaskKind.void: gettext("%(count)s vouchers are void."),
    }[kind]
    return said % {"count": f"{count:,}"}


def _about(batch: VoucherBatch) -> str:
    return f"{batch.name} · {batch.batch_no} · {money.in_yuan(batch.face_value_fen)}"


def _back(pk: int) -> str:
    """The batch's page, or the stock for those who do not read batches."""
    if roles.allows(g.actor.role, "can_show", "Batches"):
        return url_for("Batches.show", pk=pk)
    return url_for("Stock.list")
