"""What a list is narrowed to, as plain facts: a page, a total and a job narrow alike by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Date, DateTime, Select, and_, exists, or_

from app.core.clock import local_day
from app.models.ledger import Posting
from app.models.people import MemberMerchant

TENDERS = ("card", "wechat", "combined")
Choice = str | int | bool | None
# What a table may be narrowed to by rows beside it: the column that points to it, and theirs.
_BESIDE: Mapping[tuple[str, str], tuple[Any, Any]] = {
    ("journal_entry", "merchant_id"): (Posting.entry_id, Posting.merchant_id),
    ("journal_entry", "store_id"): (Posting.entry_id, Posting.store_id),
    ("member", "merchant_id"): (MemberMerchant.member_id, MemberMerchant.merchant_id),
}


@dataclass(frozen=True, kw_only=True)
class Narrowing:
    """A period of one instant column, chosen values, a tender, and the beginning of a number."""

    when: str | None = None
    since: datetime | None = None
    until: datetime | None = None  # The first instant after the period.
    equal: tuple[tuple[str, Choice], ...] = ()
    tender: str | None = None
    search_in: tuple[str, ...] = ()
    search_ends_in: tuple[str, ...] = ()  # Of these the end is enough, too.
    typed: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "when": self.when,
            "since": None if self.since is None else self.since.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
            "equal": [list(pair) for pair in self.equal],
            "tender": self.tender,
            "search_in": list(self.search_in),
            "search_ends_in": list(self.search_ends_in),
            "typed": self.typed,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Narrowing:
        return cls(
            when=kept["when"],
            since=None if kept["since"] is None else datetime.fromisoformat(kept["since"]),
            until=None if kept["until"] is None else datetime.fromisoformat(kept["until"]),
            equal=tuple((name, value) for name, value in kept["equal"]),
            tender=kept["tender"],
            search_in=tuple(kept["search_in"]),
            search_ends_in=tuple(kept["search_ends_in"]),
            typed=kept["typed"],
        )


def narrow(query: Select[Any], model: Any, narrowing: Narrowing) -> Select[Any]:
    """The query with these conditions. Whose rows they are is the wall's work, not theirs."""
    if narrowing.when is not None:
        column = getattr(model, narrowing.when)
        # A bill is of a day, not of an instant: both ends of a period are local midnights.
        bound = local_day if isinstance(column.type, Date) else _as_it_is
        if narrowing.since is not None:
            query = query.where(column >= bound(narrowing.since))
        if narrowing.until is not None:
            query = query.where(column < bound(narrowing.until))
    for name, value in narrowing.equal:
        query = query.where(_chosen_of(model, name, value))
    if narrowing.tender is not None:
        query = query.where(_paid_by(model, narrowing.tender))
    if narrowing.typed and narrowing.search_in:
        starts = (
            getattr(model, name).startswith(narrowing.typed, autoescape=True)
            for name in narrowing.search_in
        )
        ends = (
            getattr(model, name).endswith(narrowing.typed, autoescape=True)
            for name in narrowing.search_ends_in
        )
        query = query.where(or_(*starts, *ends))
    return query


def _chosen_of(model: Any, name: str, value: Choice) -> Any:
    """A column's value, or that of a row beside it: an entry is about whom its postings are."""
    beside = _BESIDE.get((model.__table__.name, name))
    if beside is None:
        return _chosen(getattr(model, name), value)
    key, column = beside
    return exists().where(key == model.id, column == value)


def _as_it_is(instant: datetime) -> datetime:
    return instant


def _chosen(column: Any, value: Choice) -> Any:
    """Of an instant it is asked whether there is one: reversed, or not."""
    if isinstance(column.type, DateTime):
        return column.is_not(None) if value else column.is_(None)
    if value is None:
        return column.is_(None)
    enum_class = getattr(column.type, "enum_class", None)
    return column == (enum_class[value] if enum_class is not None else value)


def _paid_by(model: Any, tender: str) -> Any:
    if tender == "card":
        return and_(model.card_fen > 0, model.wechat_fen == 0)
    if tender == "wechat":
        return and_(model.card_fen == 0, model.wechat_fen > 0)
    return and_(model.card_fen > 0, model.wechat_fen > 0)
