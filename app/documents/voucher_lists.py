"""A batch as data for a print shop that sets the vouchers itself: csv or xlsx, by tablib."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import tablib

from app.core import codes
from app.documents.pdf import Out
from app.documents.vouchers import PrintedVoucher, VoucherDesign, value_text

# The print shop's people read Chinese, whatever language the console is in.
COLUMNS = ("券号", "券码", "网址", "面值（元）", "有效期")
_PART = 1000
_BOM = b"\xef\xbb\xbf"  # Without it a spreadsheet program takes Chinese for something else.
Progress = Callable[[int], None]


def write_csv(
    out: Out, *, design: VoucherDesign, vouchers: Iterable[PrintedVoucher], progress: Progress
) -> int:
    """UTF-8 with a mark at the beginning, part by part, so that memory does not grow."""
    written = 0
    out.write(_BOM)
    for part in _parts(vouchers):
        data = tablib.Dataset(*(_row(design, one) for one in part))
        if not written:
            data.headers = COLUMNS
        out.write(data.export("csv").encode())
        written += len(part)
        progress(written)
    return written


def write_xlsx(
    out: Out, *, design: VoucherDesign, vouchers: Iterable[PrintedVoucher], progress: Progress
) -> int:
    """A workbook; every cell is text, so that no number loses its zeros."""
    data = tablib.Dataset(headers=COLUMNS, title=design.batch_no)
    for part in _parts(vouchers):
        data.extend(_row(design, one) for one in part)
        progress(len(data))
    out.write(data.export("xlsx"))
    return len(data)


def _parts(vouchers: Iterable[PrintedVoucher]) -> Iterator[Sequence[PrintedVoucher]]:
    source = iter(vouchers)
    while part := list(islice(source, _PART)):
        yield part


def _row(design: VoucherDesign, one: PrintedVoucher) -> tuple[str, ...]:
    return (
        one.serial_no,
        codes.grouped(one.code),
        design.address + one.code,
        value_text(design).replace(",", ""),
        design.validity,
    )
