"""What the particulars of audited actions are called on screen, beside what columns are called."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.errors import N_

DETAILS: Mapping[str, str] = {
    "accepted_by": N_("Accepted by"),
    "after": N_("Afterwards"),
    "after_bp": N_("Rate afterwards"),
    "allowed": N_("Allowed"),
    "amount": N_("Amount"),
    "asked_by": N_("Asked by"),
    "at": N_("At"),
    "before": N_("Before"),
    "before_bp": N_("Rate before"),
    "cards": N_("Cards"),
    "changed": N_("Changed"),
    "count": N_("Quantity"),
    "difference": N_("Difference"),
    "differences": N_("Differences"),
    "equal": N_("Chosen"),
    "first": N_("First serial number"),
    "format": N_("Format"),
    "hours": N_("Opening hours"),
    "how": N_("How"),
    "last": N_("Last serial number"),
    "lat": N_("Latitude"),
    "list": N_("List"),
    "lng": N_("Longitude"),
    "maker_id": N_("Asked by"),
    "merged_member_id": N_("Joined account"),
    "payout_fen": N_("Paid out"),
    "put_aside_fen": N_("Put aside"),
    "quantity": N_("Quantity"),
    "replaced_by": N_("Replaced by"),
    "restored_from": N_("From version"),
    "shift_required": N_("Only with an open shift"),
    "statement_no": N_("Statement number"),
    "task": N_("Task"),
    "terminal_required": N_("Only on enrolled terminals"),
    "until": N_("Until"),
    "version": N_("Version"),
    "when": N_("By time of"),
    "words": N_("Words"),
}
