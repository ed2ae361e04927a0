"""Workbooks of several sheets (xlsx) whose totals are formulas and have been added up here as well.

    with Workbook(file) as book:
        front = book.reserve("汇总")            # Its place among the sheets; written later.
        with book.sheet("门店", columns) as sheet:
            sheet.row(["P1", Money(12_50)])
            total = sheet.totals("合计", expected={1: 12_50})
        with book.sheet(front, summary_columns) as sheet:
            sheet.row(["门店", total])          # A formula that points to the other sheet.

Rows go straight into the file. A total that is not what was expected ends the writing: a workbook
with a wrong sum is not made.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO
from xml.sax.saxutils import escape

from app.core.clock import local
from app.core.money import plain_yuan
from app.documents.spreadsheets import (
    SheetColumn,
    letter_of,
    sheet_begin,
    sheet_end,
    write_frame,
)

_MONEY, _INTEGER, _WHEN, _DAY, _BOLD, _BOLD_MONEY, _BOLD_INTEGER, _TEXT = 1, 2, 4, 5, 6, 7, 8, 9
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\'\x00-\x1f]")
_LONGEST_NAME = 31
_FIRST_DAY = date(1899, 12, 30)


class WrongTotal(Exception):
    """Two ways of adding up do not agree; the file is not to be had."""


@dataclass(frozen=True)
class Money:
    """An amount in fen, shown in yuan."""

    fen: int


@dataclass(frozen=True)
class Formula:
    """What a spreadsheet calculates, and what it has to come to, in fen."""

    text: str
    fen: int


Cell = str | int | date | datetime | Money | Formula | None


class Workbook:
    """A workbook on its way out; its sheets are written one after the other."""

    def __init__(self, file: IO[bytes]) -> None:
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._names: list[str] = []
        self._frozen: dict[int, int] = {}

    def __enter__(self) -> Workbook:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_more: object) -> None:
        if kind is None:
            frozen = [self._frozen.get(n, 0) for n in range(1, len(self._names) + 1)]
            write_frame(self._archive, self._names, frozen=frozen)
        self._archive.close()

    def reserve(self, name: str) -> int:
        """A place among the sheets, under a name that no other sheet has."""
        clean = _NOT_IN_NAMES.sub(" ", name).strip()[:_LONGEST_NAME] or "Sheet"
        taken = {known.lower() for known in self._names}
        number, unique = 2, clean
        while unique.lower() in taken:
            unique = f"{clean[: _LONGEST_NAME - 4]} {number}"
            number += 1
        self._names.append(unique)
        return len(self._names)

    @contextmanager
    def sheet(
        self, place: int | str, columns: Sequence[SheetColumn], *, frozen: int = 1
    ) -> Iterator[Sheet]:
        """One sheet. Its first ``frozen`` rows stay on the screen and on every printed page."""
        number = place if isinstance(place, int) else self.reserve(place)
        with self._archive.open(f"xl/worksheets/sheet{number}.xml", "w") as out:
            self._frozen[number] = frozen
            sheet = Sheet(out, self._names[number - 1], columns, frozen=frozen)
            yield sheet
            sheet.end()


class Sheet:
    """The sheet being written. ``row_no`` is that of the last row."""

    def __init__(
        self, out: IO[bytes], name: str, columns: Sequence[SheetColumn], *, frozen: int
    ) -> None:
        self._out, self._name, self._columns = out, name, columns
        self.row_no = 0
        self._first = 1
        self._sums = [0] * len(columns)
        out.write(sheet_begin(columns, frozen=frozen))

    def heading(self, cells: Sequence[Cell] | None = None) -> None:
        """A bold row; the columns' own headings unless others are given. A table begins below."""
        self.row([c.heading for c in self._columns] if cells is None else cells, bold=True)
        self._first, self._sums = self.row_no + 1, [0] * len(self._columns)

    def row(self, cells: Sequence[Cell], *, bold: bool = False) -> None:
        self.row_no += 1
        for place, value in enumerate(cells):
            if isinstance(value, Money | Formula):
                self._sums[place] += value.fen
        xml = "".join(_cell(value, bold=bold) for value in cells)
        self._out.write(f'<row r="{self.row_no}">{xml}</row>'.encode())

    def totals(self, label: str, *, expected: Mapping[int, int]) -> dict[int, Formula]:
        """The table's totals as formulas; references to them for other sheets, by column.

        Args:
            expected: What the columns have to come to, in fen, found by another way.

        Raises:
            WrongTotal
        """
        first, last = self._first, self.row_no
        cells: list[Cell] = [label, *[None] * (len(self._columns) - 1)]
        references = {}
        for place, fen in expected.items():
            if self._sums[place] != fen:
                raise WrongTotal(f"{self._name}: {self._sums[place]} and not {fen} fen")
            letter = letter_of(place)
            text = f"SUM({letter}{first}:{letter}{last})" if last >= first else "0"
            cells[place] = Formula(text, fen)
            references[place] = Formula(f"'{self._name}'!{letter}{last + 1}", fen)
        self.row(cells, bold=True)
        return references

    def end(self) -> None:
        self._out.write(sheet_end())


def _cell(value: Cell, *, bold: bool) -> str:
    if value is None or value == "":
        return f'<c s="{_BOLD}"/>' if bold else "<c/>"
    if isinstance(value, Formula):
        style = _BOLD_MONEY if bold else _MONEY
        return f'<c s="{style}"><f>{escape(value.text)}</f><v>{plain_yuan(value.fen)}</v></c>'
    if isinstance(value, Money):
        return f'<c s="{_BOLD_MONEY if bold else _MONEY}"><v>{plain_yuan(value.fen)}</v></c>'
    if isinstance(value, datetime):
        return f'<c s="{_WHEN}"><v>{_instant(value)}</v></c>'
    if isinstance(value, date):
        return f'<c s="{_DAY}"><v>{(value - _FIRST_DAY).days}</v></c>'
    if isinstance(value, int):
        return f'<c s="{_BOLD_INTEGER if bold else _INTEGER}"><v>{value}</v></c>'
    words = escape(_ILLEGAL.sub("", value))
    style = _BOLD if bold else _TEXT
    return f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{words}</t></is></c>'


def _instant(value: datetime) -> str:
    """The day's number and, after the point, how much of the local day was over."""
    here = local(value)
    seconds = here.hour * 3600 + here.minute * 60 + here.second
    return f"{(here.date() - _FIRST_DAY).days + seconds / 86_400:.6f}"
