"""Statements (结算单): the lists, and the page of one with what it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import g, url_for
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext

from app.core.business_settings import DEEMED_DAYS
from app.core.clock import local_day
from app.core.errors import N_
from app.models.statements import Statement, StatementDispute, StatementLine, StatementStatus
from app.queries.settlement.statements import SumRow, read_stores, read_sums
from app.services.business_settings import read_setting
from app.views.desks import Action, action, those_allowed
from app.views.records import Records
from app.views.settlement.statement_words import kind_name, part_name, store_name, whose

_S = StatementStatus


class Statements(Records):
    route_base = "/console/statements"
    datamodel = SQLAInterface(Statement)
    title_text = N_("Statements")
    explanation = N_(
        "What each merchant has earned in a period. The merchant confirms, a second person"
        " approves, then it is paid."
    )
    list_columns = ["statement_no", "merchant_id", "period_first_on", "period_last_on",
                    "opening_fen", "earned_fen", "cash_fen", "due_fen", "due_on",
                    "status"]  # fmt: skip
    show_columns = ["statement_no", "status", "merchant_id", "period_first_on", "period_last_on",
                    "due_on", "line_count", "late_count", "created_by_id", "created_at",
                    "confirmed_by_id", "confirmed_at", "is_deemed", "approved_by_id", "approved_at",
                    "paid_by_id", "paid_at", "bank_reference", "carried_into_id",
                    "paid_entry_id"]  # fmt: skip
    export_columns = list(dict.fromkeys([*list_columns, "to_pay_fen", *show_columns]))
    show_template = "console/settlement_statement.html"
    when = "created_at"
    filter_columns = ("status", "merchant_id", "cycle")
    search_in = ("statement_no", "bank_reference")
    sums = ("earned_fen", "cash_fen", "to_pay_fen")

    def list_buttons(self) -> Sequence[Action]:
        return those_allowed(
            action(gettext("Close periods"), "SettlementDesk.close", tone="main"),
            action(gettext("Workbook of all merchants"), "SettlementDesk.combined"),
            action(gettext("Clearing"), "SettlementDesk.clearing"),
            action(gettext("Accounting vouchers"), "SettlementDesk.vouchers"),
        )

    def buttons(self, row: Any) -> Sequence[Action]:
        if row.status is _S.collecting:
            return ()
        return those_allowed(*self._steps(row), *_files(row))

    def _steps(self, row: Statement) -> Sequence[Action | None]:
        me, pk = g.actor.staff_id, row.id
        if row.status is _S.confirmed and row.due_fen > 0 and me != row.created_by_id:
            return [action(gettext("Approve"), "StatementDesk.approve", tone="main", pk=pk)]
        if row.status is _S.approved and me != row.approved_by_id:
            return [action(gettext("Record the payout"), "StatementDesk.pay", tone="main", pk=pk)]
        if row.status is _S.disputed:
            return [
                action(gettext("Answer"), "StatementDesk.answer", tone="main", pk=pk),
                action(gettext("Dispute another line"), "StatementDesk.dispute", pk=pk),
            ]
        steps: list[Action | None] = []
        if row.status is _S.draft:
            steps = [
                action(gettext("Confirm"), "StatementDesk.confirm", tone="main", pk=pk),
                action(gettext("Dispute"), "StatementDesk.dispute", tone="danger", pk=pk),
            ]
        if row.status in {_S.draft, _S.confirmed} and row.due_fen <= 0:
            steps.append(action(gettext("Carry forward"), "StatementDesk.carry", pk=pk))
        return steps

    def what_next(self, row: Any) -> str:
        """Whose turn it is, in a sentence."""
        step = _next_step(row)
        days = read_setting(self.datamodel.session, DEEMED_DAYS)
        if row.status is _S.draft and row.due_fen > 0 and days:
            day = local_day(row.created_at + timedelta(days=days))
            step += gettext(
                " Unless it is disputed, it counts as confirmed after %(day)s.", day=day
            )
        return step

    def tables(self, row: Any) -> Sequence[tuple[str, Sequence[SumRow], int]]:
        """The sums by store: its name, its rows, what they come to."""
        rows = read_sums(self.datamodel.session, statement_id=row.id)
        stores = read_stores(self.datamodel.session, statement_id=row.id)
        return [
            (
                store_name(store.store),
                [one for one in rows if one.store_id == store.store_id],
                store.amount_fen,
            )
            for store in stores
        ]

    def lines_url(self, row: Any) -> str:
        return url_for("StatementLines.list", statement_id=row.id)

    words = staticmethod(lambda row: (kind_name(row.kind), part_name(row.part), whose(row)))

    def related(self, row: Any) -> Any:
        session = self.datamodel.session
        if not session.query(StatementDispute.id).filter_by(statement_id=row.id).first():
            return ()
        columns = ("document_no", "note", "created_by_id", "created_at", "answer",
                   "answered_by_id", "answered_at")  # fmt: skip
        about = StatementDispute.statement_id == row.id
        return [(gettext("Disputes"), *self.related_rows(StatementDispute, about, columns))]


class StatementLines(Records):
    route_base = "/console/statement-lines"
    datamodel = SQLAInterface(StatementLine)
    title_text = N_("Statement lines")
    explanation = N_(
        "Every posting that was settled, on its statement. Positive is the merchant's."
    )
    list_columns = ["document_no", "occurred_at", "statement_id", "store_id", "kind",
                    "own_card_fen", "group_card_fen", "wechat_fen", "paper_fen", "commission_fen",
                    "borne_fen", "cash_fen", "amount_fen", "is_late"]  # fmt: skip
    show_columns = ["document_no", "kind", "occurred_at", "statement_id", "merchant_id",
                    "store_id", "batch_id", "own_card_fen", "group_card_fen", "wechat_fen",
                    "paper_fen", "commission_fen", "borne_fen", "cash_fen", "other_fen",
                    "amount_fen", "is_late", "id"]  # fmt: skip
    when = "occurred_at"
    filter_columns = ("statement_id", "kind", "merchant_id", "store_id", "is_late")
    search_in = ("document_no",)
    sums = ("commission_fen", "cash_fen", "amount_fen")


def _files(row: Statement) -> Sequence[Action | None]:
    return [
        action(gettext("Workbook (xlsx)"), "StatementDesk.workbook", pk=row.id),
        action(gettext("To sign (PDF)"), "StatementDesk.paper", pk=row.id),
        action(gettext("Lines (csv)"), "StatementDesk.table", pk=row.id),
    ]


def _next_step(row: Statement) -> str:
    if row.status is _S.collecting:
        return gettext("It is being drawn up. Please look again in a minute.")
    if row.status in {_S.draft, _S.confirmed} and row.due_fen <= 0:
        return gettext("Nothing is due: the platform carries it into the next statement.")
    return {
        _S.draft: gettext("The merchant checks it, then confirms or disputes it."),
        _S.disputed: gettext("The platform answers what is disputed."),
        _S.confirmed: gettext(
            "Somebody at the platform approves it, but not whoever closed the period."
        ),
        _S.approved: gettext("Another person pays it and records the bank's reference."),
        _S.paid: gettext("It is paid and closed."),
        _S.carried: gettext("It is carried into the next statement and closed."),
    }[row.status]
