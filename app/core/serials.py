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


def make_serials(batch_no: str, first: int, count: int) -> list[str]:
    """The serial numbers of ``count`` vouchers from the ``first``-th on, many times as fast."""
    assert first >= 1
    assert first + count <= 10**RUNNING_DIGITS
    ahead = _luhn_sum(batch_no + "0" * RUNNING_DIGITS)
    serials = []
    for number in range(first, first + count):
        high, low = divmod(number, 10_000)
        total = ahead + _LOW[low] + _HIGH[high]
        serials.append(f"{batch_no}{number:07d}{-total % 10}")
    return serials


def running_number(serial_no: str) -> int:
    """Which voucher of its batch a serial number names, counted from 1."""
    return int(serial_no[-RUNNING_DIGITS - 1 : -1])


def batch_no_of(serial_no: str) -> str:
    return serial_no[: -RUNNING_DIGITS - 1]


def is_serial(text: str) -> bool:
    """Whether a text can be a serial number at all: digits only, and the last one fits."""
    return (
        text.isascii() and text.isdecimal() and len(text) > 1 and check_digit(text[:-1]) == text[-1]
    )


def check_digit(digits: str) -> str:
    """Luhn: finds every single wrong digit and nearly every swap of neighbours."""
    return str(-_luhn_sum(digits) % 10)


def _luhn_sum(digits: str) -> int:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 - position % 2)
        total += value - 9 if value > 9 else value
    return total


# What the last four of the running digits add, and the three before them.
_LOW = [_luhn_sum(f"{number:04d}") for number in range(10_000)]
_HIGH = [_luhn_sum(f"{number:03d}") for number in range(1_000)]
