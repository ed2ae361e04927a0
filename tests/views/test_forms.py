"""The consoles' form kit: what people type becomes fen, basis points and days, or is marked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from flask import Flask

from app.core.errors import N_
from app.services.people.staff import PasswordWrong, UsernameTaken
from app.views.forms import Choice, ConsoleForm, Day, OnceForm, Percent, Text, Whole, Yuan


class Sample(ConsoleForm):
    refusals_at: ClassVar = {"username_taken": "name"}

    name = Text(N_("Name"), longest=5)
    amount_fen = Yuan(N_("Amount"), needed=False, most=100_00)
    rate_bp = Percent(N_("Commission rate"), needed=False)
    day = Day(N_("Time"), needed=False)
    count = Whole(N_("Quantity"), needed=False, least=1, most=9)
    kind = Choice(N_("Kind"), needed=False)


class Once(OnceForm):
    name = Text(N_("Name"))


@pytest.fixture
def typed(app: Flask) -> Iterator[Callable[..., Sample]]:
    def fill(**fields: str) -> Sample:
        with app.test_request_context("/x", method="POST", data={"name": "n", **fields}):
            form = Sample()
            form.kind.offer([("a", "A"), ("b", "B")], none="-")
            form.validate()
            return form

    return fill


@pytest.mark.parametrize(
    ("text", "fen"), [("88.5", 88_50), ("¥12", 12_00), ("0.01", 1), ("", None), ("100", 100_00)]
)
def test_yuan_become_fen(typed, text, fen):
    form = typed(amount_fen=text)
    assert (form.amount_fen.data, form.errors) == (fen, {})


@pytest.mark.parametrize("text", ["-1", "1.234", "1e3", "nan", "abc", "100.01", "１２", "1 2"])
def test_what_is_no_amount_is_marked_and_kept(typed, text):
    form = typed(amount_fen=text)
    assert form.errors.keys() == {"amount_fen"}
    assert form.amount_fen._value() == text


@pytest.mark.parametrize(("text", "bp"), [("0.6", 60), ("100%", 10_000), ("12.34 %", 1234)])
def test_percent_become_basis_points(typed, text, bp):
    assert typed(rate_bp=text).rate_bp.data == bp


@pytest.mark.parametrize(
    ("field", "text"),
    [
        *(("rate_bp", "100.01"), ("day", "2026-02-30"), ("count", "0"), ("count", "x")),
        *(("count", "9" * 400), ("kind", "c"), ("name", "123456"), ("name", " \x00 ")),
    ],
)
def test_a_wrong_value_is_said_at_its_field_in_chinese(typed, field, text):
    form = typed(**{field: text})
    assert form.errors.keys() == {field}
    assert all("\u4e00" <= sentence[0] <= "\u9fff" for sentence in form.errors[field])


def test_a_refusal_stands_at_the_field_that_it_is_about(app):
    with app.test_request_context("/x", method="POST", data={"name": "n"}):
        form = Sample()
        form.kind.offer([], none="-")
        assert form.validate(), form.errors
        with form.refusals():
            raise UsernameTaken
        assert form.name.errors
        assert form.refused
        with form.refusals():
            raise PasswordWrong
        assert form.problem


def test_the_same_form_sent_twice_is_one_call_and_another_is_not(app, make):
    actor = make.actor(make.staff())

    def call(**fields: str) -> object:
        with app.test_request_context("/x", method="POST", data=fields):
            return Once().call(actor)

    assert call(name="a", request_key="k") == call(name="a", request_key="k")
    assert call(name="a", request_key="k") != call(name="b", request_key="k")
    with app.test_request_context("/x"):
        assert len(Once().request_key.data) > 20
