"""The consoles' forms: WTForms' fields as people type here, and refusals put where they belong.

A form is a class of fields; ``console/form.html`` draws it, ``templates/console/_forms.html`` has
the parts for a page of one's own. A desk (views/desks) shows it and does what it asks for. Labels
and hints are marked with ``N_`` and translated where they are drawn.
"""

from __future__ import annotations

import enum
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from flask import request
from flask_babel import gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, HiddenField, IntegerField, SelectField, StringField
from wtforms import Field as AnyField
from wtforms.fields import PasswordField, SelectChoice, TextAreaField, TimeField
from wtforms.validators import (
    DataRequired,
    InputRequired,
    Length,
    NumberRange,
    Optional,
    ValidationError,
)
from wtforms.widgets import TextInput

from app.core import money, passwords
from app.core.actor import Actor
from app.core.clock import is_within_reach
from app.core.errors import N_, DomainError
from app.flows.once import MoneyCall, hash_request
from app.views.cells import state_name

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_KEY_BYTES = 16
_MOST_DIGITS = 18

# Marked here for the catalogue; WTForms says them.
SAID_BY_WTFORMS = frozenset(
    {
        N_("This field is required."),
        N_("Field cannot be longer than %(max)d characters."),
        N_("Not a valid choice."),
        N_("Invalid Choice: could not coerce."),
        N_("Not a valid date value."),
        N_("Not a valid time value."),
        N_("Not a valid integer value."),
        N_("Number must be at least %(min)s."),
        N_("Number must be at most %(max)s."),
        N_("Number must be between %(min)s and %(max)s."),
    }
)


class _Catalogue:
    """WTForms' own sentences, from our catalogue."""

    gettext = staticmethod(gettext)

    @staticmethod
    def ngettext(_singular: str, plural: str, _number: int) -> str:
        return gettext(plural)


