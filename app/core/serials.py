"""Serial numbers (券号) of printed vouchers: public, in running order, with a check digit.

The batch number, seven digits that count within the batch, and a Luhn digit over both, so that a
typing error in a range is found before the wrong vouchers are activated or frozen.
"""

from __future__ import annotations

RUNNING_DIGITS = 7


def make_serial(batch_no: str, number: int) -> str:
    """The serial number of a batch's ``number``-th voucher, counted from 1."""
    assert 1 <= number < 10**RUNNING_DIGITS
    digits = f"{batch_no}{number:0{RUNNING_DIGITS}d}"
    return digits + check_digit(digits)


def is_serial(text: str) -> bool:
    """Whether a text can be a serial number at all: digits only, and the last one fits."""
    return (
        text.isascii() and text.isdecimal() and len(text) > 1 and check_digit(text[:-1]) == text[-1]
    )


def check_digit(digits: str) -> str:
    """Luhn: finds every single wrong digit and nearly every swap of neighbours."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 - position % 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)
