"""What may be chosen in a form or a list's filter: few rows are a list, many are found by typing.

Whatever comes back is looked up in the reader's own scope: what is chosen need not have been
shown. What was typed and not chosen (no script, or in haste) is looked up, too; it must be one
row's name or number, else what fits is offered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import url_for
from flask_babel import gettext
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.core.errors import N_
from app.models.base import OPERATOR_ID
from app.models.cards import CardProgram
from app.models.people import Staff
from app.models.statements import Statement
from app.models.tenants import Merchant, MerchantStatus, Store, Terminal
from app.models.voucher_records import VoucherHolding
from app.models.vouchers import BatchAcceptance, VoucherBatch
from app.queries.choices import Found, Part, find_choices, list_few, read_choices
from app.queries.named_ids import NAMED_IDS
from app.views.filters import Field, Finding, Option, words

FEW = 200  # More than these are found by typing.
MOST_FOUND = 20
TYPED, SAID = "-typed", "-said"  # Beside a field's own name: what was typed, and what it says.

_MERCHANTS = Part(model=Merchant, numbers=("code",))
_STORES = Part(model=Store, numbers=("code",))
_PROGRAMS = Part(model=CardProgram, numbers=("code",))
_STAFF = Part(model=Staff)
_BATCHES = Part(model=VoucherBatch, numbers=("batch_no",))
_TERMINALS = Part(model=Terminal)
_STATEMENTS = Part(model=Statement, name=lambda row: row.statement_no)


@dataclass(frozen=True, kw_only=True)
class Choosing:
    """From what is chosen: rows as their reader sees them, and a few values that no row stands for.

    ``url`` answers what somebody types (views/choices), by the same rows.
    """

    url: str
    parts: Sequence[Part]
    fixed: Sequence[Option] = ()
    fixed_first: bool = False

    def few(self, session: Session) -> list[Option] | None:
        """All of it as options; None when that would be too many for a page."""
        found = list_few(session, self.parts, most=FEW)
        if found is None:
            return None
        rows = list(map(option, found))
        return [*self.fixed, *rows] if self.fixed_first else [*rows, *self.fixed]

    @property
    def sounds(self) -> bool:
        """Whether pinyin finds them, too."""
        return any(part.model in (Merchant, Store) for part in self.parts)

    def find(self, session: Session, typed: str) -> list[Found]:
        return list(find_choices(session, self.parts, typed=typed, limit=MOST_FOUND))

    def fixed_like(self, typed: str) -> list[Option]:
        return [one for one in self.fixed if typed.lower() in one.label.lower()]

    def read(self, session: Session, values: Collection[str]) -> dict[str, str]:
        """What the chosen values are called. Those that the reader may not choose are left out."""
        known = {one.value: one.label for one in self.fixed if one.value in values}
        return known | {
            one.value: option(one).label for one in read_choices(session, self.parts, values)
        }

    def look_up(self, session: Session, typed: str) -> tuple[Option | None, Sequence[Option]]:
        """The one that is called or numbered like this, or else all that fit."""
        called = [one for one in self.fixed if one.label == typed]
        found = self.find(session, typed)
        exact = called + [option(one) for one in found if one.exact]
        if len(exact) == 1:
            return exact[0], ()
        return None, [*self.fixed_like(typed), *(option(one, whole=True) for one in found)]


def option(found: Found, *, whole: bool = False) -> Option:
    """As it is called here; ``whole`` with what tells it from others of its name."""
    label = gettext(found.part.said) % {"name": found.name} if found.part.said else found.name
    beside = about(found) if whole else ""
    return Option(found.value, f"{label} · {beside}" if beside else label)


def about(found: Found) -> str:
    return " · ".join(filter(None, (found.number, found.place)))


def problem_of(typed: str, hits: Sequence[Option]) -> str:
    """What to do when what was typed is nobody's name."""
    if hits:
        said = gettext("Please choose which one you mean by “%(typed)s”.")
    else:
        said = gettext(
            "Nothing is called “%(typed)s”. Type part of the name or the number and choose."
        )
    return said % {"typed": typed}


def merchants() -> Choosing:
    """All merchants, the platform among them."""
    return Choosing(url=url_for("Choices.merchants"), parts=[_MERCHANTS])