class ConsoleForm(FlaskForm):  # type: ignore[misc]
    """A form of ours. Its CSRF token is checked for all pages at once (web/security)."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        csrf = False

        def get_translations(self, _form: object) -> object:
            return _Catalogue()

    # Which field a refusal is about, by its code: {"username_taken": "username"}.
    refusals_at: Mapping[str, str] = {}
    # Titles and the names of their fields; without any the fields stand as declared.
    sections: Sequence[tuple[str, Sequence[str]]] = ()

    problem: str | None = None  # A refusal that is about no field.

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """What a service refuses inside is shown in the form, with all that was typed."""
        try:
            yield
        except DomainError as refusal:
            self.refuse(refusal)

    def refuse(self, refusal: DomainError) -> None:
        sentence = sentence_of(refusal)
        name = self.refusals_at.get(refusal.code)
        if name is None:
            self.problem = sentence
        else:
            self[name].errors = [*self[name].errors, sentence]

    @property
    def refused(self) -> bool:
        return bool(self.problem or self.errors)


class OnceForm(ConsoleForm):
    """For what may happen once only: sent twice, it has one effect (flows/once)."""

    request_key = HiddenField(default=lambda: secrets.token_urlsafe(_KEY_BYTES))

    def call(self, actor: Actor) -> MoneyCall:
        """This form as the call that ``once.run_once`` claims. Sent again, it is the same one."""
        fields = {
            name: field.raw_data
            for name, field in self._fields.items()
            # Nobody shall guess a password from the hash that is kept.
            if name != "request_key" and not isinstance(field, PasswordField)
        }
        key = (self.request_key.data or "")[:64] or secrets.token_urlsafe(_KEY_BYTES)
        return MoneyCall(
            caller=actor.caller,
            key=f"form:{key}",
            request_hash=hash_request(request.method, request.path, fields),
        )


class Shape:
    """A validator: the whole line looks like this, or the sentence is said."""

    def __init__(self, pattern: str, sentence: str) -> None:
        self.pattern, self.sentence = re.compile(pattern), sentence

    def __call__(self, _form: object, field: AnyField) -> None:
        if not self.pattern.fullmatch(field.data or ""):
            raise ValidationError(gettext(self.sentence))


class Text(StringField):
    """One line. Space around it and control characters are dropped."""

    def __init__(
        self,
        label: str,
        *,
        needed: bool = True,
        longest: int = 80,
        checks: Any = (),
        **options: Any,
    ) -> None:
        validators = [*_words(needed), Length(max=longest), *checks]
        super().__init__(label, validators, filters=[_plain], **options)


class Prose(TextAreaField):
    """Some lines: a reason, a note."""

    def __init__(
        self, label: str, *, needed: bool = True, longest: int = 400, **options: Any
    ) -> None:
        super().__init__(label, [*_words(needed), Length(max=longest)], filters=[_plain], **options)


class Secret(PasswordField):
    """A password: never shown again, and taken as it was typed."""

    def __init__(self, label: str, *, needed: bool = True, **options: Any) -> None:
        checks = [*_presence(needed), Length(max=passwords.MAX_LENGTH)]
        super().__init__(label, checks, **options)


class Whole(IntegerField):
    """A whole number."""

    def __init__(
        self,
        label: str,
        *,
        needed: bool = True,
        least: int = 0,
        most: int = 1_000_000_000,
        **options: Any,
    ) -> None:
        super().__init__(label, [*_presence(needed), NumberRange(least, most)], **options)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """No number of ours has more digits; WTForms would fall over hundreds of them."""
        if valuelist and len(valuelist[0].strip()) > _MOST_DIGITS:
            raise ValueError(self.gettext("Not a valid integer value."))
        super().process_formdata(valuelist)


class Day(DateField):
    """A local day."""

    def __init__(self, label: str, *, needed: bool = True, **options: Any) -> None:
        super().__init__(label, _presence(needed), **options)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        super().process_formdata(valuelist)
        if self.data is not None and not is_within_reach(self.data):
            self.data = None
            raise ValueError(self.gettext("Not a valid date value."))


class Hour(TimeField):
    """A local time of day."""

    def __init__(self, label: str, *, needed: bool = True, **options: Any) -> None:
        super().__init__(label, _presence(needed), **options)


class Tick(BooleanField):
    """Yes or no."""


class Choice(SelectField):
    """One of several; the view offers them: ``form.role.offer(pairs)``."""

    def __init__(self, label: str, *, needed: bool = True, **options: Any) -> None:
        super().__init__(label, _presence(needed), choices=[], **options)

    def offer(self, pairs: Iterable[tuple[str, str]], *, none: str | None = None) -> None:
        """What may be chosen, as ``(value, text)``; ``none`` is the text of choosing nothing."""
        first = [] if none is None else [SelectChoice("", none)]
        self.choices = [*first, *(SelectChoice(value, text) for value, text in pairs)]


class _Hundredths(AnyField):
    """A whole number of hundredths, typed with a decimal point."""

    widget = TextInput()
    suffix = ""
    wrong = ""

    def __init__(
        self,
        label: str,
        *,
        needed: bool = True,
        least: int = 0,
        most: int = money.MAX_FEN,
        **options: Any,
    ) -> None:
        options["render_kw"] = {"inputmode": "decimal", "autocomplete": "off", "class": "amount"}
        super().__init__(label, _presence(needed), **options)
        self.least, self.most = least, most

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else money.yuan(self.data).replace(",", "")

    def process_formdata(self, typed: Sequence[str]) -> None:
        self.data = None
        if not typed or not typed[0].strip():
            return
        found = self.read(typed[0])
        if found is None:
            raise ValueError(gettext(self.wrong))
        if not self.least <= found <= self.most:
            raise ValueError(
                gettext("Must be from %(min)s to %(max)s.")
                % {"min": money.yuan(self.least), "max": money.yuan(self.most)}
            )
        self.data = found

    def read(self, typed: str) -> int | None:
        raise NotImplementedError


class Yuan(_Hundredths):
    """Money: yuan are typed, ``data`` is fen."""

    suffix = N_("yuan")
    wrong = N_("Please type an amount in yuan, such as 88.50.")

    def read(self, typed: str) -> int | None:
        return money.read_yuan(typed)


class Percent(_Hundredths):
    """A rate: percent is typed, ``data`` is basis points."""

    suffix = "%"
    wrong = N_("Please type a percentage, such as 0.6.")

    def __init__(self, label: str, *, most: int = money.BASIS, **options: Any) -> None:
        super().__init__(label, most=most, **options)

    def read(self, typed: str) -> int | None:
        return money.read_percent(typed)


class ReasonForm(ConsoleForm):
    """Why something is done; it stands in the audit log."""

    reason = Prose(N_("Reason"), longest=200)


def sentence_of(refusal: DomainError) -> str:
    """A refusal in the reader's language."""
    said = gettext(refusal.template)
    return said % refusal.params if refusal.params else said


def states_to_choose(states: type[enum.Enum]) -> list[tuple[str, str]]:
    """An enum's members for a ``Choice``, in the reader's language."""
    return [(state.name, state_name(state)) for state in states]


def _presence(needed: bool) -> list[Any]:  # noqa: FBT001 - one of two validators
    return [InputRequired()] if needed else [Optional()]


def _words(needed: bool) -> list[Any]:  # noqa: FBT001 - one of two validators
    return [DataRequired()] if needed else [Optional()]


def _plain(typed: str | None) -> str | None:
    return None if typed is None else _CONTROLS.sub("", typed).strip()
