"""Secret codes: a typing error is found before anybody asks the server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import codes

CODES = st.binary(min_size=15, max_size=15).map(codes.make_code)


@given(CODES)
def test_a_code_is_read_however_it_is_written(code):
    written = codes.grouped(code).lower().replace("0", "o").replace("1", "l")
    for text in (code, codes.grouped(code), written, f" {code[:8]} {code[8:]}\t"):
        assert codes.normalise(text) == code
    assert codes.normalise(f"https://pay.example/v/{code}/") == code
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in codes.grouped(code))
    for text in (
        wide,
        wide.lower(),
        f"\u3000{code[:4]}\u2014\u2014{code[4:8]}\u00a0{code[8:]}\u200b",
    ):
        assert codes.normalise(text) == code


@given(CODES, st.integers(0, 15), st.sampled_from(codes.ALPHABET))
def test_every_single_wrong_character_is_refused(code, place, letter):
    wrong = code[:place] + letter + code[place + 1 :]
    if wrong == code:
        assert codes.normalise(wrong) == code
    else:
        with pytest.raises(codes.CodeMistyped):
            codes.normalise(wrong)


@given(CODES, st.integers(0, 14))
def test_swapped_neighbours_are_refused_but_for_one_pair(code, place):
    one, two = code[place], code[place + 1]
    swapped = code[:place] + two + one + code[place + 2 :]
    if {one, two} in ({"0", "Z"}, {one}):  # The pair that Luhn mod 32 cannot tell apart.
        assert codes.normalise(swapped) == swapped
    else:
        with pytest.raises(codes.CodeMistyped):
            codes.normalise(swapped)


@given(st.text(max_size=300))
def test_any_text_is_a_code_or_a_typing_error(text):
    try:
        assert len(codes.normalise(text)) == 16
    except codes.CodeMistyped:
        pass


def test_codes_are_random_and_digests_need_the_key():
    made = {codes.make_code() for _ in range(1000)}
    assert len(made) == 1000
    code = made.pop()
    assert codes.digest(code, b"one") != codes.digest(code, b"two")
