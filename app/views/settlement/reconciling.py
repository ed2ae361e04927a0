"""Reconciliation with WeChat on screen: the days, what differs, and who decides about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from app.core import money
from app.core.clock import local_day, utc_now
from app.core.errors import N_
from app.flows.settlement import reconciling
from app.models.reconciliations import (
    Correction,
    DifferenceStatus,
    Reconciliation,
    ReconciliationDifference,
    ReconciliationStatus,
)
from app.services.ports import GatewayUnavailable
from app.services.settlement.differences import (
    confirm_correction,
    corrections_of,
    is_about_fee,
    propose_correction,
    refuse_correction,
    was_kept_before,
    withdraw_correction,
)
from app.views.cells import state_name
from app.views.desks import Action, Desk, action, those_allowed
from app.views.forms import Choice, ConsoleForm, Day, OnceForm, Prose
from app.views.records import Records
from app.views.references import name_of_number
from app.web.context import current_context

PROBLEMS = {
    "not_ready": N_("WeChat has not made this bill yet. It is asked for again every hour."),
    "unavailable": N_("WeChat did not answer. It is asked again every hour."),
    "hash": N_("The file is not the one that WeChat has promised. Fetch it again."),
    "cut_off": N_("The file ends too early. Fetch it again later."),
    "columns": N_("Columns are missing. WeChat may have changed its bills; tell the technicians."),
    "malformed": N_("The file cannot be read. Fetch it again; if it stays so, tell technicians."),
    "sums": N_("The sums below are not those of the lines. Fetch it again later."),
}
_EXPLAINED = {
    Correction.confirm: N_("The order is booked as WeChat's own notification would have done."),
    Correction.unapplied: N_("The money is booked as not ours to keep, until it is given back."),
    Correction.expense: N_("WeChat's account is brought to ¥%(wechat)s at the platform's cost."),
    Correction.explain: N_("Nothing is booked. The note says why the difference is in order."),
}


class Reconciliations(Records):
    route_base = "/console/reconciliations"
    datamodel = SQLAInterface(Reconciliation)
    title_text = N_("Reconciliation with WeChat")
    explanation = N_("Each day: WeChat's bills against our orders and the ledger.")
    list_columns = ["bill_on", "status", "payments", "payments_fen", "refunds", "refunds_fen",
                    "fee_fen", "transferred_fen", "open_differences", "reconciled_at"]  # fmt: skip
    show_columns = ["bill_on", "status", "payments", "payments_fen", "refunds", "refunds_fen",
                    "fee_fen", "transferred_fen", "open_differences", "reconciled_at"]  # fmt: skip
    when = "bill_on"
    filter_columns = ("status",)
    sums = ("payments_fen", "refunds_fen", "fee_fen", "transferred_fen")

    def list_buttons(self) -> Sequence[Action]:
        return those_allowed(
            action(gettext("Reconcile a day"), "ReconciliationDesk.reconcile", tone="main")
        )

    def notices(self, row: Any) -> Sequence[str]:
        known = PROBLEMS.get(row.problem)
        if known:
            return [gettext(known)]
        if row.problem:
            return [gettext("WeChat refused: %(reason)s", reason=row.problem)]
        return []

    def related(self, row: Any) -> Any:
        columns = ("number", "kind", "ours_fen", "ledger_fen", "wechat_fen", "status", "correction")
        of_the_day = ReconciliationDifference.reconciliation_id == row.id
        return [(gettext("Differences"),
                 *self.related_rows(ReconciliationDifference, of_the_day, columns))]  # fmt: skip


class Differences(Records):
    route_base = "/console/differences"
    datamodel = SQLAInterface(ReconciliationDifference)
    title_text = N_("Differences with WeChat")
    explanation = N_("One person proposes what is to be done, another one confirms it.")
    list_columns = ["number", "bill_on", "kind", "ours_fen", "ledger_fen", "wechat_fen", "status",
                    "correction", "proposed_by_id", "decided_by_id"]  # fmt: skip
    show_columns = ["number", "kind", "status", "bill_on", "wechat_no", "ours_fen", "ledger_fen",
                    "wechat_fen", "suggestion", "correction", "note", "proposed_by_id",
                    "proposed_at", "decided_by_id", "decided_at", "decision_note",
                    "found_at"]  # fmt: skip
    when = "bill_on"
    filter_columns = ("status", "kind", "correction", "proposed_by_id")
    search_in = ("number",)

    def buttons(self, row: Any) -> Sequence[Action]:
        if row.status is DifferenceStatus.unresolved:
            return those_allowed(
                action(gettext("Propose a correction"), "DifferenceDesk.propose", tone="main",
                       pk=row.id)
            )  # fmt: skip
        if row.status is not DifferenceStatus.proposed:
            return ()
        if row.proposed_by_id != g.actor.staff_id:
            return those_allowed(
                action(gettext("Confirm"), "DifferenceDesk.confirm", tone="main", pk=row.id),
                action(gettext("Refuse"), "DifferenceDesk.refuse", tone="danger", pk=row.id),
            )
        return those_allowed(action(gettext("Take back"), "DifferenceDesk.withdraw", pk=row.id))

    def notices(self, row: Any) -> Sequence[str]:
        if row.status is DifferenceStatus.proposed and row.proposed_by_id == g.actor.staff_id:
            return [gettext("You have proposed this. Somebody else has to confirm it.")]
        return []


class DayForm(ConsoleForm):
    """The day whose bills are fetched."""

    refusals_at: ClassVar = {"bill_day_not_over": "bill_on", "bill_too_old": "bill_on"}
    bill_on = Day(N_("Day"), description=N_("WeChat has a day's bill after ten on the next day."))


class ReconciliationDesk(Desk):
    """Comparing a day on request. The job does it by itself every morning."""

    route_base = "/console/reconciliations"
    belongs_to = "Reconciliations"

    @expose("/reconcile", methods=("GET", "POST"))
    @has_access
    def reconcile(self) -> ResponseReturnValue:
        """Fetch a day's bills and compare them, once more if need be."""
        form = DayForm()
        if not form.is_submitted():
            form.bill_on.data = local_day(utc_now()) - timedelta(days=1)
        if form.validate_on_submit():
            with form.refusals():
                return self._compared(form)
        return self._day_page(form)

    def _compared(self, form: DayForm) -> ResponseReturnValue:
        try:
            day = reconciling.reconcile_day(current_context(), form.bill_on.data, actor=g.actor)
        except GatewayUnavailable:
            silent = PROBLEMS["unavailable"]  # Named, or its key were taken for a text of ours.
            form.problem = gettext(silent)
            return self._day_page(form)
        said = gettext("%(day)s: %(state)s.", day=day.bill_on, state=state_name(day.status))
        if day.status is ReconciliationStatus.differing:
            said = gettext("%(day)s: %(count)s differences are open.",
                           day=day.bill_on, count=day.open_differences)  # fmt: skip
        return self.done(said, url_for("Reconciliations.show", pk=day.id))

    def _day_page(self, form: DayForm) -> ResponseReturnValue:
        return self.form_page(
            form,
            title=gettext("Reconcile a day"),
            submit=gettext("Fetch and compare"),
            back=url_for("Reconciliations.list"),
            explanation=gettext("Running it again is harmless: nothing is booked twice."),
        )


