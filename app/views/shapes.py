"""Fields that several desks share: codes, user names, telephones."""

from __future__ import annotations

from typing import Any

from app.core.errors import N_
from app.core.passwords import MIN_LENGTH
from app.views.forms import Secret, Shape, Text

NEW_PASSWORD = N_(
    "Leave it empty and one is made. Whoever it is for changes it at the first sign-in."
)


class Code(Text):
    """A short name for programs and addresses, which never changes."""

    def __init__(self, label: str, **options: Any) -> None:
        shape = Shape(
            r"[a-z0-9][a-z0-9-]{1,31}",
            N_("2 to 32 small letters, digits and hyphens, such as laojie-01."),
        )
        super().__init__(label, longest=32, checks=[shape], **options)


class Username(Text):
    def __init__(self, label: str = N_("User name"), **options: Any) -> None:
        shape = Shape(
            r"[A-Za-z0-9][A-Za-z0-9_.-]{2,31}",
            N_("3 to 32 letters and digits, such as laojie.chen."),
        )
        given = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        super().__init__(label, longest=32, checks=[shape], render_kw=given, **options)


class Telephone(Text):
    def __init__(self, label: str = N_("Telephone"), **options: Any) -> None:
        shape = Shape(
            r"\+?[0-9][0-9 -]{4,18}",
            N_("Digits, such as 028-8661 2345 or 13800000000."),
        )
        super().__init__(
            label, longest=20, checks=[shape], render_kw={"inputmode": "tel"}, **options
        )


class FirstPassword(Secret):
    def __init__(self, label: str = N_("First password"), **options: Any) -> None:
        given = {"autocomplete": "new-password", "minlength": MIN_LENGTH}
        super().__init__(label, needed=False, description=NEW_PASSWORD, render_kw=given, **options)
