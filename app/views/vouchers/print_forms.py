"""What is typed for a print file: what stands on the paper, and how it is laid out."""

from __future__ import annotations

import re

from flask_babel import gettext
from wtforms.validators import ValidationError

from app.core.errors import N_
from app.documents.vouchers import DEFAULT_COLOUR
from app.models.print_files import CodePanel, PrintFormat, PrintLayout
from app.views.forms import Choice, ConsoleForm, Prose, Text, states_to_choose

_PHONE = re.compile(r"[0-9+\- ]*")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_BRIGHTEST = 0.55  # Above it, the white title on the colour is hard to read.


class DesignForm(ConsoleForm):
    """What is printed beside the batch's own conditions."""

    title = Text(N_("Title"), needed=False, longest=40, description=N_("Else the batch's name."))
    support_phone = Text(
        N_("Support telephone"),
        needed=False,
        longest=30,
    )
    colour = Text(
        N_("Colour"),
        longest=7,
        default=DEFAULT_COLOUR,
        render_kw={"type": "color"},
        description=N_("The title stands on it in white: choose a dark one."),
    )
    terms = Prose(
        N_("Terms of use"),
        needed=False,
        longest=600,
        description=N_("For the back of a card; about nine lines of forty characters fit."),
        render_kw={"rows": 6},
    )

    def validate_support_phone(self, field: Text) -> None:
        if not _PHONE.fullmatch(field.data or ""):
            raise ValidationError(gettext("Digits, spaces and dashes only."))

    def validate_colour(self, field: Text) -> None:
        if not _COLOUR.fullmatch(field.data):
            raise ValidationError(gettext("A colour such as #0b6e5b."))
        if _brightness(field.data) > _BRIGHTEST:
            raise ValidationError(
                gettext("White letters cannot be read on it. Choose a darker one.")
            )


class AskForm(ConsoleForm):
    """Which print file is wanted."""

    refusals_at = {"too_many_for_format": "format"}

    format = Choice(N_("Format"))
    layout = Choice(N_("Layout"), description=N_("For PDF only."))
    panel = Choice(
        N_("Code"),
        description=N_("Under a panel, no QR code is printed: it would give the code away."),
    )

    def offer_all(self) -> None:
        self.format.offer(states_to_choose(PrintFormat))
        self.layout.offer(states_to_choose(PrintLayout))
        self.panel.offer(states_to_choose(CodePanel))


def _brightness(colour: str) -> float:
    """How bright a colour looks, from 0 to 1."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue
