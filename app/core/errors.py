"""Refusals that a caller can act on. Faces render them; a broken assumption is an assert."""

from __future__ import annotations

import enum
from typing import ClassVar


def N_(message: str) -> str:  # noqa: N802 - the name that gettext's tools look for
    """Mark a text for translation without translating it here."""
    return message


class Category(enum.Enum):
    """What kind of refusal it is; the web face maps it to a status, the CLI to an exit code."""

    MALFORMED = 400
    UNAUTHENTICATED = 401
    FORBIDDEN = 403
    NOT_FOUND = 404
    CONFLICT = 409
    INVALID = 422
    TOO_MANY = 429
    FAR_END = 502
    UNAVAILABLE = 503


class DomainError(Exception):
    """A refusal with a stable code (the wire contract), a translatable sentence and its details.

    ``params`` fill the sentence; ``extra`` goes onto the wire beside it, for programs.
    """

    code: ClassVar[str]
    category: ClassVar[Category]
    template: ClassVar[str]

    def __init__(self, *, extra: dict[str, object] | None = None, **params: object) -> None:
        super().__init__(self.code)
        self.params = params
        self.extra = extra or {}