class ProposalForm(OnceForm):
    """What is to be done, and why."""

    refusals_at: ClassVar = {"correction_impossible": "correction", "reason_required": "note"}
    correction = Choice(N_("Correction"))
    note = Prose(
        N_("Reason"),
        longest=200,
        description=N_("What was found out, and where: the second person decides by it."),
    )


class Confirmation(OnceForm):
    """Confirming asks for nothing more than a yes."""


class RefusalForm(OnceForm):
    refusals_at: ClassVar = {"reason_required": "note"}
    note = Prose(N_("Reason for refusing"), longest=200)


class DifferenceDesk(Desk):
    """Whoever proposed does not confirm: service and database both refuse it."""

    route_base = "/console/differences"
    belongs_to = "Differences"

    @expose("/<int:pk>/propose", methods=("GET", "POST"))
    @has_access
    def propose(self, pk: int) -> ResponseReturnValue:
        """Say what should be done."""
        found = self.found(ReconciliationDifference, pk)
        form = ProposalForm()
        offered = corrections_of(found)
        form.correction.offer([(one.name, _explained(one, found)) for one in offered])
        if not form.is_submitted():
            form.correction.data = found.suggestion.name
        return self.confirmed(
            form,
            lambda session: propose_correction(
                session,
                difference_id=pk,
                correction=Correction[form.correction.data],
                note=form.note.data,
                maker=g.actor,
                now=utc_now(),
            ),
            said=gettext(
                "Difference %(no)s waits for a second person.", no=name_of_number(found.number)
            ),
            back=url_for("Differences.show", pk=pk),
            title=gettext("Propose a correction"),
            submit=gettext("Ask a second person"),
            explanation=f"{name_of_number(found.number)} · {state_name(found.kind)}",
            facts=_facts(found),
        )

    @expose("/<int:pk>/confirm", methods=("GET", "POST"))
    @has_access
    def confirm(self, pk: int) -> ResponseReturnValue:
        """Agree: it is booked now."""
        found = self.found(ReconciliationDifference, pk)
        facts = [*_facts(found), gettext("Reason given: %(reason)s") % {"reason": found.note}]
        if found.correction is not None:
            facts.insert(0, _explained(found.correction, found))
        return self.confirmed(
            Confirmation(),
            lambda session: confirm_correction(
                session, difference_id=pk, checker=g.actor, now=utc_now()
            ),
            said=gettext("Difference %(no)s is corrected.", no=name_of_number(found.number)),
            back=url_for("Differences.show", pk=pk),
            title=gettext("Confirm correction"),
            submit=gettext("Confirm and book"),
            explanation=name_of_number(found.number),
            facts=facts,
        )

    @expose("/<int:pk>/refuse", methods=("GET", "POST"))
    @has_access
    def refuse(self, pk: int) -> ResponseReturnValue:
        """Say no, and why: it is open again."""
        found = self.found(ReconciliationDifference, pk)
        form = RefusalForm()
        return self.confirmed(
            form,
            lambda session: refuse_correction(
                session, difference_id=pk, note=form.note.data, checker=g.actor
            ),
            said=gettext("The proposal for %(no)s is refused.", no=name_of_number(found.number)),
            back=url_for("Differences.show", pk=pk),
            title=gettext("Refuse correction"),
            submit=gettext("Refuse"),
            explanation=name_of_number(found.number),
            tone="danger",
            facts=[gettext("Nothing is booked. The difference is open again.")],
        )

    @expose("/<int:pk>/withdraw", methods=("GET", "POST"))
    @has_access
    def withdraw(self, pk: int) -> ResponseReturnValue:
        """Take one's own proposal back: it is open again."""
        found = self.found(ReconciliationDifference, pk)
        return self.confirmed(
            Confirmation(),
            lambda session: withdraw_correction(session, difference_id=pk, maker=g.actor),
            said=gettext("The proposal for %(no)s is taken back.", no=name_of_number(found.number)),
            back=url_for("Differences.show", pk=pk),
            title=gettext("Take proposal back"),
            submit=gettext("Take back"),
            explanation=name_of_number(found.number),
            facts=[gettext("Nothing is booked. The difference is open again.")],
        )


