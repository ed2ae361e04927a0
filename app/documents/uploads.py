"""Spreadsheets that people bring: rows of plain text, or a sentence that says what is wrong.

Nothing of a file is believed. Formulas, merged cells and what is too long are refused by row; dates
and numbers come as the text that a person would have typed.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from app.core.errors import N_, Category, DomainError

MAX_ROWS = 100_000
MAX_BYTES = 20_000_000
MAX_UNPACKED = 300_000_000
_LONGEST_CELL = 200
_EXACT = 1e15  # A spreadsheet keeps fifteen digits of a number.
_MERGED = re.compile(rb'<mergeCell ref="([A-Z]{1,3}([0-9]{1,7}):[A-Z]{1,3}[0-9]{1,7})"')


class SheetUnreadable(DomainError):
    code = "sheet_unreadable"
    category = Category.INVALID
    template = N_("This is not a readable xlsx or csv file. Please save it again as one of these.")


class SheetTooLong(DomainError):
    code = "sheet_too_long"
    category = Category.INVALID
    template = N_("The file has more than %(most)s rows or is too large. Please divide it.")


class SheetMerged(DomainError):
    code = "sheet_merged"
    category = Category.INVALID
    template = N_("The file has merged cells (%(where)s). Please unmerge them: a card in each row.")


class SheetFormula(DomainError):
    code = "sheet_formula"
    category = Category.INVALID
    template = N_("Row %(row)s has a formula. Please paste the values instead of the formulas.")


@dataclass(frozen=True)
class Row:
    """A row of a sheet by its own number, and its cells as text."""

    number: int
    cells: Sequence[str]


def read_sheet(name: str, content: bytes) -> Sequence[Row]:
    """The rows of the first sheet that are not empty, the headings first.

    Raises:
        SheetUnreadable, SheetTooLong, SheetMerged, SheetFormula
    """
    if len(content) > MAX_BYTES:
        raise SheetTooLong(most=MAX_ROWS)
    rows = []
    for row in _xlsx(content) if content[:2] == b"PK" else _csv(content):
        if any(row.cells):
            rows.append(row)
        if row.number > MAX_ROWS + 1:
            raise SheetTooLong(most=MAX_ROWS)
    if not rows or name.lower().endswith(".xls"):
        raise SheetUnreadable
    return rows


def _csv(content: bytes) -> Iterator[Row]:
    for encoding in ("utf-8-sig", "gb18030"):  # Excel in Chinese saves the second.
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise SheetUnreadable
    if "\x00" in text:
        raise SheetUnreadable
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline="")), 1):
            if any(cell.startswith("=") for cell in cells):
                raise SheetFormula(row=number)
            yield Row(number, [cell.strip()[:_LONGEST_CELL] for cell in cells])
    except csv.Error:
        raise SheetUnreadable from None


def _xlsx(content: bytes) -> Iterator[Row]:
    _require_sane_package(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        for number, cells in enumerate(sheet.iter_rows(), 1):
            if any(cell.data_type == "f" for cell in cells):
                raise SheetFormula(row=number)
            yield Row(number, [_text(cell.value) for cell in cells])
    except (InvalidFileException, KeyError, ValueError, IndexError, SyntaxError):
        raise SheetUnreadable from None


def _require_sane_package(content: bytes) -> None:
    """No bomb, and no merged cells: read-only mode, which a long sheet needs, does not see them."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            if sum(part.file_size for part in package.infolist()) > MAX_UNPACKED:
                raise SheetTooLong(most=MAX_ROWS)
            sheets = [n for n in package.namelist() if n.startswith("xl/worksheets/sheet")]
            if not sheets:
                raise SheetUnreadable
            merged = _MERGED.search(package.read(min(sheets, key=lambda name: (len(name), name))))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
        raise SheetUnreadable from None
    if merged is not None:
        raise SheetMerged(where=merged[1].decode())


def _text(value: Any) -> str:
    """A cell as a person would have typed it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        if abs(value) >= _EXACT or value != value:  # Digits are lost: nobody typed what is left.
            return repr(value)
        return str(int(value)) if value.is_integer() else f"{Decimal(repr(value)):f}"
    return str(value).strip()[:_LONGEST_CELL]
