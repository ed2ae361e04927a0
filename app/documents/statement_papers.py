"""A statement on paper (A4): what it comes to, place for signature and stamp of both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.documents.drawing import A4, Box, Canvas
from app.documents.fonts import BOLD, REGULAR
from app.documents.pdf import Out, PdfFile
from app.documents.typesetting import fit_line

_INK, _SOFT, _RULE = "#1b1f1e", "#5a6461", "#c9cfcb"
_LEFT, _RIGHT, _TOP = 18.0, 192.0, 22.0
_LINE = 6.6  # Millimetres from one row of the table to the next.
_LAST_Y = 262.0
_SIGNING = 52.0  # Room that the last page keeps for the signatures.
_COLUMNS = ((18.0, 44.0), (64.0, 50.0), (116.0, 38.0))  # Left edge and width of the text columns.
_COUNT_X, _AMOUNT_X = 164.0, _RIGHT


@dataclass(frozen=True, kw_only=True)
class PaperWords:
    """What is printed beside the figures, in the reader's language."""

    title: str
    facts: Sequence[tuple[str, str]]
    headings: tuple[str, str, str, str, str]
    sides: tuple[str, str]
    signature: str
    stamp: str
    day: str
    page: str  # With {number}.


@dataclass(frozen=True)
class PaperRow:
    """A row of the table; ``is_sum`` stands bold under a rule."""

    store: str
    what: str
    whose: str
    count: str
    amount: str
    is_sum: bool = False


def write_statement_paper(out: Out, *, words: PaperWords, rows: Sequence[PaperRow]) -> None:
    """Write the PDF; as many pages as the rows take."""
    with PdfFile(out, title=words.title) as pdf:
        number = 1
        canvas = pdf.canvas(A4)
        y = _draw_head(canvas, words)
        for row in rows:
            if y > _LAST_Y:
                _finish(pdf, canvas, words, number)
                number, canvas = number + 1, pdf.canvas(A4)
                y = _draw_headings(canvas, words, _TOP)
            y = _draw_row(canvas, row, y)
        if y > _LAST_Y - _SIGNING:
            _finish(pdf, canvas, words, number)
            number, canvas, y = number + 1, pdf.canvas(A4), _TOP
        _draw_signing(canvas, words, y + 10)
        _finish(pdf, canvas, words, number)


def _draw_head(canvas: Canvas, words: PaperWords) -> float:
    canvas.text(105, _TOP + 2, words.title, size=18, weight=BOLD, colour=_INK, align="centre")
    y = _TOP + 14
    for place, (label, value) in enumerate(words.facts):
        x = _LEFT if place % 2 == 0 else 108.0
        canvas.text(x, y, label, size=9, colour=_SOFT)
        line, size = fit_line(value, width=58, size=9.5, smallest=6)
        canvas.text(x + 24, y, line, size=size, colour=_INK)
        if place % 2:
            y += 6
    return _draw_headings(canvas, words, y + (6 if len(words.facts) % 2 else 0) + 4)


def _draw_headings(canvas: Canvas, words: PaperWords, y: float) -> float:
    canvas.fill(Box(_LEFT - 2, y - 4.6, _RIGHT - _LEFT + 4, 6.8), "#f0f2f0")
    for (x, _), text in zip(_COLUMNS, words.headings[:3], strict=True):
        canvas.text(x, y, text, size=9, weight=BOLD, colour=_INK)
    for x, text in zip((_COUNT_X, _AMOUNT_X), words.headings[3:], strict=True):
        canvas.text(x, y, text, size=9, weight=BOLD, colour=_INK, align="right")
    return y + _LINE + 0.6


def _draw_row(canvas: Canvas, row: PaperRow, y: float) -> float:
    weight = BOLD if row.is_sum else REGULAR
    if row.is_sum:
        canvas.line((_LEFT - 2, y - 4.8), (_RIGHT + 2, y - 4.8), colour=_SOFT, width=0.25)
    for (x, width), text in zip(_COLUMNS, (row.store, row.what, row.whose), strict=True):
        line, size = fit_line(text, width=width, size=9, smallest=6, weight=weight)
        canvas.text(x, y, line, size=size, weight=weight, colour=_INK)
    canvas.text(_COUNT_X, y, row.count, size=9, weight=weight, colour=_INK, align="right")
    canvas.text(_AMOUNT_X, y, row.amount, size=9, weight=weight, colour=_INK, align="right")
    if not row.is_sum:
        canvas.line((_LEFT - 2, y + 1.8), (_RIGHT + 2, y + 1.8), colour=_RULE, width=0.1)
    return y + _LINE


def _draw_signing(canvas: Canvas, words: PaperWords, y: float) -> None:
    for x, side in zip((_LEFT - 2, 107.0), words.sides, strict=True):
        canvas.frame(Box(x, y, 87, 40), colour=_RULE, width=0.2)
        canvas.text(x + 4, y + 7, side, size=9.5, weight=BOLD, colour=_INK)
        canvas.text(x + 4, y + 17, words.signature, size=9, colour=_SOFT)
        canvas.text(x + 4, y + 27, words.stamp, size=9, colour=_SOFT)
        canvas.text(x + 4, y + 36, words.day, size=9, colour=_SOFT)


def _finish(pdf: PdfFile, canvas: Canvas, words: PaperWords, number: int) -> None:
    canvas.text(105, 284, words.page.format(number=number), size=8, colour=_SOFT, align="centre")
    pdf.add_page(canvas)
