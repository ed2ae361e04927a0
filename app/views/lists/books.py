"""The lists of the books: entries, postings and the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext

from app.core.errors import N_
from app.models.ledger import JournalEntry, Posting
from app.models.plumbing import AuditRecord
from app.queries.lookups import find_records, read_wanted
from app.queries.narrowing import Narrowing
from app.views.cells import Cell
from app.views.records import Records

# What a number on paper is in an entry's key.
_KEYS = {"payment": "payment", "refund": "refund", "top_up": "top-up", "gift": "gift",
         "card": "card", "redemption": "redemption"}  # fmt: skip


class Entries(Records):
    route_base = "/console/entries"
    datamodel = SQLAInterface(JournalEntry)
    title_text = N_("Journal entries")
    explanation = N_("The books' events. None is ever edited; one may reverse another.")
    list_columns = ["id", "occurred_at", "kind", "reference", "reverses_id", "reason"]
    show_columns = ["reference", "id", "kind", "occurred_at", "reverses_id", "reason"]
    when = "occurred_at"
    filter_columns = ("kind", "merchant_id", "store_id")
    search_in = ("reference",)

    def narrowing(self, arguments: Mapping[str, str]) -> Narrowing:
        """By the number on somebody's paper, as the list shows it, or by an entry's own key."""
        asked = super().narrowing(arguments)
        if not asked.typed:
            return asked
        wanted = read_wanted(asked.typed, phone_digest=lambda _: b"")
        hits = find_records(self.datamodel.session, wanted=wanted, kinds=_KEYS)
        if len(hits) != 1:
            return asked
        key = f"{_KEYS[hits[0].kind]}:{hits[0].id}"
        if hits[0].kind == "redemption":  # Its key ends there, and another one's begins like it.
            return replace(asked, typed="", equal=(*asked.equal, ("reference", key)))
        return replace(asked, typed=f"{key}:")

    def more_facts(self, row: Any) -> Sequence[tuple[str, Cell]]:
        """The reference itself, which is what the search finds."""
        return [(gettext("Name in the books"), Cell(row.reference, "code"))]

    def related(self, row: Any) -> Any:
        columns = ("account", "amount_fen", "merchant_id", "store_id", "card_id", "batch_id")
        return [(gettext("Postings"),
                 *self.related_rows(Posting, Posting.entry_id == row.id, columns))]  # fmt: skip


class Postings(Records):
    route_base = "/console/postings"
    datamodel = SQLAInterface(Posting)
    title_text = N_("Postings")
    explanation = N_("Debits are positive, credits negative; an entry's postings sum to zero.")
    list_columns = ["id", "occurred_at", "entry_id", "account", "merchant_id", "store_id",
                    "amount_fen"]  # fmt: skip
    show_columns = ["id", "entry_id", "account", "amount_fen", "merchant_id", "store_id",
                    "card_id", "payment_id", "refund_id", "top_up_id", "gift_id", "batch_id",
                    "occurred_at"]  # fmt: skip
    when = "occurred_at"
    filter_columns = ("account", "merchant_id", "store_id", "batch_id")
    sums = ("amount_fen",)


class AuditLog(Records):
    route_base = "/console/audit"
    datamodel = SQLAInterface(AuditRecord)
    title_text = N_("Audit log")
    explanation = N_("Who did what, and when. Nobody can change it.")
    list_columns = ["id", "occurred_at", "action", "staff_id", "member_id", "merchant_id",
                    "store_id", "subject_id", "detail"]  # fmt: skip
    show_columns = ["id", "occurred_at", "action", "staff_id", "member_id", "merchant_id",
                    "store_id", "subject_id", "detail"]  # fmt: skip
    when = "occurred_at"
    filter_columns = ("action", "merchant_id", "store_id", "staff_id")
