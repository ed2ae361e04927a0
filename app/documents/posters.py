"""The poster of a pay point: a QR code to hang on the wall (A4) or to stand on a table (A6)."""

from __future__ import annotations

from dataclasses import dataclass

from app.documents.barcodes import draw_qr
from app.documents.drawing import A4, POINT, WHITE, Box, Canvas, Size
from app.documents.fonts import BOLD, REGULAR, load_face
from app.documents.pdf import Out, PdfFile

A6 = Size(105, 148)
PAPERS = {"a4": A4, "a6": A6}
_ACCENT, _INK, _SOFT = "#0b6e5b", "#1b1f1e", "#5a6461"
_LEVEL = "Q"  # A quarter of the code may be scratched or covered.


@dataclass(frozen=True, kw_only=True)
class PosterWords:
    """What is printed, in the language of those who scan it."""

    mark: str
    headline: str
    store: str
    counter: str  # The pay point's name, or nothing.
    steps: tuple[str, str]
    small_print: str


def draw_poster(out: Out, *, address: str, words: PosterWords, paper: str) -> None:
    """Write a PDF of one page. ``address`` is what the code says; it is drawn as vectors."""
    size = PAPERS[paper]
    with PdfFile(out, title=f"{words.store} {words.counter}".strip()) as pdf:
        canvas = pdf.canvas(size)
        _draw(canvas, address, words, unit=size.width / A6.width)
        pdf.add_page(canvas)


def _draw(canvas: Canvas, address: str, words: PosterWords, *, unit: float) -> None:
    """Measures are those of A6; a larger sheet of the same shape is the same drawing, enlarged."""
    width, middle = canvas.size.width, canvas.size.width / 2
    canvas.fill(Box(0, 0, width, 27 * unit), _ACCENT)
    _line(canvas, 11.5 * unit, words.mark, size=11 * unit, colour=WHITE, weight=REGULAR)
    _line(canvas, 21.5 * unit, words.headline, size=22 * unit, colour=WHITE, weight=BOLD)
    _line(canvas, 37.5 * unit, words.store, size=17 * unit, colour=_INK, weight=BOLD)
    if words.counter:
        _line(canvas, 43.5 * unit, words.counter, size=10 * unit, colour=_SOFT, weight=REGULAR)
    side = 72 * unit
    canvas.qr(middle - side / 2, 46 * unit, draw_qr(address, level=_LEVEL), side=side)
    for at, step in enumerate(words.steps):
        _line(canvas, (124 + 6.5 * at) * unit, step, size=11 * unit, colour=_INK, weight=REGULAR)
    canvas.line((12 * unit, 136 * unit), (width - 12 * unit, 136 * unit), colour="#e1e4e1")
    _line(canvas, 141 * unit, words.small_print, size=6.5 * unit, colour=_SOFT, weight=REGULAR)


def _line(canvas: Canvas, y: float, text: str, *, size: float, colour: str, weight: str) -> None:
    """One line in the middle, set smaller where the paper is too narrow for it."""
    room = canvas.size.width * 0.88
    length = load_face(weight).width(text, size) / POINT
    if length > room:
        size *= room / length
    canvas.text(
        canvas.size.width / 2, y, text, size=size, weight=weight, colour=colour, align="centre"
    )
