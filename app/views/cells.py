"""How a value stands on a page: its column's name says what it is, as it does everywhere."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from flask import Flask
from flask_babel import get_locale, gettext

from app.core import money
from app.core.actor import Role
from app.core.clock import local
from app.views import labels, roles
from app.web.reasons import reason_text

NOTHING = "—"
_NAMES_OF_COLUMNS = {"changed", "when", "equal"}
WORDS = {
    "account": labels.ACCOUNTS,
    "action": labels.ACTIONS,
    "kind": labels.ENTRY_KINDS,
}


@dataclass(frozen=True)
class Cell:
    """``kind`` is its class in the stylesheet; ``tone`` colours a state's word."""

    text: str
    kind: str = "text"
    tone: str = ""
    url: str | None = None


def register_cells(app: Flask) -> None:
    app.jinja_env.filters["yuan"] = money.yuan
    app.jinja_env.filters["in_yuan"] = money.in_yuan
    app.jinja_env.filters["local_time"] = _when
    app.jinja_env.filters["roughly"] = roughly
    app.jinja_env.filters["account_name"] = lambda name: gettext(labels.ACCOUNTS.get(name, name))


def cell(column: str, value: object, *, name: str | None = None, url: str | None = None) -> Cell:
    """One value of a column. ``name`` and ``url`` belong to what an id in it points to."""
    if value is None or value == "":
        return Cell(NOTHING, "money empty" if column.endswith("_fen") else "empty")
    if name is not None:
        return Cell(name, "name", url=url)
    if isinstance(value, bool):
        return Cell(gettext("Yes") if value else gettext("No"), "word")
    if isinstance(value, enum.Enum):
        return _state(value)
    if isinstance(value, date | time):
        return Cell(_when(value), "when")
    if isinstance(value, int):
        return _number(column, value)
    if isinstance(value, Mapping):
        return Cell(_told(value), "detail")
    return _words(column, str(value))


def roughly(number: int) -> str:
    """A large number as people say it: 1,200 万 in Chinese, with all its noughts in English."""
    if number >= 10_000 and str(get_locale()).startswith("zh"):
        return f"{number // 10_000:,} 万"
    return f"{number:,}"


def state_name(value: enum.Enum) -> str:
    """A state in the reader's language."""
    if isinstance(value, Role):
        return gettext(roles.LABELS[value])
    known = labels.STATES.get(f"{type(value).__name__}.{value.name}")
    return gettext(known or labels.STATES[value.name])


def event_name(kind: str) -> str:
    """What happened to a voucher, by the name of the event."""
    states = labels.STATES
    return gettext(states.get(f"VoucherEventKind.{kind}") or states[kind])


def _words(column: str, text: str) -> Cell:
    """Text of a column: words of ours in the reader's language, and everything else as it is."""
    if column in WORDS:
        known = WORDS[column].get(text)
        return Cell(gettext(known) if known else text, "name")
    if column == "reason":
        return Cell(reason_text(text))
    return Cell(
        text, "code" if column.endswith(("_no", "_last4", "token", "reference")) else "text"
    )


def column_name(column: str) -> str:
    return gettext(labels.COLUMNS[column])


def _told(particulars: Mapping[str, object]) -> str:
    """An audited action's particulars, each with its name."""
    named = (
        (gettext(labels.COLUMNS.get(key) or labels.DETAILS.get(key) or key), _said(key, value))
        for key, value in particulars.items()
    )
    return gettext(", ").join(
        gettext("%(label)s: %(value)s", label=label, value=said) for label, said in named
    )


def _said(key: str, value: object) -> str:
    if isinstance(value, Mapping):
        return f"({_told(value)})"
    if isinstance(value, list | tuple):
        return " ".join(_said(key, each) for each in value) or NOTHING
    if isinstance(value, str) and key in _NAMES_OF_COLUMNS and value in labels.COLUMNS:
        return column_name(value)
    if isinstance(value, str) and key == "role" and value in Role.__members__:
        return gettext(roles.LABELS[Role[value]])
    return cell(key, value).text


def _when(value: date | time) -> str:
    if isinstance(value, datetime):
        return local(value).strftime("%Y-%m-%d %H:%M:%S")
    return value.strftime("%H:%M") if isinstance(value, time) else value.isoformat()


def _state(value: enum.Enum) -> Cell:
    if not type(value).__name__.endswith("Status"):
        return Cell(state_name(value), "word")
    if not labels.GOOD.isdisjoint({value.name, f"{type(value).__name__}.{value.name}"}):
        tone = "good"
    elif value.name in labels.WAITING:
        tone = "waiting"
    else:
        tone = "bad" if value.name in labels.BAD else "quiet"
    return Cell(state_name(value), "state", tone)


def _number(column: str, value: int) -> Cell:
    if column.endswith("_fen"):
        return Cell(money.yuan(value), "money")
    if column.endswith("_bp"):
        return Cell(f"{value / 100:.2f}%", "number")
    if column.endswith("id"):
        return Cell(str(value), "code")
    return Cell(f"{value:,}", "number")
