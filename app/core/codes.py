"""Secret codes under a scratch panel: 15 random Crockford Base32 characters and a check character.

The check character is Luhn mod 32 over the same alphabet, so that it survives normalising (a check
character I, L, O or U of ISO 7064 would not) and a till can refuse a typing error without a server.
Fifteen characters are 75 random bits. The printed form is grouped ``XXXX-XXXX-XXXX-XXXX``.

What people type by hand, here and elsewhere, comes from a Chinese keyboard as often as not: letters
and digits of full width, ideographic spaces, dashes of every length.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import unicodedata
from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 16
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})
_LONGEST_INPUT = 200
# Hyphens, dashes and the minus sign, and what takes no width but is copied along.
_GAPS = re.compile(r"[\s\-\u00ad\u200b-\u200f\u2010-\u2015\u2060\u2212\ufeff]+")
_OLD = re.compile(r"[0-9A-Z]{6,64}")
# A random byte as its letter, and as what Luhn adds for it at a place that counts once or twice.
_LETTERS = bytes(ord(ALPHABET[byte & 31]) for byte in range(256))
_ONCE = bytes(byte & 31 for byte in range(256))
_TWICE = bytes((2 * (byte & 31)) // 32 + (2 * (byte & 31)) % 32 for byte in range(256))


class CodeMistyped(ValueError):
    """Not a code: a wrong length, a letter that no code has, or a wrong check character."""


def normalise(text: str) -> str:
    """What a person typed or a scanner read, as the 16 characters that were printed.

    Case, width, spaces and dashes do not matter; O is read as 0, I and L as 1. A scanned address
    (``https://…/v/<code>``) gives its last part.

    Raises:
        CodeMistyped: So that nobody asks the server about a typing error.
    """
    if len(text) > _LONGEST_INPUT:
        raise CodeMistyped
    bare = without_gaps(text).rstrip("/").rsplit("/", 1)[-1].upper().translate(_READ_AS)
    if len(bare) != CODE_LENGTH or any(letter not in _VALUES for letter in bare):
        raise CodeMistyped
    if check_character(bare[:-1]) != bare[-1]:
        raise CodeMistyped
    return bare


def without_gaps(text: str) -> str:
    """What was typed in groups, in one piece, and of full width as if it were not."""
    narrow = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return _GAPS.sub("", narrow)


def compact(text: str) -> str:
    """An old card's code as it is kept and looked for: capitals, without spaces and dashes."""
    return without_gaps(text).upper()


def compact_as_printed(text: str) -> str:
    """The same with its letters as they stand: an old system may have hashed small ones."""
    return without_gaps(text)


def could_be_old(compacted: str) -> bool:
    """Whether it can be the code of a card from before: old systems made them of any length."""
    return bool(_OLD.fullmatch(compacted))


def check_character(letters: str) -> str:
    """Luhn mod 32: finds every single wrong character and nearly every swap of neighbours."""
    total, factor = 0, 2
    for letter in reversed(letters):
        product = factor * _VALUES[letter]
        total += product // 32 + product % 32
        factor = 3 - factor
    return ALPHABET[-total % 32]


def make_code(random: bytes | None = None) -> str:
    """A fresh code from 15 random bytes, of which the low five bits each are used."""
    source = os.urandom(CODE_LENGTH - 1) if random is None else random
    letters = "".join(ALPHABET[byte & 31] for byte in source)
    return letters + check_character(letters)


def make_codes(count: int, *, random: Callable[[int], bytes] = os.urandom) -> list[str]:
    """Many fresh codes, ten times as fast as one by one.

    Args:
        random: Gives that many bytes; tests hand in what collides.
    """
    width = CODE_LENGTH - 1
    source = random(width * count)
    letters = source.translate(_LETTERS).decode()
    once, twice = source.translate(_ONCE), source.translate(_TWICE)
    fresh = []
    for start in range(0, width * count, width):
        end = start + width
        # From the right, the first, third, ... letter counts twice.
        total = sum(twice[start:end:2]) + sum(once[start + 1 : end : 2])
        fresh.append(letters[start:end] + ALPHABET[-total % 32])
    return fresh


def grouped(code: str) -> str:
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))


def digest(code: str, key: bytes) -> bytes:
    """What the database keeps of a code: HMAC-SHA256 under a key that is not in the database."""
    return hmac.digest(key, code.encode(), hashlib.sha256)
