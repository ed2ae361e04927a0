"""Names for ids: one question a table and page, in the reader's own scope."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import g
from flask_babel import gettext
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.core.actor import Scope
from app.core.errors import N_
from app.models.base import OPERATOR_ID
from app.models.cards import Card, CardProgram
from app.models.decisions import CardAdjustment, CardReturn
from app.models.ledger import JournalEntry, Posting
from app.models.people import Member, Staff
from app.models.reconciliations import ReconciliationDifference
from app.models.sales import Payment, Refund, TopUp
from app.models.statements import Statement
from app.models.tenants import Merchant, PayPoint, Store, Terminal
from app.models.voucher_records import VoucherTask
from app.models.vouchers import Gift, Redemption, Voucher, VoucherBatch
from app.queries.named_ids import NAMED_IDS
from app.views.cells import Cell, cell
from app.views.references import name_of_number, record_page, tell_references


@dataclass(frozen=True)
class Target:
    """What an id column points to: its table, the name people know it by, and its page."""

    model: Any
    name: Callable[[], ColumnElement[Any]]
    view: str


_VIEW_OF = {
    Merchant: "Merchants",
    Store: "Stores",
    PayPoint: "PayPoints",
    Terminal: "Terminals",
    Staff: "People",
    Member: "Members",
    CardProgram: "Programs",
    Card: "Cards",
    TopUp: "TopUps",
    Payment: "Payments",
    Refund: "Refunds",
    VoucherBatch: "Batches",
    Voucher: "Vouchers",
    Gift: "Gifts",
    JournalEntry: "Entries",
    Statement: "Statements",
}
TARGETS: Mapping[str, Target] = {
    column: Target(model, partial(name, model), _VIEW_OF[model])
    for column, (model, name) in NAMED_IDS.items()
}
_VIEWS = {
    **_VIEW_OF,
    Posting: "Postings",
    Redemption: "Redemptions",
    CardAdjustment: "Adjustments",
    CardReturn: "CardReturns",
    VoucherTask: "VoucherTasks",
    ReconciliationDifference: "Differences",
}
# Whose people those are that a reader does not see: a number would tell nothing.
_ABOVE = {Scope.merchant: N_("Platform"), Scope.store: N_("Merchant or platform")}
Names = Mapping[Any, Mapping[Any, Any]]


def find_names(session: Session, rows: Sequence[Any], columns: Iterable[str]) -> Names:
    """The names of all ids in these columns, by table. What the reader may not see has none.

    Entries are called what their references tell; ``str`` stands for these.
    """
    columns = tuple(columns)
    wanted: dict[Any, tuple[Target, set[int]]] = {}
    for column in columns:
        if (target := TARGETS.get(column)) is None:
            continue
        ids = {found for row in rows if (found := getattr(row, column)) is not None}
        wanted.setdefault(target.model, (target, set()))[1].update(ids)
    names: dict[Any, dict[int, str]] = {}
    for model, (target, ids) in wanted.items():
        found_names = session.execute(select(model.id, target.name()).where(model.id.in_(ids)))
        names[model] = {row[0]: row[1] for row in found_names if row[1]} if ids else {}
    entries = names.get(JournalEntry, {}).values()
    own = [row.reference for row in rows if "reference" in columns and row.reference is not None]
    references = tell_references(session, [*entries, *own])
    return {**names, str: references} if references else names


def cell_of(row: Any, column: str, names: Names) -> Cell:
    """A row's value in that column, an id by the name that it stands for."""
    value = getattr(row, column)
    target = TARGETS.get(column)
    if column == "reference" and value in names.get(str, {}):
        return names[str][value]
    if column == "number" and isinstance(value, str) and ":" in value:
        return cell(column, value, name=name_of_number(value))
    if target is None or value is None:
        return cell(column, value)
    name = names.get(target.model, {}).get(value)
    if name is None and target.model is Merchant and value == OPERATOR_ID:
        return cell(column, value, name=gettext("Platform"))
    if name is None and target.model is Staff and g.actor.scope in _ABOVE:
        return cell(column, value, name=gettext(_ABOVE[g.actor.scope]))
    if name is None:
        return cell(column, value)
    if target.model is JournalEntry and name in names.get(str, {}):
        name = names[str][name].text
    return cell(column, value, name=name, url=record_page(target.view, value))


def page_of(row: Any) -> str | None:
    """The address of a row's own page, if it has one that the reader may open."""
    view = _VIEWS.get(type(row))
    return None if view is None else record_page(view, row.id)
