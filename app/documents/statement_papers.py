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
_LAST_Y = 264.0
_BOX = 46.0  # A company's round stamp is 40 mm wide and must find room.
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
    in_words: tuple[str, str]  # What is due, written out, and what that is called.
    agreed: str
    page: str  # With {number} and {pages}.


@dataclass(frozen=True)
class PaperRow:
    """A row of the table; ``is_sum`` stands bold under a rule."""

    store: str
    what: str
    whose: str
    count: str
    amount: str
    is_sum: bool = False


def write_statement_paper(
    out: Out, *, words: PaperWords, rows: Sequence[PaperRow], sums: Sequence[PaperRow]
) -> None:
    """Write the PDF; as many pages as the rows take.

    Args:
        sums: What it comes to. They stand on one page with the signatures.
    """
    pages = _share_out(words, rows, sums)
    with PdfFile(out, title=words.title) as pdf:
        for number, of_page in enumerate(pages, start=1):
            canvas = pdf.canvas(A4)
            y = _draw_head(canvas, words) if number == 1 else _draw_top(canvas, words)
            if of_page:
                y = _draw_headings(canvas, words, y)
            for row in of_page:
                y = _draw_row(canvas, row, y)
            if number == len(pages):
                for row in sums:
                    y = _draw_row(canvas, row, y)
                _draw_signing(canvas, words, y)
            _draw_foot(canvas, words, number, len(pages))
            pdf.add_page(canvas)


def _share_out(
    words: PaperWords, rows: Sequence[PaperRow], sums: Sequence[PaperRow]
) -> list[list[PaperRow]]:
    """Which rows stand on which page. The last page keeps room for the sums and the signatures."""
    pages: list[list[PaperRow]] = [[]]
    y = _head_ends(words)
    for row in rows:
        if y > _LAST_Y:
            pages.append([])
            y = _TOP + 8 + _LINE + 0.6
        pages[-1].append(row)
        y += _LINE
    if y + len(sums) * _LINE + 14 + _BOX > _LAST_Y + 8:
        # Some rows come along: a page with signatures says what they are for.
        kept = min(3, max(len(pages[-1]) - 1, 0))
        pages.append(pages[-1][len(pages[-1]) - kept :])
        del pages[-2][len(pages[-2]) - kept :]
    return pages


def _head_ends(words: PaperWords) -> float:
    """Where the first page's rows begin."""
    return _TOP + 18 + 6 * ((len(words.facts) + 1) // 2) + _LINE + 0.6


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
    return y + (6 if len(words.facts) % 2 else 0) + 4


def _draw_top(canvas: Canvas, words: PaperWords) -> float:
    """Of a page behind the first: which statement it belongs to."""
    line, size = fit_line(_which(words), width=_RIGHT - _LEFT, size=9, smallest=6)
    canvas.text(_LEFT, _TOP, line, size=size, colour=_SOFT)
    return _TOP + 8


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
    for (x, usual), text in zip(_COLUMNS, (row.store, row.what, row.whose), strict=True):
        width = usual if row.what else _COUNT_X - x - 12  # A sum has the whole line for its name.
        line, size = fit_line(text, width=width, size=9, smallest=6, weight=weight)
        canvas.text(x, y, line, size=size, weight=weight, colour=_INK)
    canvas.text(_COUNT_X, y, row.count, size=9, weight=weight, colour=_INK, align="right")
    canvas.text(_AMOUNT_X, y, row.amount, size=9, weight=weight, colour=_INK, align="right")
    if not row.is_sum:
        canvas.line((_LEFT - 2, y + 1.8), (_RIGHT + 2, y + 1.8), colour=_RULE, width=0.1)
    return y + _LINE


def _draw_signing(canvas: Canvas, words: PaperWords, y: float) -> None:
    label, amount = words.in_words
    canvas.text(_LEFT, y, label, size=9, weight=BOLD, colour=_INK)
    line, size = fit_line(amount, width=140, size=9.5, smallest=6, weight=BOLD)
    canvas.text(_RIGHT, y, line, size=size, weight=BOLD, colour=_INK, align="right")
    line, size = fit_line(words.agreed, width=_RIGHT - _LEFT, size=9, smallest=6)
    canvas.text(_LEFT, y + 9, line, size=size, colour=_SOFT)
    top = y + 13
    for x, side in zip((_LEFT - 2, 107.0), words.sides, strict=True):
        canvas.frame(Box(x, top, 87, _BOX), colour=_RULE, width=0.2)
        line, size = fit_line(side, width=79, size=9.5, smallest=6, weight=BOLD)
        canvas.text(x + 4, top + 7, line, size=size, weight=BOLD, colour=_INK)
        canvas.text(x + 4, top + 19, words.signature, size=9, colour=_SOFT)
        canvas.text(x + 4, top + 30, words.stamp, size=9, colour=_SOFT)
        canvas.text(x + 4, top + 41, words.day, size=9, colour=_SOFT)


def _draw_foot(canvas: Canvas, words: PaperWords, number: int, pages: int) -> None:
    page = words.page.format(number=number, pages=pages)
    canvas.text(105, 284, page, size=8, colour=_SOFT, align="centre")


def _which(words: PaperWords) -> str:
    """The first facts: number, merchant, period."""
    return " · ".join([words.title, *(value for _, value in words.facts[:3])])
