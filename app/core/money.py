"""Money is a whole number of fen; a rate is a whole number of basis points (1/100 of a percent)."""

from __future__ import annotations

import enum
import re

MAX_FEN = 10**12  # Ten billion yuan: far above any business here, far below 64 bits.
BASIS = 10_000
_CAPITALS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿")
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


def in_capitals(amount_fen: int) -> str:
    """Fen as Chinese papers write amounts out (人民币大写), so that no digit can be added.

    Noughts inside the yuan, and between yuan and fen, are read once; what has no fen ends 整.
    """
    whole, (jiao, fen) = abs(amount_fen) // 100, divmod(abs(amount_fen) % 100, 10)
    words = f"{_whole_in_capitals(whole)}元" if whole else ""
    if jiao:
        words += f"{_CAPITALS[jiao]}角"
    if fen:
        words += f"零{_CAPITALS[fen]}分" if whole and not jiao else f"{_CAPITALS[fen]}分"
    sign = "负" if amount_fen < 0 else ""
    return f"人民币{sign}{words or '零元'}{'' if fen else '整'}"


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


def _whole_in_capitals(number: int) -> str:
    words, is_nought = "", False
    for power in reversed(range(len(_GROUPS))):
        group = number // 10_000**power % 10_000
        if group:
            gap = "零" if words and (is_nought or group < 1_000) else ""
            words += f"{gap}{_group_in_capitals(group)}{_GROUPS[power]}"
        is_nought = not group
    return words


def _group_in_capitals(group: int) -> str:
    words, is_nought = "", False
    for power in reversed(range(4)):
        figure = group // 10**power % 10
        if figure:
            words += f"{'零' if words and is_nought else ''}{_CAPITALS[figure]}{_PLACES[power]}"
        is_nought = not figure
    return words
