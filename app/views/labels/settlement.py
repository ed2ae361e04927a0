"""What settlement's columns, states and events are called."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.errors import N_

SETTLEMENT_COLUMNS: Mapping[str, str] = {
    "answer": N_("Answer"),
    "answered_at": N_("Answered at"),
    "answered_by_id": N_("Answered by"),
    "approved_at": N_("Approved at"),
    "bank_reference": N_("Bank reference"),
    "borne_fen": N_("Bonus and promotion borne"),
    "carried_into_id": N_("Carried into"),
    "cash_fen": N_("Cash kept by stores"),
    "confirmed_at": N_("Confirmed at"),
    "confirmed_by_id": N_("Confirmed by"),
    "cycle": N_("Settlement"),
    "due_fen": N_("Due to the merchant"),
    "due_on": N_("To be paid on"),
    "earned_fen": N_("Earned in the period"),
    "group_card_fen": N_("Cards, group programs"),
    "is_deemed": N_("Confirmed by silence"),
    "is_late": N_("Late"),
    "late_count": N_("Late lines"),
    "line_count": N_("Lines"),
    "opening_fen": N_("Opening balance"),
    "other_fen": N_("Other"),
    "own_card_fen": N_("Cards, own programs"),
    "paid_by_id": N_("Payout recorded by"),
    "paid_entry_id": N_("Entry"),
    "paper_fen": N_("Paper vouchers"),
    "period_first_on": N_("From"),
    "period_last_on": N_("To, included"),
    "statement_id": N_("Settlement statement"),
    "statement_no": N_("Statement number"),
}
SETTLEMENT_STATES: Mapping[str, str] = {
    "LineKind.borne": N_("Borne by this merchant"),
    "LineKind.cash": N_("Cash kept by stores"),
    "LineKind.interest": N_("Interest on returned cards"),
    "LineKind.other": N_("Other"),
    "LineKind.payment": N_("Payment"),
    "LineKind.redemption": N_("Redemption"),
    "LineKind.refund": N_("Refund"),
    "LineKind.reversal": N_("Reversal"),
    "LineKind.sales_netted": N_("Voucher sales netted"),
    "StatementStatus.collecting": N_("Being drawn up"),
    "StatementStatus.draft": N_("Waiting for the merchant"),
    "StatementStatus.disputed": N_("Disputed"),
    "StatementStatus.confirmed": N_("Confirmed by the merchant"),
    "StatementStatus.approved": N_("Approved, to be paid"),
    "StatementStatus.paid": N_("Paid out"),
    "StatementStatus.carried": N_("Carried forward"),
}
SETTLEMENT_ACTIONS: Mapping[str, str] = {
    "account_code.changed": N_("Account code changed"),
    "statement.answered": N_("Disputes of a statement answered"),
    "statement.approved": N_("Statement approved"),
    "report.delivered": N_("Saved report made by the clock"),
    "statement.deemed": N_("Statement counts as confirmed"),
    "statement.carried": N_("Statement carried forward"),
    "statement.confirmed": N_("Statement confirmed"),
    "statement.disputed": N_("Statement disputed"),
    "statement.drawn_up": N_("Statement drawn up"),
    "statement.settled": N_("Payout recorded"),
}
SETTLEMENT_TASKS: Mapping[str, str] = {
    "deliver_reports": N_("Make and deliver saved reports"),
    "deem_statements": N_("Take silence about statements for consent"),
    "close_periods": N_("Draw up the statements that somebody asked for"),
    "close_statements": N_("Draw up the statements whose period is over"),
}