def businesses() -> Choosing:
    """All merchants but the platform."""
    return Choosing(
        url=url_for("Choices.businesses"), parts=[_narrowed(_MERCHANTS, Merchant.id != OPERATOR_ID)]
    )


def issuers() -> Choosing:
    """Who may issue cards: the platform, and whom it allows."""
    allowed = _narrowed(_MERCHANTS, Merchant.own_programs, Merchant.id != OPERATOR_ID)
    return Choosing(
        url=url_for("Choices.issuers"), parts=[allowed], fixed=[_platform()], fixed_first=True
    )


def employers(only: int | None = None) -> Choosing:
    """Whose staff somebody may be: the platform's, or a merchant's; one of them, when named."""
    if only == OPERATOR_ID:
        return Choosing(url="", parts=(), fixed=[_platform()])
    url, other = url_for("Choices.employers"), Merchant.id != OPERATOR_ID
    if only is not None:
        return Choosing(url=url, parts=[_narrowed(_MERCHANTS, other, Merchant.id == only)])
    parts = [_narrowed(_MERCHANTS, other)]
    return Choosing(url=url, parts=parts, fixed=[_platform()], fixed_first=True)


def writers() -> Choosing:
    """Merchants that trade, for which the platform may write."""
    trading = Merchant.status == MerchantStatus.active
    merchants = _narrowed(_MERCHANTS, Merchant.id != OPERATOR_ID, trading)
    return Choosing(url=url_for("Choices.writers"), parts=[merchants])


def own_issuer(merchant_id: int) -> Choosing:
    """A merchant issues its own cards only."""
    return Choosing(url="", parts=[_narrowed(_MERCHANTS, Merchant.id == merchant_id)])


def stores(merchant_id: int | None = None) -> Choosing:
    return Choosing(
        url=url_for("Choices.stores", merchant=merchant_id), parts=[_of(_STORES, merchant_id)]
    )


def programs(merchant_id: int | None = None) -> Choosing:
    """Card programs; of one issuer, when it is named."""
    return Choosing(
        url=url_for("Choices.programs", merchant=merchant_id), parts=[_of(_PROGRAMS, merchant_id)]
    )


def staff() -> Choosing:
    return Choosing(url=url_for("Choices.staff"), parts=[_STAFF])


def batches() -> Choosing:
    return Choosing(url=url_for("Choices.batches"), parts=[_BATCHES])


def statements() -> Choosing:
    return Choosing(url=url_for("Choices.statements"), parts=[_STATEMENTS])


def terminals() -> Choosing:
    return Choosing(url=url_for("Choices.terminals"), parts=[_TERMINALS])


def acceptors() -> Choosing:
    """Who redeems a batch: merchants with all their stores (``m7``), single stores (``s12``)."""
    all_stores = N_("All stores of %(name)s")
    return Choosing(
        url=url_for("Choices.acceptors"),
        parts=[
            _marked(_MERCHANTS, "m", Merchant.id != OPERATOR_ID, said=all_stores),
            _marked(_STORES, "s"),
        ],
    )


def holders() -> Choosing:
    """Offices and stores of merchants that have paper in hand."""
    held = select(VoucherHolding.merchant_id).where(VoucherHolding.merchant_id != OPERATOR_ID)
    return Choosing(
        url=url_for("Choices.holders"),
        parts=_hands(Merchant.id.in_(held), Store.merchant_id.in_(held)),
    )


def takers(batch: VoucherBatch) -> Choosing:
    """Into whose hands a batch's paper may be given by the platform."""
    accepted = select(BatchAcceptance.merchant_id).where(BatchAcceptance.batch_id == batch.id)
    return Choosing(
        url=url_for("Choices.takers", pk=batch.id),
        parts=_hands(
            *(
                (whose == batch.merchant_id) | whose.in_(accepted)
                for whose in (Merchant.id, Store.merchant_id)
            )
        ),
        fixed=[back_to_platform()],
    )


def own_takers(merchant_id: int) -> Choosing:
    """Into whose hands a merchant gives paper: its stores', or the platform's again."""
    mine = _marked(_STORES, "s", Store.merchant_id == merchant_id)
    return Choosing(url=url_for("Choices.own_takers"), parts=[mine], fixed=[back_to_platform()])


