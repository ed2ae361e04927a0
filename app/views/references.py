"""What an entry's reference (``payment:17:ended``) calls its event, as people know that record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import g, url_for
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.errors import N_
from app.models.cards import Card, Lot
from app.models.decisions import CardAdjustment
from app.models.reconciliations import Reconciliation
from app.models.statements import Statement
from app.queries.event_numbers import NUMBERED
from app.views import roles
from app.views.cells import Cell


@dataclass(frozen=True)
class _Subject:
    """A kind of record that entries are about: by what it is found, what it is called, its page."""

    word: str
    key: Any = None
    name: Any = None
    pk: Any = None
    view: str = ""


def _numbered(word: str, subject: str, view: str) -> _Subject:
    """One whose id stands in the reference."""
    model, name = NUMBERED[subject]
    return _Subject(word, key=model.id, name=name(model), pk=model.id, view=view)


def _by_name(word: str, name: Any, view: str) -> _Subject:
    """One whose name stands in the reference itself."""
    return _Subject(word, key=name, name=name, pk=name.class_.id, view=view)


_SUBJECTS: Mapping[str, _Subject] = {
    "payment": _numbered(N_("Payment"), "payment", "Payments"),
    "refund": _numbered(N_("Refund"), "refund", "Refunds"),
    "top-up": _numbered(N_("Top-up"), "top-up", "TopUps"),
    "gift": _numbered(N_("Gift"), "gift", "Gifts"),
    "redemption": _numbered(N_("Redemption"), "redemption", "Redemptions"),
    "voucher": _numbered(N_("Voucher"), "voucher", "Vouchers"),
    "batch": _numbered(N_("Batch"), "batch", "Batches"),
    "card": _numbered(N_("Card"), "card", "Cards"),
    "lot": _Subject(N_("Card"), key=Lot.id, name=Card.card_no, pk=Card.id, view="Cards"),
    "member": _numbered(N_("Member"), "member", "Members"),
    "card-adjustment": _by_name(N_("Adjustment"), CardAdjustment.adjustment_no, "Adjustments"),
    "statement": _by_name(N_("Settlement statement"), Statement.statement_no, "Statements"),
    "reconciliation": _numbered(N_("Difference"), "reconciliation", "Differences"),
    "wechat-fee": _by_name(N_("WeChat's fee"), Reconciliation.bill_on, "Reconciliations"),
    "wechat-transfer": _Subject(N_("WeChat's transfer")),
    "voucher-sale": _Subject(N_("Sale of paper")),
    "voucher-settlement": _Subject(N_("Money for paper")),
}


def tell_references(session: Session, references: Iterable[str]) -> Mapping[str, Cell]:
    """Each reference with its record's name, and its page where the reader may open it.

    What is of no known kind is left out; what the reader does not see keeps the number it has.
    """
    parts = {one: found for one in references if (found := _parts(one)) is not None}
    wanted: dict[str, set[str]] = {}
    for subject, number in parts.values():
        if _SUBJECTS[subject].key is not None:
            wanted.setdefault(subject, set()).add(number)
    found = {subject: _find(session, _SUBJECTS[subject], numbers)
             for subject, numbers in wanted.items()}  # fmt: skip
    return {one: _told(subject, number, found.get(subject, {}).get(number))
            for one, (subject, number) in parts.items()}  # fmt: skip


def name_of_number(number: str) -> str:
    """An order's number as it is; a day's fee, which has none, in words."""
    subject, _, rest = number.partition(":")
    return f"{gettext(_SUBJECTS[subject].word)} {rest}" if subject in _SUBJECTS else number


def record_page(view: str, pk: int) -> str | None:
    """The address of a record's page, if the reader may open it."""
    allowed = roles.allows(g.actor.role, "can_show", view)
    return url_for(f"{view}.show", pk=pk) if allowed else None


def _parts(reference: str) -> tuple[str, str] | None:
    subject, _, rest = reference.partition(":")
    number = rest.partition(":")[0]
    if subject not in _SUBJECTS or not number:
        return None
    return subject, number


def _find(
    session: Session, subject: _Subject, numbers: Iterable[str]
) -> Mapping[str, tuple[int, str]]:
    as_key = _KEY_TYPES[subject.key.type.python_type]
    keys = [key for number in numbers if (key := as_key(number)) is not None]
    query = select(subject.key, subject.pk, subject.name).where(subject.key.in_(keys))
    if subject.key is Lot.id:
        query = query.join_from(Lot, Card, Card.id == Lot.card_id)
    return {str(key): (pk, str(name)) for key, pk, name in session.execute(query)}


def _as_day(number: str) -> date | None:
    try:
        return date.fromisoformat(number)
    except ValueError:
        return None


def _as_id(number: str) -> int | None:
    return int(number) if number.isdecimal() else None


_KEY_TYPES: Mapping[type, Any] = {int: _as_id, date: _as_day, str: str}


def _told(subject: str, number: str, found: tuple[int, str] | None) -> Cell:
    word = gettext(_SUBJECTS[subject].word)
    if found is None:
        return Cell(f"{word} {number}", "name")
    pk, name = found
    return Cell(f"{word} {name}", "name", url=record_page(_SUBJECTS[subject].view, pk))
