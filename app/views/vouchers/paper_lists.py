"""Lists of what is kept about paper: stock, tasks, imports; and the page that finds a voucher."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from app.core.errors import N_
from app.flows.vouchers import paper
from app.models.voucher_records import VoucherHolding, VoucherImport, VoucherTask
from app.queries.vouchers.voucher_stories import find_voucher
from app.views.cells import state_name
from app.views.desks import Action, Desk, action, those_allowed
from app.views.forms import ConsoleForm, ReasonForm
from app.views.records import Records
from app.web.context import current_context


class Stock(Records):
    """Whose hands the paper is in: one row for each range of serial numbers."""

    route_base = "/console/voucher-stock"
    datamodel = SQLAInterface(VoucherHolding)
    title_text = N_("Voucher stock")
    explanation = N_("Paper that was not sold yet, and who has it in hand.")
    list_columns = ["first_serial_no", "last_serial_no", "quantity", "batch_id", "merchant_id",
                    "store_id", "since"]  # fmt: skip
    show_columns = list_columns
    when = "since"
    filter_columns = ("batch_id", "merchant_id", "store_id")
    search_in = ("first_serial_no",)
    sums = ("quantity",)

    def list_buttons(self) -> Sequence[Action]:
        return those_allowed(
            action(gettext("Exchange a damaged voucher"), "PaperDesk.exchange"),
            action(gettext("Freeze what somebody has in hand"), "PaperDesk.of_holder",
                   tone="danger"),
        )  # fmt: skip

    def buttons(self, row: Any) -> Sequence[Action]:
        return those_allowed(
            action(gettext("Hand over"), "PaperDesk.hand_over", tone="main", pk=row.batch_id)
        )


class VoucherTasks(Records):
    route_base = "/console/voucher-tasks"
    datamodel = SQLAInterface(VoucherTask)
    title_text = N_("Voucher tasks")
    explanation = N_("What is done with many vouchers, and what waits for a second person.")
    list_columns = ["id", "kind", "status", "batch_id", "first_serial_no", "last_serial_no",
                    "quantity", "done", "asked_by_id", "created_at"]  # fmt: skip
    show_columns = ["kind", "id", "status", "batch_id", "first_serial_no", "last_serial_no",
                    "holder_merchant_id", "holder_store_id", "quantity", "done", "reason",
                    "asked_by_id", "approved_by_id", "problem", "created_at",
                    "finished_at"]  # fmt: skip
    when = "created_at"
    filter_columns = ("status", "kind", "batch_id", "asked_by_id")
    sums = ("quantity", "done")

    def buttons(self, row: Any) -> Sequence[Action]:
        if row.status.name != "asked":
            return ()
        mine = row.asked_by_id == g.actor.staff_id
        return those_allowed(
            None
            if mine
            else action(gettext("Approve task"), "TaskDesk.approve", tone="main", pk=row.id),
            action(gettext("Do not do it"), "TaskDesk.refuse", tone="danger", pk=row.id),
        )


class VoucherImports(Records):
    route_base = "/console/voucher-imports"
    datamodel = SQLAInterface(VoucherImport)
    title_text = N_("Imports of old cards")
    explanation = N_("Spreadsheets of cards from before, and whether they were taken over.")
    list_columns = ["id", "file_name", "status", "program_id", "row_count", "total_fen",
                    "made_by_id", "decided_by_id", "created_at"]  # fmt: skip
    show_columns = ["file_name", "id", "status", "program_id", "merchant_id", "row_count",
                    "total_fen", "made_by_id", "decided_by_id", "batch_id", "created_at",
                    "decided_at"]  # fmt: skip
    show_template = "console/import.html"
    when = "created_at"
    filter_columns = ("status", "program_id", "made_by_id")
    search_in = ("file_name",)
    sums = ("row_count", "total_fen")

    def list_buttons(self) -> Sequence[Action]:
        return those_allowed(action(gettext("Import old cards"), "ImportDesk.new", tone="main"))

    def buttons(self, row: Any) -> Sequence[Action]:
        if row.status.name != "checked":
            return ()
        mine = row.made_by_id == g.actor.staff_id
        return those_allowed(
            None
            if mine
            else action(gettext("Take these cards over"), "ImportDesk.carry_out", tone="main",
                        pk=row.id),
            action(gettext("Discard"), "ImportDesk.discard", tone="danger", pk=row.id),
        )  # fmt: skip


class TaskDesk(Desk):
    """A second person decides about a task."""

    route_base = "/console/voucher-tasks"
    default_view = "approve"
    belongs_to = "VoucherTasks"

    @expose("/approve/<int:pk>", methods=("GET", "POST"))
    @has_access
    def approve(self, pk: int) -> ResponseReturnValue:
        task = self.found(VoucherTask, pk)
        form = ConsoleForm()
        if request.method == "POST":
            with form.refusals():
                state, _ = paper.decide_task(current_context(), g.actor, task_id=pk, approved=True)
                said = (
                    gettext("Approved and done.")
                    if state == "done"
                    else gettext("Approved. It is being done in the background.")
                )
                return self.done(said, url_for("VoucherTasks.show", pk=pk))
        return self.form_page(
            form,
            title=gettext("Approve task"),
            submit=gettext("Approve task"),
            back=url_for("VoucherTasks.show", pk=pk),
            template="console/confirm.html",
            facts=_facts(task),
        )

    @expose("/refuse/<int:pk>", methods=("GET", "POST"))
    @has_access
    def refuse(self, pk: int) -> ResponseReturnValue:
        task = self.found(VoucherTask, pk)
        form = ReasonForm()
        if request.method == "POST" and form.validate():
            with form.refusals():
                paper.decide_task(
                    current_context(), g.actor, task_id=pk, approved=False,
                    reason=form.reason.data,
                )  # fmt: skip
                return self.done(gettext("It is not done."), url_for("VoucherTasks.show", pk=pk))
        return self.form_page(
            form,
            title=gettext("Do not do it"),
            submit=gettext("Do not do it"),
            back=url_for("VoucherTasks.show", pk=pk),
            tone="danger",
            template="console/confirm.html",
            facts=_facts(task),
        )


class VoucherFinder(BaseView):  # type: ignore[misc]
    """A voucher by its serial number or secret code. Posted, so that no log has the code."""

    route_base = "/console/voucher-finder"
    default_view = "show"

    @expose("/", methods=("GET", "POST"))
    @has_access
    def show(self) -> ResponseReturnValue:
        typed = request.form.get("typed", "")
        if request.method == "GET" or not typed.strip():
            return self.render_template("console/find_voucher.html")
        found = find_voucher(self.appbuilder.session, typed=typed, keys=current_context().keys)
        if found is None:
            flash(gettext("No such voucher here. Please compare the number or code."))
            return redirect(url_for("VoucherFinder.show"))
        return redirect(url_for("Vouchers.show", pk=found.id))


def _facts(task: VoucherTask) -> Sequence[str]:
    said = gettext("%(what)s: %(count)s vouchers")
    facts = [said % {"what": state_name(task.kind), "count": f"{task.quantity:,}"}]
    if task.first_serial_no is not None:
        facts.append(f"{task.first_serial_no} – {task.last_serial_no}")
    if task.reason:
        facts.append(task.reason)
    return facts
