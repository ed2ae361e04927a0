"""Making texts fit: shrinking a line, breaking a paragraph, and an ellipsis where nothing helps."""

from __future__ import annotations

from collections.abc import Sequence

from app.documents.drawing import POINT
from app.documents.fonts import REGULAR, Face, load_face

_ELLIPSIS = "…"
_NOT_FIRST = frozenset("，。、；：？！）】》”’…,.;:?!)")  # Marks that must not begin a line.


def fit_line(
    text: str, *, width: float, size: float, smallest: float, weight: str = REGULAR
) -> tuple[str, float]:
    """One line of at most ``width`` millimetres: smaller type first, then an ellipsis."""
    face = load_face(weight)
    line = " ".join(face.printable(text).split())
    length = face.width(line, 1.0)
    if not length or length * size <= width * POINT:
        return line, size
    fitting = width * POINT / length
    if fitting >= smallest:
        return line, fitting
    return _cut(face, line, width, smallest), smallest


def break_lines(text: str, *, width: float, size: float, most: int) -> list[str]:
    """A text in at most so many lines. Paragraphs stay apart; what is too long is cut visibly."""
    face = load_face(REGULAR)
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = face.printable(" ".join(paragraph.split()))
        lines += _break_paragraph(face, line, width * POINT / size)
    if len(lines) <= most:
        return lines
    last = _cut(face, lines[most - 1] + _ELLIPSIS * 2, width, size)
    return [*lines[: most - 1], last]


def _break_paragraph(face: Face, text: str, width: float) -> Sequence[str]:
    """Break between any two Chinese characters, and between words of other scripts if it can."""
    lines, start = [], 0
    while start < len(text):
        end = _reach(face, text, start, width)
        if end < len(text):
            end = _break_before(text, start, end)
        lines.append(text[start:end].strip())
        start = end
    return lines


def _reach(face: Face, text: str, start: int, width: float) -> int:
    """The first character that no longer fits; at least one always does."""
    length, end = 0, start
    while end < len(text):
        length += face.widths.get(text[end], 1000)
        if length > width * 1000 and end > start:
            return end
        end += 1
    return end


def _break_before(text: str, start: int, end: int) -> int:
    at = end
    while at > start + 1 and (text[at] in _NOT_FIRST or _is_within_word(text, at)):
        at -= 1
    return at if at > start + 1 else end


def _is_within_word(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    return before.isascii() and after.isascii() and before != " " and after != " "


def _cut(face: Face, line: str, width: float, size: float) -> str:
    room = width * POINT - face.width(_ELLIPSIS, size)
    kept, length = "", 0.0
    for letter in line:
        length += face.width(letter, size)
        if length > room:
            break
        kept += letter
    return kept.rstrip(_ELLIPSIS + " ") + _ELLIPSIS
