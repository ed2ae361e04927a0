"""What is wrong with a field, in the reader's language.

marshmallow's messages come filled in, in English. Those with a number or a list in them are
recognised by their shape; every other one is its own key in the catalogue.
"""

from __future__ import annotations

import re

from flask_babel import gettext

from app.core.errors import N_

# Marked here for the catalogue; marshmallow says them.
PLAIN = frozenset(
    {
        N_("Missing data for required field."),
        N_("Field may not be null."),
        N_("Invalid value."),
        N_("Invalid type."),
        N_("Invalid input type."),
        N_("Unknown field."),
        N_("Not a valid string."),
        N_("Not a valid utf-8 string."),
        N_("Not a valid integer."),
        N_("Not a valid number."),
        N_("Number too large."),
        N_("Special numeric values (nan or infinity) are not permitted."),
        N_("Not a valid boolean."),
        N_("Not a valid URL."),
        N_("Not a valid list."),
        N_("Not a valid mapping type."),
        N_("Not a valid date."),
        N_("Not a valid datetime."),
        N_("String does not match expected pattern."),
    }
)
SHAPED = (
    (
        re.compile(
            r"Must be greater than or equal to (?P<min>\S+)"
            r" and less than or equal to (?P<max>\S+)\."
        ),
        N_("Must be from %(min)s to %(max)s."),
    ),
    (
        re.compile(r"Must be greater than or equal to (?P<min>\S+)\."),
        N_("Must be at least %(min)s."),
    ),
    (
        re.compile(r"Must be less than or equal to (?P<max>\S+)\."),
        N_("Must be at most %(max)s."),
    ),
    (
        re.compile(r"Length must be between (?P<min>\d+) and (?P<max>\d+)\."),
        N_("Must be %(min)s to %(max)s characters long."),
    ),
    (
        re.compile(r"Shorter than minimum length (?P<min>\d+)\."),
        N_("Must be at least %(min)s characters long."),
    ),
    (
        re.compile(r"Longer than maximum length (?P<max>\d+)\."),
        N_("Must be at most %(max)s characters long."),
    ),
    (re.compile(r"Must be one of: (?P<choices>.+)\."), N_("Must be one of: %(choices)s.")),
)


def translate_errors(errors: object) -> object:
    """The same errors, under the same names of fields, with their sentences translated."""
    if isinstance(errors, dict):
        return {name: translate_errors(found) for name, found in errors.items()}
    if isinstance(errors, list):
        return [translate_errors(found) for found in errors]
    return _translate(errors) if isinstance(errors, str) and errors else errors


def _translate(message: str) -> str:
    for shape, template in SHAPED:
        if found := shape.fullmatch(message):
            return gettext(template) % found.groupdict()
    return gettext(message)
