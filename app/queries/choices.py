"""What a field may be set to, found by what somebody types of it: a name, a number, pinyin.

Everything is read in the reader's scope, so that another tenant's rows are found by nobody. A table
is looked through row by row: of ten thousand stores that takes a few milliseconds, and a part of a
Chinese name is shorter than what an index of trigrams could use.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from app.core import search_words
from app.models.people import Staff
from app.models.searching import SearchDocument
from app.models.tenants import Merchant, Store, Terminal
from app.queries.named_ids import Name

_EXACT, _NUMBER, _BEGINS, _CONTAINS, _BESIDE, _SOUNDS = range(6)
_LONGEST_ID = 18  # Digits.
_MOST_SILENT = 2_000  # So many names without a document are spelt, the newest ones.
_AT_STORES = (Staff, Terminal)


def _own_name(row: Any) -> ColumnElement[Any]:
    named: ColumnElement[Any] = row.name
    return named


@dataclass(frozen=True, kw_only=True)
class Part:
    """Rows of one table that may be chosen.

    ``mark`` stands before their ids where tables are mixed: ``m7`` is a merchant, ``s12`` a store.
    """

    model: Any
    name: Name = _own_name
    numbers: Sequence[str] = ()  # Columns that people read off a paper: a code, a batch's number.
    conditions: Sequence[ColumnElement[bool]] = ()
    mark: str = ""
    said: str = ""  # How a row is called here, with %(name)s; empty: by its name alone.


@dataclass(frozen=True, kw_only=True)
class Found:
    """A row that fits. ``exact``: it is called or numbered just like what was typed."""

    part: Part
    id: int
    name: str
    number: str
    place: str  # Whose it is: a merchant's name, for staff and terminals the store's, too.
    exact: bool = False

    @property
    def value(self) -> str:
        return f"{self.part.mark}{self.id}"


def list_few(session: Session, parts: Sequence[Part], *, most: int) -> list[Found] | None:
    """All that may be chosen; None when that is more than ``most``."""
    found: list[Found] = []
    for part in parts:
        query = _rows(part, literal(_CONTAINS)).order_by(part.model.id)
        found += _read(session, part, query.limit(most + 1 - len(found)))
        if len(found) > most:
            return None
    return found


def find_choices(
    session: Session, parts: Sequence[Part], *, typed: str, limit: int
) -> Sequence[Found]:
    """What fits what was typed, the likeliest first; without anything typed, the first ones."""
    words = search_words.normalise(typed)
    found: list[tuple[int, int, Found]] = []
    for place, part in enumerate(parts):
        rank = _rank(part, words) if words else literal(_CONTAINS)
        query = _rows(part, rank)
        if words:
            silent = _sounding_silent(session, part, words)
            query = query.where(or_(_fits(part, words), part.model.id.in_(silent)))
        rows = session.execute(query.order_by("rank", "name", part.model.id).limit(limit))
        found += [(row.rank, place, _found(part, row)) for row in rows]
    found.sort(key=lambda one: one[:2])
    return [one for _, _, one in found[:limit]]


def read_choices(
    session: Session, parts: Sequence[Part], values: Collection[str]
) -> Sequence[Found]:
    """Those of the chosen values that there are and that the reader may choose."""
    found: list[Found] = []
    for part in parts:
        ids = {pk for value in values if (pk := _id_of(part, value)) is not None}
        if ids:
            query = _rows(part, literal(_CONTAINS)).where(part.model.id.in_(ids))
            found += _read(session, part, query.order_by(part.model.id))
    return found


def _rows(part: Part, rank: ColumnElement[int]) -> Select[Any]:
    model = part.model
    query = select(
        model.id,
        func.coalesce(part.name(model), "").label("name"),
        func.concat_ws(" ", *(getattr(model, number) for number in part.numbers), "").label(
            "number"
        ),
        _place(part).label("place"),
        rank.label("rank"),
    ).where(*part.conditions)
    if model is not Merchant:
        query = query.outerjoin(Merchant, Merchant.id == model.merchant_id)
    if model in _AT_STORES:
        query = query.outerjoin(Store, Store.id == model.store_id)
    return query


def _place(part: Part) -> ColumnElement[str]:
    if part.model is Merchant:
        return literal("")
    if part.model in _AT_STORES:
        return func.concat_ws(" ", Merchant.name, Store.name)
    return func.coalesce(Merchant.name, "")


def _rank(part: Part, words: str) -> ColumnElement[int]:
    model, name = part.model, func.lower(part.name(part.model))
    exact = [func.lower(getattr(model, number)) == words for number in part.numbers]
    return case(
        (or_(name == words, *exact), _EXACT),
        *([(model.id == int(words), _NUMBER)] if _is_id(words) else []),
        (func.starts_with(name, words), _BEGINS),
        (func.strpos(name, words) > 0, _CONTAINS),
        (_has_all(part, words), _BESIDE),
        else_=_SOUNDS,
    )


def _fits(part: Part, words: str) -> ColumnElement[bool]:
    model = part.model
    ways: list[ColumnElement[bool]] = [_has_all(part, words)]
    if _is_id(words):
        ways.append(model.id == int(words))
    spoken = search_words.sound_query(words) if _is_spoken(part, words) else ""
    if spoken:
        # A store's document has the pinyin and the initials of its name and of its merchant's.
        whose = SearchDocument.merchant_id if model is Merchant else SearchDocument.subject_id
        sounding = SearchDocument.lexemes.op("@@")(cast(spoken, TSQUERY))
        ways.append(model.id.in_(select(whose).where(SearchDocument.kind == "store", sounding)))
    return or_(*ways)


def _is_spoken(part: Part, words: str) -> bool:
    """Whether it is letters, and of something whose name people spell."""
    return words.isascii() and not words.isdecimal() and part.model in (Merchant, Store)


def _sounding_silent(session: Session, part: Part, words: str) -> Sequence[int]:
    """Those that sound like it and have no document: closed stores, merchants that do not trade."""
    spoken = search_words.sound(words) if _is_spoken(part, words) else ""
    if len(spoken) < 2:
        return ()
    model = part.model
    whose = SearchDocument.merchant_id if model is Merchant else SearchDocument.subject_id
    indexed = select(SearchDocument.id).where(SearchDocument.kind == "store", whose == model.id)
    rows = session.execute(
        select(model.id, model.name)
        .where(*part.conditions, ~indexed.exists())
        .order_by(model.id.desc())
        .limit(_MOST_SILENT)
    )
    return [
        pk for pk, name in rows if search_words.sounds_like(search_words.normalise(name), spoken)
    ]


def _has_all(part: Part, words: str) -> ColumnElement[bool]:
    """Each word stands somewhere: in the name, a number, the city, or whose it is."""
    model = part.model
    texts = [part.name(model), *(getattr(model, number) for number in part.numbers)]
    if model is Store:
        texts.append(Store.city)
    text = func.lower(func.concat_ws(" ", *texts, _place(part)))
    first, *others = (func.strpos(text, word) > 0 for word in words.split())
    both: ColumnElement[bool] = first
    for other in others:
        both = both & other
    return both


def _read(session: Session, part: Part, query: Select[Any]) -> list[Found]:
    return [_found(part, row) for row in session.execute(query)]


def _found(part: Part, row: Any) -> Found:
    return Found(
        part=part,
        id=row.id,
        name=row.name or str(row.id),
        number=row.number.strip(),
        place=row.place,
        exact=row.rank == _EXACT,
    )


def _id_of(part: Part, value: str) -> int | None:
    bare = value.removeprefix(part.mark)
    return int(bare) if value.startswith(part.mark) and _is_id(bare) else None


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _LONGEST_ID
