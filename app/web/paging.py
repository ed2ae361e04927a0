"""Lists by cursor: the next page begins after the last row of this one, however deep it is."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from marshmallow import Schema, fields, validate

from app.core.errors import N_, Category, DomainError


class CursorInvalid(DomainError):
    code = "cursor_invalid"
    category = Category.MALFORMED
    template = N_("This cursor is not one of ours. Please begin with the first page.")


class PageArguments(Schema):
    cursor = fields.String(load_default=None, validate=validate.Length(max=400))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))


def write_cursor(*values: int) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


def read_cursor(cursor: str | None, length: int) -> tuple[int, ...] | None:
    """The numbers in a cursor of ours; None for the first page.

    Raises:
        CursorInvalid
    """
    if not cursor:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, binascii.Error):
        raise CursorInvalid from None
    sane = isinstance(values, list) and len(values) == length
    if not sane or any(type(v) is not int or abs(v) >= 2**62 for v in values):
        raise CursorInvalid
    return tuple(values)


def page(items: Sequence[Any], next_cursor: str | None) -> dict[str, Any]:
    return {"items": list(items), "next_cursor": next_cursor}
