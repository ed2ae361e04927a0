"""What a list is narrowed to: a period of local days, states, places, people, or a number."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import gettext

from app.core.clock import end_of_day, is_within_reach, start_of_day
from app.core.errors import N_
from app.views.cells import WORDS, column_name, state_name

PERIODS: Mapping[str, str] = {
    "today": N_("Today"),
    "yesterday": N_("Yesterday"),
    "month": N_("This month"),
    "last_month": N_("Last month"),
}
YES_NO: Mapping[str, str] = {"yes": N_("Yes"), "no": N_("No")}
_TENDERS: Mapping[str, str] = {
    "card": N_("Card only"),
    "wechat": N_("WeChat Pay only"),
    "combined": N_("Card and WeChat Pay"),
}
_HAPPENED: Mapping[str, str] = {"reversed_at": N_("Reversed")}
_LONGEST = 80


@dataclass(frozen=True)
class Period:
    """Local days, both included; open at either end when that is None."""

    first: date | None = None
    last: date | None = None

    @property
    def since(self) -> datetime | None:
        return None if self.first is None else start_of_day(self.first)

    @property
    def until(self) -> datetime | None:
        """The first instant after the period."""
        return None if self.last is None else end_of_day(self.last)


@dataclass(frozen=True)
class Option:
    value: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A field that finds by typing: where its script asks, and what stands in it.

    ``hits`` are what fits what was typed when that alone does not say which one is meant.
    """

    url: str
    sounds: bool = False  # Pinyin finds it, too.
    shown: str = ""
    problem: str = ""
    hits: Sequence[Option] = ()


@dataclass(frozen=True, kw_only=True)
class Field:
    """A filter as the form shows it: ``options`` to choose from, or one found by typing."""

    name: str
    label: str
    value: str
    options: Sequence[Option] = ()
    finding: Finding | None = None

    @property
    def is_choice(self) -> bool:
        """A merchant has itself to choose from: that is no choice."""
        return len(self.options) > 1 or bool(self.value) or self.finding is not None

    @property
    def in_doubt(self) -> bool:
        """Something was typed that does not say which one is meant."""
        return self.finding is not None and bool(self.finding.problem)

    @property
    def shown(self) -> str:
        """What the value is called."""
        if self.finding is not None and self.finding.shown and not self.finding.problem:
            return self.finding.shown
        return next((o.label for o in self.options if o.value == self.value), self.value)


@dataclass(frozen=True)
class Chip:
    """A filter that is on, to read and to take away again: ``names`` are its parameters."""

    label: str
    names: tuple[str, ...]


def read_period(arguments: Mapping[str, str], *, today: date) -> Period:
    """The period asked for. A day that is none limits nothing; a reversed period is put right."""
    named = arguments.get("period", "")
    if named == "today":
        return Period(today, today)
    if named == "yesterday":
        return Period(today - timedelta(days=1), today - timedelta(days=1))
    if named == "month":
        return Period(today.replace(day=1), today)
    if named == "last_month":
        last = today.replace(day=1) - timedelta(days=1)
        return Period(last.replace(day=1), last)
    first, last = _day(arguments.get("from")), _day(arguments.get("to"))
    if first is not None and last is not None and last < first:
        first, last = last, first
    return Period(first, last)


def period_chip(arguments: Mapping[str, str], period: Period) -> Chip | None:
    named = arguments.get("period", "")
    if named in PERIODS:
        return Chip(gettext(PERIODS[named]), ("period",))
    if period == Period():
        return None
    first = period.first.isoformat() if period.first else ""
    last = period.last.isoformat() if period.last else ""
    return Chip(f"{first} – {last}", ("from", "to"))


def state_field(column: str, states: type[enum.Enum], arguments: Mapping[str, str]) -> Field:
    options = [Option(state.name, state_name(state)) for state in states]
    return Field(
        name=column,
        label=column_name(column),
        value=arguments.get(column, ""),
        options=options,
    )


def tender_field(arguments: Mapping[str, str]) -> Field:
    return _worded("tender", column_name("tender"), _TENDERS, arguments)


def flag_field(column: str, arguments: Mapping[str, str]) -> Field:
    """Whether it is so, or has happened."""
    label = gettext(_HAPPENED.get(column, "")) if column in _HAPPENED else column_name(column)
    return _worded(column, label, YES_NO, arguments)


def word_field(column: str, arguments: Mapping[str, str]) -> Field:
    return _worded(column, column_name(column), WORDS[column], arguments)


def _worded(name: str, label: str, words: Mapping[str, str], arguments: Mapping[str, str]) -> Field:
    options = [Option(value, gettext(word)) for value, word in words.items()]
    return Field(name=name, label=label, value=arguments.get(name, ""), options=options)


def rounded(rows: int) -> int:
    """An estimate shows one or two figures: more would claim to be counted."""
    step = 10 ** max(0, len(str(rows)) - 2)
    return round(rows / step) * step


def chosen(field: Field) -> Chip | None:
    """The chip of a field that narrows the list."""
    if not field.value:
        return None
    said = gettext("%(label)s: %(value)s", label=field.label, value=field.shown)
    return Chip(said, (field.name,))


def words(arguments: Mapping[str, str], name: str) -> str:
    """What was typed: one line, of a length that a number or a name has."""
    return " ".join(arguments.get(name, "").replace("\0", "").split())[:_LONGEST]


def number(text: str) -> int | None:
    """An id in an address, if it is one."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def _day(text: str | None) -> date | None:
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if is_within_reach(day) else None
