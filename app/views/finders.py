"""Form fields that choose rows: a list of few, and of many whatever is found by typing.

The view says from what: ``form.store_id.offer_from(session, choosing.stores())``. With the script
(static/js/choose.js) the field is a combobox. Without it what was typed is sent and looked up; when
several rows fit, the form comes back with these to choose from and with all else that was typed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy.orm import Session
from wtforms import SelectMultipleField
from wtforms.utils import unset_value
from wtforms.validators import StopValidation
from wtforms.widgets import CheckboxInput, ListWidget

from app.views.choosing import SAID, TYPED, Choosing, problem_of
from app.views.filters import Finding, Option
from app.views.filters import words as words_of
from app.views.forms import Choice

_PICKED = "-picked"  # One of several that fitted what was typed.
_LONGEST_LIST = 80  # Names typed at once into a field that takes several.
_MARKS = str.maketrans("；、\n", ";;;")


def ids_of(field: Any) -> list[int]:
    """The rows that were chosen, where one table is chosen from and nothing else."""
    return [int(one) for one in field.data or ()]


class _Finds:
    """What both fields have: where they look, and what came beside the value."""

    name: str
    session: Session
    choosing: Choosing
    many = False
    typed: str | None = None  # None: no such field was on the page.
    said = ""
    picked: Sequence[str] = ()
    hits: Sequence[Option] = ()
    refused = False  # What was typed says not which one is meant.

    def offer_from(self, session: Session, choosing: Choosing, *, none: str | None = None) -> None:
        """What may be chosen. ``none`` is the text of choosing nothing."""
        self.session, self.choosing = session, choosing
        few = choosing.few(session)
        self.many = few is None
        self.offer([(one.value, one.label) for one in few or ()], none=none)

    def offer(self, pairs: Sequence[tuple[str, str]], *, none: str | None = None) -> None:
        raise NotImplementedError

    def read_beside(self, formdata: Any) -> None:
        if formdata is None:
            return
        given: Mapping[str, str] = {
            kind: (formdata.getlist(f"{self.name}{kind}") or [""])[0] for kind in (TYPED, SAID)
        }
        self.typed = words_of(given, TYPED) if f"{self.name}{TYPED}" in formdata else None
        self.said = words_of(given, SAID)
        self.picked = [one for one in formdata.getlist(f"{self.name}{_PICKED}") if one]

    def draw(self, macro: str, chosen: Mapping[str, str], **told: Any) -> Markup:
        """By the template, where labels and buttons have their words."""
        template = current_app.jinja_env.get_template("console/_finders.html")
        finding = Finding(
            url=self.choosing.url,
            sounds=self.choosing.sounds,
            shown=(self.typed or "") if self.refused else "",
            hits=self.hits,
        )
        drawn: Markup = getattr(template.module, macro)(self, finding, chosen, told)
        return drawn

    def refuse_typed(self, typed: str, hits: Sequence[Option]) -> StopValidation:
        """Offer what fits, with all that was typed kept."""
        self.hits, self.many, self.refused = hits, True, True
        return StopValidation(problem_of(typed, hits))


class Finder(_Finds, Choice):  # type: ignore[misc]
    """One of them; ``data`` is its id as it stands in the form, ``m7`` where tables are mixed."""

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        self.read_beside(formdata)
        super().process(formdata, data, extra_filters)

    def process_data(self, value: Any) -> None:
        super().process_data("" if value is None else value)

    def offer(self, pairs: Any, *, none: str | None = None) -> None:
        Choice.offer(self, pairs, none=none)

    def pre_validate(self, _form: object) -> None:
        """Take what was chosen, picked or typed, if the reader may choose it."""
        if self.typed is not None:
            self.data = self._meant(self.typed)
        self.raw_data = [self.data or ""]  # What the validators, and a second sending, compare.
        if self.data and self.data not in self.choosing.read(self.session, [self.data]):
            self.data = ""
            raise StopValidation(gettext("Not a valid choice."))

    def widget(self, _field: object, **told: Any) -> Markup:
        if not self.many:
            return Choice.widget(self, **told)
        chosen = self.choosing.read(self.session, [self.data]) if self.data else {}
        return self.draw("one", chosen, **told)

    def _meant(self, typed: str) -> str:
        """What the box says was chosen is meant; anything else in it is looked up."""
        chosen = self.picked[0] if self.picked else self.data
        if not typed or (typed == self.said and chosen):
            return chosen if typed else ""
        self.data = ""
        one, hits = self.choosing.look_up(self.session, typed)
        if one is None:
            raise self.refuse_typed(typed, hits)
        return one.value


class Finders(_Finds, SelectMultipleField):  # type: ignore[misc]
    """Several of them: ticks, or chips of what was found; ``data`` is a list of their ids."""

    ticks = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(label, choices=[], **options)

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        self.read_beside(formdata)
        super().process(formdata, data, extra_filters)

    def process_data(self, value: Any) -> None:
        super().process_data(value or ())

    def process_formdata(self, typed: Sequence[str]) -> None:
        chosen = [one for one in [*typed, *self.picked] if one]
        super().process_formdata(list(dict.fromkeys(chosen)))

    def offer(self, pairs: Any, *, none: str | None = None) -> None:
        self.choices = list(pairs)

    def pre_validate(self, _form: object) -> None:
        """Keep what the reader may choose, and add what was typed and not chosen."""
        chosen = list(self.data or ())
        if not set(chosen) <= self.choosing.read(self.session, chosen).keys():
            raise StopValidation(gettext("Not a valid choice."))
        if self.typed and not (self.picked and self.typed == self.said):
            found = self._look_up(self.typed)
            self.data = list(dict.fromkeys([*chosen, *found]))
        self.raw_data = list(self.data or ())

    def widget(self, _field: object, **told: Any) -> Markup:
        if not self.many:
            return self.draw_few(**told)
        chosen = self.choosing.read(self.session, self.data or ())
        return self.draw("several", chosen, **told)

    def draw_few(self, **told: Any) -> Markup:
        drawn: Markup = self.ticks(self, **told)
        return drawn

    def _look_up(self, typed: str) -> list[str]:
        """One name, or several with marks between them."""
        names = [typed]
        if self.choosing.look_up(self.session, typed)[0] is None:
            parts = [one.strip() for one in typed.translate(_MARKS).split(";")]
            names = [one for one in parts if one][:_LONGEST_LIST]
        found = []
        for name in names:
            one, hits = self.choosing.look_up(self.session, name)
            if one is None:
                raise self.refuse_typed(name, hits)
            found.append(one.value)
        return found
