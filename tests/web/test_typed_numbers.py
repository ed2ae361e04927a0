"""Numbers that people read off and type: a phone, a card's, a payment code."""

from __future__ import annotations

import pytest
from marshmallow import Schema, ValidationError

from app.pos.schemas import NewPayment, Receiver

PHONE, CARD, CODE = "13800001234", "92611249099999609", "285428519978798774"


def _wide(digits: str) -> str:
    return "".join(chr(ord(digit) + 0xFEE0) for digit in digits)


def _read(schema: Schema, **body: object) -> dict:
    return {name: value for name, value in schema.load(body).items() if value is not None}


@pytest.mark.parametrize(
    "write",
    [str, _wide, lambda d: f" {d}\n", lambda d: f"{d[:3]} {d[3:7]} {d[7:]}",
     lambda d: f"{d[:3]}-{d[3:7]}—{d[7:]}", lambda d: f"{d[:4]}\u3000{d[4:]}\u00a0"],
    ids=["plain", "full width", "around", "groups", "dashes", "wide spaces"],
)  # fmt: skip
def test_a_number_is_read_however_it_is_grouped(write):
    assert _read(Receiver(), phone=write(PHONE).rstrip("\n")) == {"phone": PHONE}
    assert _read(Receiver(), card_no=write(CARD)) == {"card_no": CARD}
    assert _read(Receiver(), payment_code=write(CODE)) == {"payment_code": CODE}
    body = {"payment_code": write(CODE), "amount_fen": 1}
    assert _read(NewPayment(), **body) == {"payment_code": CODE, "amount_fen": 1}


@pytest.mark.parametrize("prefix", ["+86", "+86 ", "0086", "86", "＋８６-"])
def test_a_phone_may_name_its_country(prefix):
    assert _read(Receiver(), phone=prefix + PHONE) == {"phone": PHONE}


@pytest.mark.parametrize(
    "phone",
    [
        "",
        "1380000123",
        "138000012345",
        "+85 13800001234",
        "12800001234",
        "+8613800001",
        "13800001234\n",
        1,
    ],
)
def test_what_is_no_mainland_mobile_number_is_refused(phone):
    with pytest.raises(ValidationError) as refused:
        Receiver().load({"phone": phone})
    assert "phone" in refused.value.messages


@pytest.mark.parametrize("code", ["", " ", "--", "\x00", "9" * 41])
def test_a_code_of_gaps_or_endless_is_refused(code):
    with pytest.raises(ValidationError):
        NewPayment().load({"payment_code": code, "amount_fen": 1})
