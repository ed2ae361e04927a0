"""Print sheets: vouchers imposed on paper, with bleed, crop marks, backs, in guillotine order.

**Stack order.** The sheets of a stack are cut together. A pile then holds consecutive numbers, and
the piles follow each other: with S sheets in the stack, the place p of sheet s shows voucher
``p × S + s``. A stack is as high as a guillotine takes, so no more than that is held in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from app.documents.drawing import A4, Box, Canvas, Form, Size
from app.documents.pdf import Out, PdfFile
from app.documents.vouchers import (
    BLEED,
    CARD,
    PrintedVoucher,
    VoucherDesign,
    draw_card,
    draw_card_back,
    draw_label,
    draw_on_card,
    draw_on_label,
    sample_voucher,
)

STACK_SHEETS = 500  # About 6 cm of 250 g card.
_MARK, _MARK_GAP = 5.0, 4.0  # A crop mark's length, and how far from the cut it begins.


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How vouchers lie on a page. ``trim`` is one finished voucher."""

    page: Size
    trim: Size
    columns: int = 1
    rows: int = 1
    bleed: float = 0.0
    marks: bool = False
    back: bool = False
    card: bool = True

    @property
    def places(self) -> int:
        return self.columns * self.rows

    def place(self, index: int) -> Box:
        """Where the voucher of that place is cut out; places run row by row."""
        row, column = divmod(index, self.columns)
        step = Size(self.trim.width + 2 * self.bleed, self.trim.height + 2 * self.bleed)
        left = (self.page.width - self.columns * step.width) / 2 + self.bleed
        top = (self.page.height - self.rows * step.height) / 2 + self.bleed
        return Box(left + column * step.width, top + row * step.height, *self.trim)

    def back_place(self, index: int) -> Box:
        """The same voucher on the back, when the sheet is turned over its long edge."""
        front = self.place(index)
        return front._replace(x=self.page.width - front.x - front.width)


def _label(width: float, height: float) -> Layout:
    return Layout(page=Size(width, height), trim=Size(width, height), card=False)


LAYOUTS: Mapping[str, Layout] = {
    "a4": Layout(page=A4, trim=CARD, columns=2, rows=4, bleed=BLEED, marks=True, back=True),
    "card": Layout(
        page=Size(CARD.width + 2 * BLEED, CARD.height + 2 * BLEED),
        trim=CARD,
        bleed=BLEED,
        back=True,
    ),
    "label_70x50": _label(70, 50),
    "label_60x40": _label(60, 40),
    "label_50x30": _label(50, 30),
}


def write_sheets(
    out: Out,
    *,
    design: VoucherDesign,
    layout: Layout,
    vouchers: Iterable[PrintedVoucher],
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write the whole run and return how many vouchers there were.

    Args:
        progress: Told now and then how many are written; what it raises stops the writing.
    """
    written = 0
    with PdfFile(out, title=f"{design.title} {design.batch_no}") as pdf:
        press = _Press(pdf, design, layout)
        source = iter(vouchers)
        for number, stack in enumerate(_stacks(source, layout), start=1):
            sheets = -(-len(stack) // layout.places)
            for sheet in range(sheets):
                slots = [
                    stack[at] if (at := place * sheets + sheet) < len(stack) else None
                    for place in range(layout.places)
                ]
                press.print_sheet(slots, f"第{number}叠 第{sheet + 1}/{sheets}张")
                written += sum(one is not None for one in slots)
                if progress is not None:
                    progress(written)
        assert written, "an empty run is not printed"
    return written


def write_proof(out: Out, *, design: VoucherDesign, layout: Layout) -> None:
    """One sheet with a mark across it and codes that nobody takes, to be looked at and scanned."""
    sample = replace(design, sample=True)
    with PdfFile(out, title=f"样张 {design.title}") as pdf:
        one = sample_voucher(sample)
        _Press(pdf, sample, layout).print_sheet([one] * layout.places, "样张 不可兑换")


def _stacks(source: Iterator[PrintedVoucher], layout: Layout) -> Iterator[Sequence[PrintedVoucher]]:
    height = STACK_SHEETS * layout.places if layout.places > 1 else STACK_SHEETS
    while stack := list(islice(source, height)):
        yield stack


class _Press:
    """What all sheets of a run have in common, drawn once and kept in the file."""

    def __init__(self, pdf: PdfFile, design: VoucherDesign, layout: Layout) -> None:
        self._pdf, self._design, self._layout = pdf, design, layout
        around = Size(layout.trim.width + 2 * layout.bleed, layout.trim.height + 2 * layout.bleed)
        front = pdf.canvas(around)
        (draw_card if layout.card else draw_label)(front, design)
        self._front = pdf.add_form(front)
        self._back: Form | None = None
        if layout.back:
            back = pdf.canvas(around)
            draw_card_back(back, design)
            self._back = pdf.add_form(back)
        self._marks: Form | None = None
        if layout.marks:
            marks = pdf.canvas(layout.page)
            _draw_marks(marks, layout)
            self._marks = pdf.add_form(marks)

    def print_sheet(self, slots: Sequence[PrintedVoucher | None], note: str) -> None:
        layout, design = self._layout, self._design
        draw_own = draw_on_card if layout.card else draw_on_label
        page = self._begin(f"{design.batch_no} {note} 正面")
        for index, one in enumerate(slots):
            if one is not None:
                box = layout.place(index)
                page.form(self._front, box.x - layout.bleed, box.y - layout.bleed)
                draw_own(page, design, one, box)
        self._end(page)
        if self._back is not None:
            page = self._begin(f"{design.batch_no} {note} 背面")
            for index, one in enumerate(slots):
                if one is not None:
                    box = layout.back_place(index)
                    page.form(self._back, box.x - layout.bleed, box.y - layout.bleed)
            self._end(page)

    def _begin(self, note: str) -> Canvas:
        page = self._pdf.canvas(self._layout.page)
        if self._marks is not None:
            page.form(self._marks, 0, 0)
            page.text(self._layout.page.width / 2, 290, note, size=7, align="centre")
        return page

    def _end(self, page: Canvas) -> None:
        layout = self._layout
        trim = layout.place(0) if layout.places == 1 else Box(0, 0, *layout.page)
        self._pdf.add_page(page, trim=trim, bleed=layout.bleed if layout.places == 1 else 0)


def _draw_marks(canvas: Canvas, layout: Layout) -> None:
    """Crop marks in the sheet's margins, two at each end of every cut."""
    boxes = [layout.place(index) for index in range(layout.places)]
    left, top = boxes[0].x - _MARK_GAP, boxes[0].y - _MARK_GAP
    last = boxes[-1]
    right, bottom = last.x + last.width + _MARK_GAP, last.y + last.height + _MARK_GAP
    for x in sorted({edge for box in boxes for edge in (box.x, box.x + box.width)}):
        canvas.line((x, top), (x, top - _MARK))
        canvas.line((x, bottom), (x, bottom + _MARK))
    for y in sorted({edge for box in boxes for edge in (box.y, box.y + box.height)}):
        canvas.line((left, y), (left - _MARK, y))
        canvas.line((right, y), (right + _MARK, y))
