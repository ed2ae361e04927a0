"""The lines of a card statement as a table: what happened, to which card, by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import g, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.queries.stored_value.card_statements import StatementLine
from app.views import roles
from app.views.cells import NOTHING, Cell, cell, column_name
from app.views.names import Names, cell_of, find_names

_DOCUMENTS = ("refund_id", "payment_id", "top_up_id", "gift_id")


def statement_table(
    session: Session, lines: Sequence[StatementLine], *, with_card: bool
) -> tuple[Sequence[str], Sequence[Sequence[Cell]]]:
    """Column names and rows. Documents are named and linked as far as the reader sees them."""
    names = find_names(session, lines, (*_DOCUMENTS, "card_id", "reference"))
    columns = ["occurred_at", "kind", *(["card_id"] if with_card else [])]
    heads = [*(column_name(c) for c in columns), gettext("Document"), gettext("Amount"),
             gettext("Balance after")]  # fmt: skip
    return heads, [_row(line, columns, names) for line in lines]


def _row(line: StatementLine, columns: Sequence[str], names: Names) -> Sequence[Cell]:
    sign = "+" if line.amount_fen > 0 else ""
    amount = cell("amount_fen", line.amount_fen)
    return [
        *(cell_of(line, column, names) for column in columns),
        _document(line, names),
        Cell(sign + amount.text, "money", "good" if line.amount_fen > 0 else ""),
        cell("balance_fen", line.balance_after_fen),
    ]


def _document(line: StatementLine, names: Names) -> Cell:
    """The most telling number of an event: its document's, else its journal entry's."""
    for column in _DOCUMENTS:
        if getattr(line, column) is None:
            continue
        found: Any = cell_of(line, column, names)
        if found.kind == "name":
            return Cell(found.text, "code", url=found.url)
    if line.reason:
        return Cell(line.reason, "text")
    if roles.allows(g.actor.role, "can_show", "Entries"):
        told = names.get(str, {}).get(line.reference) or Cell(line.reference, "code")
        return replace(told, url=url_for("Entries.show", pk=line.entry_id))
    return Cell(NOTHING, "empty")
