"""Typed reading of WeChat's JSON, which comes from outside and may hold anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime


class MalformedFields(Exception):
    """Not the JSON that WeChat documents. The text names the field, never its value."""


class Fields:
    """One JSON object; every read states the type that it expects."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields

    @classmethod
    def parse(cls, body: bytes) -> Fields:
        """Raises MalformedFields for whatever is not one JSON object in UTF-8."""
        try:
            parsed = json.loads(body.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise MalformedFields("not JSON") from error
        if not isinstance(parsed, dict):
            raise MalformedFields("not a JSON object")
        return cls(parsed)

    def text(self, name: str) -> str:
        value = self.text_or_none(name)
        if not value:
            raise MalformedFields(name)
        return value

    def text_or_none(self, name: str) -> str | None:
        value = self._fields.get(name)
        if value is not None and not isinstance(value, str):
            raise MalformedFields(name)
        if value is not None and not _is_storable(value):
            raise MalformedFields(name)
        return value

    def integer(self, name: str) -> int:
        value = self._fields.get(name)
        # In Python true is an int; an amount that is true is not one fen.
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 53:
            raise MalformedFields(name)
        return value

    def number_as_text(self, name: str) -> str:
        """A number that only names something, however long it is."""
        value = self._fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise MalformedFields(name)
        return str(value)

    def error_code(self) -> int:
        """WeChat's errcode, or errno where it uses that; 0 when all is well."""
        for name in ("errcode", "errno"):
            value = self._fields.get(name, 0)
            if not isinstance(value, int):
                raise MalformedFields(name)
            if value != 0:
                return value
        return 0

    def instant_or_none(self, name: str) -> datetime | None:
        value = self.text_or_none(name)
        if not value:
            return None
        try:
            instant = datetime.fromisoformat(value)
        except ValueError as error:
            raise MalformedFields(name) from error
        if instant.tzinfo is None or not 2000 <= instant.year < 9000:
            raise MalformedFields(name)
        return instant

    def object(self, name: str) -> Fields:
        value = self.object_or_none(name)
        if value is None:
            raise MalformedFields(name)
        return value

    def object_or_none(self, name: str) -> Fields | None:
        value = self._fields.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise MalformedFields(name)
        return Fields(value)


def _is_storable(value: str) -> bool:
    """PostgreSQL takes neither NUL nor half a surrogate pair; JSON can spell both."""
    return "\x00" not in value and not any("\ud800" <= char <= "\udfff" for char in value)
