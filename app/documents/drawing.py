"""Drawing on a page in vectors: lines, text, QR codes, barcodes, and drawings kept for reuse.

Measures are millimetres from the top left corner of the page, type sizes are points, colours are
``#rrggbb``. A canvas holds PDF operators; ``pdf.PdfFile`` makes a document of canvases.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from app.documents.barcodes import QUIET_ZONE, Modules
from app.documents.fonts import BOLD, REGULAR, Face, load_face

POINT = 72 / 25.4  # Points in a millimetre.
BLACK, WHITE = "#000000", "#ffffff"
FONT_NAMES = {REGULAR: "F1", BOLD: "F2"}  # As a document's resources name them.
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class Size(NamedTuple):
    """Width and height in millimetres."""

    width: float
    height: float


class Box(NamedTuple):
    """A rectangle on a page, in millimetres from its top left corner."""

    x: float
    y: float
    width: float
    height: float


A4 = Size(210, 297)


@dataclass(frozen=True)
class Form:
    """A drawing kept once in the file and shown by name, as often as wanted."""

    name: str
    number: int
    size: Size


@dataclass
class Canvas:
    """What is drawn on one page or form. ``used`` is the document's record of its characters."""

    size: Size
    used: dict[str, set[str]]
    _parts: list[str] = field(default_factory=list)
    _colour: str = ""

    def fill(self, box: Box, colour: str) -> None:
        self._fill_colour(colour)
        self._parts.append(f"{self._rectangle(box)} f")

    def frame(self, box: Box, *, colour: str = BLACK, width: float = 0.2, dash: str = "") -> None:
        """An outline; ``dash`` is on and off in millimetres, for example ``1 1``."""
        self._stroke(colour, width, dash, f"{self._rectangle(box)} S")

    def line(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        *,
        colour: str = BLACK,
        width: float = 0.1,
    ) -> None:
        path = f"{self._x(start[0])} {self._y(start[1])} m {self._x(end[0])} {self._y(end[1])} l S"
        self._stroke(colour, width, "", path)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        weight: str = REGULAR,
        colour: str = BLACK,
        align: str = "left",
        turn: tuple[float, float] = (1.0, 0.0),
    ) -> None:
        """One line with its base line at ``y``; ``turn`` is cosine and sine of its direction."""
        face = load_face(weight)
        shown = face.printable(text)
        if align != "left":
            length = face.width(shown, size) / POINT
            x -= length / 2 if align == "centre" else length
        self.used[weight].update(shown)
        self._fill_colour(colour)
        cos, sin = turn
        self._parts.append(
            f"BT /{FONT_NAMES[weight]} {size:g} Tf {cos:g} {sin:g} {-sin:g} {cos:g}"
            f" {self._x(x)} {self._y(y)} Tm <{encode(face, shown)}> Tj ET"
        )

    def qr(self, x: float, y: float, code: Modules, *, side: float) -> None:
        """A QR code; ``side`` includes the quiet zone, which is painted white."""
        module = side / (code.size + 2 * QUIET_ZONE)
        self.fill(Box(x, y, side, side), WHITE)
        self._fill_colour(BLACK)
        left, top = x + QUIET_ZONE * module, y + QUIET_ZONE * module
        self._parts.append(
            f"q {module * POINT:.5f} 0 0 {-module * POINT:.5f} {self._x(left)} {self._y(top)} cm "
            f"{qr_path(code)} f Q"
        )

    def bars(self, box: Box, bars: Sequence[tuple[int, int]]) -> None:
        """A linear barcode across the box; its quiet zones are the caller's."""
        module = box.width / (bars[-1][0] + bars[-1][1])
        self._fill_colour(BLACK)
        path = " ".join(f"{start} 0 {width} 1 re" for start, width in bars)
        self._parts.append(
            f"q {module * POINT:.5f} 0 0 {-box.height * POINT:.3f}"
            f" {self._x(box.x)} {self._y(box.y)} cm {path} f Q"
        )

    def form(self, form: Form, x: float, y: float) -> None:
        """Show a kept drawing with its top left corner here."""
        self._parts.append(
            f"q 1 0 0 1 {self._x(x)} {self._y(y + form.size.height)} cm /{form.name} Do Q"
        )

    def content(self) -> bytes:
        return "\n".join(self._parts).encode("ascii")

    def _fill_colour(self, colour: str) -> None:
        if colour != self._colour:
            self._colour = colour
            self._parts.append(f"{rgb(colour)} rg")

    def _stroke(self, colour: str, width: float, dash: str, path: str) -> None:
        pattern = " ".join(f"{float(part) * POINT:.2f}" for part in dash.split())
        self._parts.append(f"q {rgb(colour)} RG {width * POINT:.3f} w [{pattern}] 0 d {path} Q")

    def _rectangle(self, box: Box) -> str:
        return (
            f"{self._x(box.x)} {self._y(box.y + box.height)}"
            f" {box.width * POINT:.3f} {box.height * POINT:.3f} re"
        )

    def _x(self, x: float) -> str:
        return f"{x * POINT:.3f}"

    def _y(self, y: float) -> str:
        return f"{(self.size.height - y) * POINT:.3f}"


def rgb(colour: str) -> str:
    assert _COLOUR.fullmatch(colour), "a colour is #rrggbb"
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return " ".join(f"{part:.3g}" for part in parts)


def encode(face: Face, text: str) -> str:
    """The text as the font's character ids in hexadecimal."""
    cids = face.cids
    return "".join(f"{cids[letter]:04X}" for letter in text)


def qr_path(code: Modules) -> str:
    """The dark modules as rectangles, one for each run of up to eight in a row, y downwards.

    All of them are one path and filled at once, so that no seam shows between neighbours.
    """
    size, rows = code.size, code.rows
    return "".join(
        _runs(x, y, rows[y * size + x : min(y * size + x + 8, y * size + size)])
        for y in range(size)
        for x in range(0, size, 8)
    )


@lru_cache(maxsize=100_000)
def _runs(x: int, y: int, modules: bytes) -> str:
    """Runs of dark modules, written once: there are few enough (256 for each place)."""
    return "".join(
        f"{x + found.start()} {y} {found.end() - found.start()} 1 re\n"
        for found in re.finditer(rb"\x00+", modules)
    )
