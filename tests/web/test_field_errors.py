"""What is wrong with a field is said in the reader's language, whoever worded it first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import Babel, force_locale
from marshmallow import Schema, ValidationError, fields
from marshmallow.validate import Regexp

from app.api import schemas as api_schemas
from app.pos import schemas as pos_schemas
from app.web.field_errors import PLAIN, SHAPED, translate_errors

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def in_chinese() -> Iterator[None]:
    app = Flask(__name__)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(ROOT / "translations")
    Babel(app, default_locale="zh_CN")
    with app.test_request_context():
        yield


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    with (ROOT / "translations/zh_CN/LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale="zh_CN")


def test_a_pattern_that_does_not_fit_is_said_in_chinese(in_chinese):
    page = Schema.from_dict({"page": fields.String(validate=Regexp("^a$"))})()
    assert errors_of(page, {"page": "b"}) == {"page": ["格式不对，请核对后再填。"]}


def errors_of(schema: Schema, body: dict[str, object]) -> object:
    with pytest.raises(ValidationError) as refused:
        schema.load(body)
    return translate_errors(refused.value.messages)


@pytest.mark.usefixtures("in_chinese")
def test_a_missing_and_a_null_field_are_named_in_chinese():
    assert errors_of(pos_schemas.NewPayment(), {"amount_fen": None}) == {
        "payment_code": ["这一项必填。"],
        "amount_fen": ["这一项不能为空（null）。"],
    }


@pytest.mark.usefixtures("in_chinese")
@pytest.mark.parametrize("amount", ["100", 1.5, True, [1]])
def test_an_amount_that_is_no_whole_number_is_explained(amount: object):
    errors = errors_of(api_schemas.NewPayment(), {"pay_point": "p", "amount_fen": amount})
    assert errors == {"amount_fen": ["金额以分为单位，须为整数；例如 28.50 元填 2850。"]}


@pytest.mark.usefixtures("in_chinese")
def test_the_limits_of_a_number_stay_in_the_sentence():
    assert errors_of(api_schemas.GiftQuery(), {"limit": 101}) == {"limit": ["应在 1 到 100 之间。"]}


@pytest.mark.usefixtures("in_chinese")
def test_lengths_and_choices_stay_in_the_sentence():
    errors = errors_of(api_schemas.GiftQuery(), {"box": "elsewhere", "cursor": "c" * 401})
    assert errors == {"box": ["只能是以下之一：sent, received。"], "cursor": ["最多 400 个字符。"]}


@pytest.mark.usefixtures("in_chinese")
def test_our_own_words_about_a_field_are_translated():
    body = {"phone": "123", "amount_fen": 100}
    assert errors_of(pos_schemas.NewCashTopUp(), body) == {"phone": ["请输入 11 位大陆手机号。"]}


@pytest.mark.usefixtures("in_chinese")
def test_a_reader_of_english_gets_english():
    with force_locale("en"):
        assert translate_errors({"limit": ["Must be less than or equal to 5."]}) == {
            "limit": ["Must be at most 5."]
        }


@pytest.mark.usefixtures("in_chinese")
def test_what_nobody_foresaw_goes_out_as_it_is():
    assert translate_errors({"a": {"0": ["Never seen before."]}, "b": [""], "c": 3}) == {
        "a": {"0": ["Never seen before."]},
        "b": [""],
        "c": 3,
    }


def test_every_message_of_every_field_that_a_caller_sends_is_in_the_catalogue(catalog: Catalog):
    said = {
        message
        for module in (api_schemas, pos_schemas)
        for schema in vars(module).values()
        if isinstance(schema, type) and issubclass(schema, Schema)
        for field in schema().fields.values()
        if not isinstance(field, fields.DateTime | fields.Date | fields.Time | fields.Nested)
        for message in field.error_messages.values()
    }
    assert [message for message in sorted(said) if not catalog.get(message)] == []


@pytest.mark.usefixtures("in_chinese")
@pytest.mark.parametrize("name", ["zh_CN", "zh", "zh_Hans_CN"])
def test_chinese_is_found_under_every_name_that_it_goes_by(name: str):
    """Babel says zh_Hans_CN, Flask-AppBuilder zh; translations/zh leads both to zh_CN."""
    with force_locale(name):
        assert translate_errors("Field may not be null.") == "这一项不能为空（null）。"


def test_what_is_marked_here_is_translated(catalog: Catalog):
    marked = PLAIN | {template for _, template in SHAPED}
    assert [text for text in sorted(marked) if not catalog[text].string] == []
