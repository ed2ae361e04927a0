"""Templates of notices: which of WeChat's message templates each kind uses, and with what.

WeChat gives every template fields of its own (``thing1``, ``amount3``); the operator says which of
our words goes into which. Each kind of field has a longest length at WeChat.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

KINDS = ("paid", "topped_up", "gift_claimed", "gift_returned", "refunded", "expiring")
WORDS = ("title", "amount", "time", "place", "number", "note")
_FIELD = re.compile(r"([a-z_]+)\d{1,2}")
_LONGEST = {"thing": 20, "character_string": 32, "phrase": 5, "name": 10}


class TemplatesInvalid(Exception):
    """The text is one line for the operator."""


@dataclass(frozen=True, kw_only=True)
class NoticeTemplate:
    """``fields``: WeChat's field to our word."""

    template_id: str
    fields: Mapping[str, str]

    def fill(self, words: Mapping[str, str]) -> dict[str, str]:
        """What WeChat gets. It refuses a value that is empty or too long."""
        return {field: _cut(field, words[word]) for field, word in self.fields.items()}


# The simulator takes any template.
DEMO_TEMPLATES: Mapping[str, NoticeTemplate] = {
    kind: NoticeTemplate(
        template_id=f"demo-template-{kind.replace('_', '-')}",
        fields={"thing1": "title", "amount2": "amount", "time3": "time", "thing4": "note"},
    )
    for kind in KINDS
}

# The official account's have ids of their own: the simulator knows these and no others.
DEMO_ACCOUNT_TEMPLATES: Mapping[str, NoticeTemplate] = {
    kind: NoticeTemplate(
        template_id=f"demo-account-template-{kind.replace('_', '-')}", fields=template.fields
    )
    for kind, template in DEMO_TEMPLATES.items()
}


@dataclass(frozen=True, kw_only=True)
class TellingAccount:
    """The official account, and of what its template messages (模板消息) tell its followers."""

    appid: str
    kinds: tuple[str, ...]


def read_templates(text: str) -> dict[str, NoticeTemplate]:
    """The operator's file: ``{"paid": {"id": "…", "fields": {"thing1": "title"}}, …}``.

    Raises:
        TemplatesInvalid
    """
    try:
        told = json.loads(text)
    except ValueError:
        raise TemplatesInvalid("the notice templates are no JSON") from None
    if not isinstance(told, dict) or not set(told) <= set(KINDS):
        raise TemplatesInvalid(f"notice templates are of the kinds {', '.join(KINDS)}")
    return {kind: _template(kind, one) for kind, one in told.items()}


def _template(kind: str, told: object) -> NoticeTemplate:
    fields = told.get("fields") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(told.get("id"), str) or not told["id"]:
        raise TemplatesInvalid(f"the notice template of {kind} needs WeChat's id")
    if not isinstance(fields, dict) or not fields:
        raise TemplatesInvalid(f"the notice template of {kind} needs fields")
    for field, word in fields.items():
        if not _FIELD.fullmatch(field) or word not in WORDS:
            raise TemplatesInvalid(
                f"the notice template of {kind} has the field {field}: {word!r};"
                f" our words are {', '.join(WORDS)}"
            )
    return NoticeTemplate(template_id=told["id"], fields=dict(fields))


def _cut(field: str, value: str) -> str:
    found = _FIELD.fullmatch(field)
    longest = _LONGEST.get(found[1] if found else "", 100)
    text = value or "-"
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