def _explained(correction: Correction, found: Any) -> str:
    said = gettext(_EXPLAINED[correction])
    if correction is Correction.expense:
        if is_about_fee(found):
            said = gettext("The day's fee is booked as ¥%(wechat)s, as WeChat's account shows it.")
        said = said % {"wechat": money.yuan(found.wechat_fen or 0)}
    elif correction is Correction.unapplied and was_kept_before(found):
        said = gettext("What was kept as not ours to keep is brought to ¥%(wechat)s, as WeChat says"
                       " now. Nobody bears a cost.",
                       wechat=money.yuan(_left_fen(found)))  # fmt: skip
    return f"{state_name(correction)}：{said}"


def _left_fen(found: Any) -> int:
    """What stays kept of what no order of ours has paid for."""
    return (found.wechat_fen or 0) - (found.ours_fen or 0)


def _facts(found: Any) -> Sequence[str]:
    """What the three sides say, each in a sentence."""
    is_fee = is_about_fee(found)
    sides = (
        (gettext("WeChat's trade bill") if is_fee else gettext("Our order"), found.ours_fen),
        (gettext("The ledger"), found.ledger_fen),
        (gettext("WeChat's fund-flow bill") if is_fee else gettext("WeChat"), found.wechat_fen),
    )
    nothing = gettext("nothing")
    return [f"{name}：{nothing if fen is None else money.in_yuan(fen)}" for name, fen in sides]


RECONCILING: Sequence[type[Any]] = (
    *(Reconciliations, Differences, ReconciliationDesk, DifferenceDesk),
)
