"""PDF written page by page: embedded Chinese, memory that does not grow with the pages.

    with PdfFile(out, title="…") as pdf:
        canvas = pdf.canvas(A4)
        canvas.text(20, 30, "一家店", size=24, weight=BOLD)
        canvas.qr(20, 40, draw_qr("https://…"), side=60)
        pdf.add_page(canvas)

A drawing that many pages share (a voucher's background) is kept once: ``pdf.add_form(canvas)``,
then ``canvas.form(form, x, y)``.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from app.documents.drawing import FONT_NAMES, POINT, Box, Canvas, Form, Size
from app.documents.fonts import Face, cut_face, load_face

_FAST = 1  # The level of compression: a higher one halves the speed for a tenth of the size.
_PAGES_IN_NODE = 200


class Out(Protocol):
    """Where the bytes go: a file, or what seals one."""

    def write(self, piece: bytes, /) -> object: ...


class PdfFile:
    """A document on its way out. Only offsets and the set of used characters are remembered."""

    def __init__(self, out: Out, *, title: str) -> None:
        self._out = out
        self._title = title
        self._position = 0
        self._offsets = array("Q")  # By object number, from 1.
        self._forms: list[Form] = []
        self._nodes: list[int] = []  # Numbers of the page tree's nodes.
        self._kids: list[int] = []  # Pages of the node that is being filled.
        self._page_count = 0
        self.used: dict[str, set[str]] = {weight: set() for weight in FONT_NAMES}
        self._write(b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n")
        self._root, self._pages, self._resources = (self._reserve() for _ in range(3))
        self._fonts = {weight: self._reserve() for weight in FONT_NAMES}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()

    def canvas(self, size: Size) -> Canvas:
        return Canvas(size, self.used)

    def add_form(self, canvas: Canvas) -> Form:
        """Keep a drawing for use on many pages."""
        number = self._reserve()
        form = Form(f"X{len(self._forms)}", number, canvas.size)
        self._forms.append(form)
        self._stream(
            number,
            canvas.content(),
            f"/Type /XObject /Subtype /Form /BBox {_bounds(canvas.size)}"
            f" /Resources {self._resources} 0 R",
        )
        return form

    def add_page(self, canvas: Canvas, *, trim: Box | None = None, bleed: float = 0) -> None:
        """``trim`` is where the finished sheet is cut; colour runs ``bleed`` beyond it."""
        if not self._kids:
            self._nodes.append(self._reserve())
        content, page = self._reserve(), self._reserve()
        self._stream(content, canvas.content())
        boxes = f"/MediaBox {_bounds(canvas.size)}"
        if trim is not None:
            outer = Box(
                trim.x - bleed, trim.y - bleed, trim.width + 2 * bleed, trim.height + 2 * bleed
            )
            boxes += (
                f" /TrimBox {_corners(trim, canvas.size)} /BleedBox {_corners(outer, canvas.size)}"
            )
        self._object(
            page,
            f"<< /Type /Page /Parent {self._nodes[-1]} 0 R {boxes}"
            f" /Resources {self._resources} 0 R /Contents {content} 0 R >>",
        )
        self._kids.append(page)
        self._page_count += 1
        if len(self._kids) == _PAGES_IN_NODE:
            self._close_node()

    def close(self) -> None:
        """Write what pages share (fonts, tree, index). The file is complete after this only."""
        self._close_node()
        assert self._page_count, "a document has a page"
        self._object(
            self._pages,
            f"<< /Type /Pages /Count {self._page_count} /Kids [{_references(self._nodes)}] >>",
        )
        for weight, number in self._fonts.items():
            self._write_font(load_face(weight), number, self.used[weight])
        fonts = " ".join(f"/{FONT_NAMES[w]} {n} 0 R" for w, n in self._fonts.items())
        forms = " ".join(f"/{form.name} {form.number} 0 R" for form in self._forms)
        self._object(self._resources, f"<< /Font << {fonts} >> /XObject << {forms} >> >>")
        self._object(self._root, f"<< /Type /Catalog /Pages {self._pages} 0 R >>")
        information = self._reserve()
        title = ("\ufeff" + self._title).encode("utf-16-be").hex()
        self._object(information, f"<< /Title <{title}> /Producer (Kaquan) >>")
        self._write_index(information)

    def _close_node(self) -> None:
        if self._kids:
            self._object(
                self._nodes[-1],
                f"<< /Type /Pages /Parent {self._pages} 0 R /Count {len(self._kids)}"
                f" /Kids [{_references(self._kids)}] >>",
            )
            self._kids = []

    def _write_font(self, face: Face, number: int, letters: set[str]) -> None:
        """A composite font whose two-byte codes are the font's own character ids."""
        child, descriptor, program, unicode = (self._reserve() for _ in range(4))
        order = sorted(letters, key=lambda letter: face.cids[letter])
        self._object(
            number,
            f"<< /Type /Font /Subtype /Type0 /BaseFont /KAQUAN+{face.name} /Encoding /Identity-H"
            f" /DescendantFonts [{child} 0 R] /ToUnicode {unicode} 0 R >>",
        )
        widths = " ".join(f"{face.cids[letter]} [{face.widths[letter]}]" for letter in order)
        self._object(
            child,
            f"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /KAQUAN+{face.name}"
            " /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
            f" /FontDescriptor {descriptor} 0 R /DW 1000 /W [{widths}] >>",
        )
        self._object(
            descriptor,
            f"<< /Type /FontDescriptor /FontName /KAQUAN+{face.name} /Flags 4"
            f" /FontBBox [{' '.join(map(str, face.box))}] /ItalicAngle 0 /Ascent {face.ascent}"
            f" /Descent {face.descent} /CapHeight {face.cap_height} /StemV 80"
            f" /FontFile3 {program} 0 R >>",
        )
        self._stream(program, cut_face(face, order), "/Subtype /CIDFontType0C")
        self._stream(unicode, _to_unicode(face, order))

    def _write_index(self, information: int) -> None:
        start = self._position
        self._write(f"xref\n0 {len(self._offsets) + 1}\n0000000000 65535 f \n".encode())
        for at in range(0, len(self._offsets), 10_000):
            lines = "".join(
                f"{offset:010d} 00000 n \n" for offset in self._offsets[at : at + 10_000]
            )
            self._write(lines.encode())
        self._write(
            f"trailer\n<< /Size {len(self._offsets) + 1} /Root {self._root} 0 R"
            f" /Info {information} 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
        )

    def _reserve(self) -> int:
        self._offsets.append(0)
        return len(self._offsets)

    def _object(self, number: int, body: str) -> None:
        self._begin(number)
        self._write(f"{number} 0 obj\n{body}\nendobj\n".encode("ascii"))

    def _stream(self, number: int, content: bytes, entries: str = "") -> None:
        packed = zlib.compress(content, _FAST)
        self._begin(number)
        self._write(
            f"{number} 0 obj\n<< {entries} /Filter /FlateDecode /Length {len(packed)} >>\n"
            "stream\n".encode("ascii")
        )
        self._write(packed)
        self._write(b"\nendstream\nendobj\n")

    def _begin(self, number: int) -> None:
        assert self._offsets[number - 1] == 0, "an object is written once"
        self._offsets[number - 1] = self._position

    def _write(self, piece: bytes) -> None:
        self._out.write(piece)
        self._position += len(piece)


def _bounds(size: Size) -> str:
    return f"[0 0 {size.width * POINT:.3f} {size.height * POINT:.3f}]"


def _corners(box: Box, page: Size) -> str:
    left, bottom = box.x, page.height - box.y - box.height
    numbers = (left, bottom, left + box.width, bottom + box.height)
    return f"[{' '.join(f'{number * POINT:.3f}' for number in numbers)}]"


def _references(numbers: Sequence[int]) -> str:
    return " ".join(f"{number} 0 R" for number in numbers)


def _to_unicode(face: Face, letters: Sequence[str]) -> bytes:
    """What the character ids mean, so that text can be searched and copied."""
    lines = []
    for at in range(0, len(letters), 100):
        part = letters[at : at + 100]
        pairs = (f"<{face.cids[c]:04X}> <{c.encode('utf-16-be').hex()}>" for c in part)
        lines += [f"{len(part)} beginbfchar", *pairs, "endbfchar"]
    body = "\n".join(lines)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n"
        "1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
        f"{body}\nendcmap CMapName currentdict /CMap defineresource pop end end\n"
    ).encode("ascii")
