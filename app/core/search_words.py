"""Words to find things by: what a text is cut into, and how it sounds.

A text becomes lexemes of four weights: A the words of its title, B those of city, merchant and
category, C those of its body, D single characters of the title, pinyin and initials. What is typed
is cut the same way, so both always agree. Nothing here knows PostgreSQL but the spelling of its
``tsvector`` and ``tsquery``, which are written out whole: no dictionary touches a word of ours.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Protocol

MOST_TYPED = 60  # Characters of what somebody typed; the rest is left out.
_MOST_BODY = 20_000
_MOST_PLACES = 16_000  # A tsvector counts to 16383.
_LONGEST_SOUND = 40
_WORD = re.compile(r"[0-9a-z]+|[\u3400-\u9fff\U00020000-\U0002fa1f]+")
_HAN = re.compile(r"[\u3400-\u9fff]")
# They say nothing, in a query least of all.
_EMPTY = frozenset(
    {
        *("的", "了", "和", "与", "及", "在", "是", "有", "吗", "呢", "吧", "啊"),
        *("哪里", "哪儿", "怎么", "怎样", "如何", "我", "我们", "你", "您", "请", "请问"),
    }
)

TITLE_MARK = "t/"  # Before a title's word: a lexeme of its own, found without looking at weights.


def normalise(text: str) -> str:
    """Full-width letters as usual ones, all small, spaces as one; a NUL, kept nowhere, as one."""
    return " ".join(unicodedata.normalize("NFKC", text).replace("\0", " ").lower().split())


def cut(text: str) -> list[str]:
    """All words of a text, long ones also in their parts: 人民公园 is 人民, 公园 and 人民公园."""
    found: list[str] = []
    for piece in _WORD.findall(normalise(text)):
        found += [piece] if piece.isascii() else _cutter().cut_for_search(piece)
    return found


@lru_cache(maxsize=4096)
def cut_typed(typed: str) -> tuple[str, ...]:
    """The words that must all be there, each once, without those that say nothing."""
    words: list[str] = []
    for piece in _WORD.findall(normalise(typed)[:MOST_TYPED]):
        words += [piece] if piece.isascii() else _cutter().cut(piece)
    telling = [word for word in words if word not in _EMPTY] or words
    return tuple(dict.fromkeys(telling))


def syllables(text: str) -> list[str]:
    """How it sounds, syllable by syllable; letters and digits stand for themselves."""
    spoken: list[str] = []
    for piece in _WORD.findall(normalise(text)):
        spoken += [piece] if piece.isascii() else _sounder().lazy_pinyin(piece)
    return spoken


def sound(text: str) -> str:
    """The pinyin in one piece: chunxilu for 春熙路, and for 春西路."""
    return "".join(syllables(text))


@lru_cache(maxsize=8192)
def sounds_like(title: str, spoken: str) -> bool:
    """Whether a title sounds like what was typed in letters, from some syllable of it on."""
    return any(one.startswith(spoken) for one in _sounds(title))


def has_han(text: str) -> bool:
    return _HAN.search(text) is not None


@dataclass(frozen=True, kw_only=True)
class Spelling:
    """A text as the index keeps it: how its title sounds, and its words as a ``tsvector``."""

    sound: str
    lexemes: str


class Spell(Protocol):
    """Who finds a text's words: ``spell`` here, or a process of its own."""

    def __call__(self, *, title: str, about: Sequence[str], body: str) -> Spelling: ...


def spell(*, title: str, about: Sequence[str], body: str) -> Spelling:
    return Spelling(sound=sound(title), lexemes=lexemes_of(title=title, about=about, body=body))


def lexemes_of(*, title: str, about: Iterable[str], body: str) -> str:
    """A document as a ``tsvector``: title, what it is about, body, and how the title sounds."""
    kept: dict[str, str] = {}

    def keep(words: Iterable[str], weight: str) -> None:
        for word in words:
            kept.setdefault(word, weight)

    title_words = cut(title)
    keep(title_words, "A")
    keep((TITLE_MARK + word for word in title_words), "A")
    for text in about:
        keep(cut(text), "B")
    keep(cut(body[:_MOST_BODY]), "C")
    keep((char for char in normalise(title) if _HAN.match(char)), "D")
    keep(_sounds(title), "D")
    for text in about:
        keep(_sounds(text), "D")
    pairs = list(kept.items())[:_MOST_PLACES]
    return " ".join(f"{_quoted(word)}:{n}{weight}" for n, (word, weight) in enumerate(pairs, 1))


def query_of(words: Sequence[Sequence[str]], *, every: bool = True, title: bool = False) -> str:
    """A ``tsquery``: of each group any word; of all groups every one, or any.

    Latin words find what begins like them, so that a few initials or half a name are enough.
    """
    mark = TITLE_MARK if title else ""
    groups = [" | ".join(_term(mark + word) for word in group) for group in words if group]
    return (" & " if every else " | ").join(f"({group})" for group in groups)


def chars_query(typed: str) -> str:
    """Every single character, for two or three that are no word of the dictionary."""
    found = dict.fromkeys(_HAN.findall(normalise(typed)))
    return " & ".join(_quoted(char) for char in found)


def sound_query(typed: str) -> str:
    """Whatever sounds like it, from some syllable of a title on."""
    # One Chinese syllable begins too many others: cha of 茶 is no chaoshi.
    if has_han(typed) and len(syllables(typed[:MOST_TYPED])) < 2:
        return ""
    spoken = sound(typed[:MOST_TYPED])[:_LONGEST_SOUND]
    return f"{_quoted(spoken)}:*" if len(spoken) > 1 else ""


def _cutter() -> ModuleType:
    """The dictionary of words, read by whoever cuts a text first: most processes never do."""
    import rjieba  # Here, for its 35 MB.

    return rjieba


def _sounder() -> ModuleType:
    """The dictionary of sounds, read when it is first asked."""
    import pypinyin  # Here, for its 55 MB.

    return pypinyin


def _sounds(title: str) -> list[str]:
    """Pinyin and initials from every syllable on: cxl and xl, chunxilu and xilu of 春熙路."""
    if not has_han(title):
        return []
    spoken = syllables(title)[:40]
    initials = "".join(syllable[0] for syllable in spoken)
    found = [initials[at:][:_LONGEST_SOUND] for at in range(len(spoken) - 1)]
    return found + ["".join(spoken[at:])[:_LONGEST_SOUND] for at in range(len(spoken))]


def _term(word: str) -> str:
    bare = word.removeprefix(TITLE_MARK)
    return f"{_quoted(word)}:*" if bare.isascii() and len(bare) > 1 else _quoted(word)


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
