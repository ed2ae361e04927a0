"""The fonts on paper: Noto Sans in Chinese, measured and cut down to the characters in use.

``bin/setup`` installs them from npm's lock file (SIL Open Font License); they are not committed. A
document embeds only the glyphs it uses, so a print shop needs no font of ours.
"""

from __future__ import annotations

import io
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "static" / "vendor" / "fonts"
REGULAR, BOLD = "Regular", "Bold"
_MISSING = "〓"  # The geta mark, which Chinese and Japanese printers set for a missing sort.


@dataclass(frozen=True, kw_only=True)
class Face:
    """One weight of the font. ``cids`` and ``widths`` (in thousandths of the size) by character."""

    name: str
    path: Path
    cids: dict[str, int]
    widths: dict[str, int]
    box: tuple[int, int, int, int]
    ascent: int
    descent: int
    cap_height: int

    def printable(self, text: str) -> str:
        """The text, with a mark that nobody overlooks in place of what the font cannot show."""
        known = self.cids
        return "".join(letter if letter in known else _MISSING for letter in text)

    def width(self, text: str, size: float) -> float:
        """How long a line is, in the unit of ``size``."""
        widths = self.widths
        return sum(widths.get(letter, 1000) for letter in text) * size / 1000


@lru_cache(maxsize=4)
def load_face(weight: str) -> Face:
    """Read a weight once a process.

    Raises:
        FileNotFoundError: The fonts are not installed: ``make setup`` does it.
    """
    from fontTools.ttLib import TTFont  # Here, for its 9 MB: few processes print anything.

    path = FOLDER / f"NotoSansHans-{weight}.otf"
    with TTFont(path, lazy=True) as font:
        scale = 1000 / font["head"].unitsPerEm
        assert scale == 1, "a CFF font of a thousand units"
        advances = font["hmtx"].metrics
        glyphs = font.getBestCmap()
        head, metrics, os2 = font["head"], font["hhea"], font["OS/2"]
        return Face(
            name=f"NotoSansHans-{weight}",
            path=path,
            cids={chr(point): _cid(glyph) for point, glyph in glyphs.items()},
            widths={chr(point): advances[glyph][0] for point, glyph in glyphs.items()},
            box=(head.xMin, head.yMin, head.xMax, head.yMax),
            ascent=metrics.ascent,
            descent=metrics.descent,
            cap_height=getattr(os2, "sCapHeight", 733) or 733,
        )


def cut_face(face: Face, letters: Collection[str]) -> bytes:
    """The font program (CFF, by character id) of these characters alone."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    options = subset.Options(
        hinting=False, desubroutinize=True, notdef_outline=True, layout_features=[], name_IDs=[]
    )
    with TTFont(face.path, lazy=True) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(text="".join(letters))
        cutter.subset(font)
        program = io.BytesIO()
        font["CFF "].cff.compile(program, font)
    return program.getvalue()


def _cid(glyph: str) -> int:
    return 0 if glyph == ".notdef" else int(glyph.removeprefix("cid"))