def back_to_platform() -> Option:
    return Option(f"m{OPERATOR_ID}", gettext("Back to the platform"))


def _platform() -> Option:
    return Option(str(OPERATOR_ID), gettext("Platform"))


_FILTERS: Mapping[Any, Callable[[], Choosing]] = {
    Merchant: merchants,
    Store: stores,
    Staff: staff,
    CardProgram: programs,
    VoucherBatch: batches,
    Statement: statements,
    Terminal: terminals,
}


def choosing_for(column: str) -> Choosing:
    """From what a list's filter chooses an id: ``choosing_for("holder_store_id")``."""
    return _FILTERS[NAMED_IDS[column][0]]()


def filter_field(
    session: Session,
    column: str,
    label: str,
    arguments: Mapping[str, str],
    *,
    chosen_from: Choosing | None = None,
) -> Field:
    """A filter for an id column, or for another choice that an address keeps, as it is set."""
    value, choosing = arguments.get(column, ""), chosen_from or choosing_for(column)
    typed = typed_only(column, arguments)
    options = None if typed else choosing.few(session)
    if options is not None:
        return Field(name=column, label=label, value=value, options=options)
    if typed:
        _, hits = choosing.look_up(session, typed)
        finding = Finding(
            url=choosing.url, sounds=choosing.sounds, shown=typed, hits=hits,
            problem=problem_of(typed, hits),
        )  # fmt: skip
        return Field(name=column, label=label, value="", finding=finding)
    shown = choosing.read(session, [value]).get(value, "") if value else ""
    finding = Finding(url=choosing.url, sounds=choosing.sounds, shown=shown)
    return Field(name=column, label=label, value=value, finding=finding)


def read_typed_filters(
    session: Session,
    columns: Collection[str],
    arguments: Mapping[str, str],
    *,
    chosen_from: Choosing | None = None,
) -> dict[str, str] | None:
    """The arguments with ids in the place of what was typed; None when nothing was to be changed.

    What fits nothing, or several, stays as it was typed: its field says so.
    """
    changed = False
    kept = {
        name: value
        for name, value in arguments.items()
        if not (name.endswith((TYPED, SAID)) and name.rpartition("-")[0] in columns)
    }
    for column in columns:
        if f"{column}{TYPED}" not in arguments:
            continue
        typed = typed_only(column, arguments)
        if not typed:  # What is shown is what was chosen; or the field was emptied.
            if not words(arguments, f"{column}{TYPED}"):
                kept.pop(column, None)
            changed = True
            continue
        changed = changed or column in arguments or f"{column}{SAID}" in arguments
        kept.pop(column, None)
        one, hits = (chosen_from or choosing_for(column)).look_up(session, typed)
        one = one or (hits[0] if len(hits) == 1 else None)
        if one is not None:
            kept[column], changed = one.value, True
        else:
            kept[f"{column}{TYPED}"] = typed
    return kept if changed else None


def typed_only(column: str, arguments: Mapping[str, str]) -> str:
    """What was typed without choosing; empty when the field says what was chosen."""
    typed = words(arguments, f"{column}{TYPED}")
    said = words(arguments, f"{column}{SAID}") if arguments.get(column) else ""
    return "" if typed == said else typed


def _narrowed(part: Part, *conditions: ColumnElement[bool], **more: str) -> Part:
    return replace(part, conditions=conditions, **more)


def _marked(part: Part, mark: str, *conditions: ColumnElement[bool], said: str = "") -> Part:
    return _narrowed(part, *conditions, mark=mark, said=said)


def _of(part: Part, merchant_id: int | None) -> Part:
    return part if merchant_id is None else _narrowed(part, part.model.merchant_id == merchant_id)


def _hands(offices: ColumnElement[bool], counters: ColumnElement[bool]) -> list[Part]:
    """Merchants' offices (``m7``) and stores (``s12``), in the platform's eyes."""
    return [
        _marked(_MERCHANTS, "m", offices, Merchant.id != OPERATOR_ID, said=N_("%(name)s, office")),
        _marked(_STORES, "s", counters),
    ]
