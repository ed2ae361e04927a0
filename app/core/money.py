"""Money is a whole number of fen; a rate is a whole number of basis points (1/100 of a percent)."""

from __future__ import annotations

import enum
import re

MAX_FEN = 10**12  # Ten billion yuan: far above any business here, far below 64 bits.
BASIS = 10_000
_DECIMAL = re.compile(
    r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3}){0,4}|[0-9]{1,12})(?:\.(?P<part>[0-9]{1,2}))?"
)


class Rounding(enum.Enum):
    DOWN = "down"
    HALF_UP = "half_up"


def share(amount_fen: int, rate_bp: int, *, rounding: Rounding) -> int:
    """The part of an amount that a rate in basis points takes.

    The commission of a payment is rounded half up, to the fen (``kaquan.commission`` in
    PostgreSQL does the same, and a test compares the two).
    """
    assert amount_fen >= 0
    assert rate_bp >= 0
    return _divide(amount_fen * rate_bp, BASIS, rounding)


def pro_rata(amount_fen: int, *, part: int, whole: int, rounding: Rounding) -> int:
    """The part of an amount that falls on ``part`` out of ``whole``."""
    assert 0 <= part <= whole
    return _divide(amount_fen * part, whole, rounding)


def yuan(amount_fen: int) -> str:
    """Fen as yuan for reading: ``1,234.50``; a minus sign for what went out."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // 100:,}.{abs(amount_fen) % 100:02d}"


def plain_yuan(amount_fen: int) -> str:
    """Fen as a spreadsheet's number in yuan, without separators: ``-1234.50``."""
    return yuan(amount_fen).replace(",", "")


def in_yuan(amount_fen: int) -> str:
    """Fen as a price is read: ``¥1,234.50``; the minus sign stands before: ``-¥1,234.50``."""
    return f"{'-' if amount_fen < 0 else ''}¥{yuan(abs(amount_fen))}"


def read_yuan(typed: str) -> int | None:
    """Fen from yuan as people type them: ``1,234.5``, ``¥12``. None when it is no amount."""
    return _hundredths(typed.strip().lstrip("¥￥"))


def read_percent(typed: str) -> int | None:
    """Basis points from a percentage as people type it: ``0.6``, ``12.5 %``. None when none."""
    return _hundredths(typed.strip().rstrip("%％"))


def _hundredths(typed: str) -> int | None:
    found = _DECIMAL.fullmatch(typed.strip().replace("，", ","))
    if found is None:
        return None
    whole = found["whole"].replace(",", "")
    return int(whole) * 100 + int((found["part"] or "").ljust(2, "0"))


def _divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    if rounding is Rounding.HALF_UP:
        return (2 * numerator + denominator) // (2 * denominator)
    return numerator // denominator
