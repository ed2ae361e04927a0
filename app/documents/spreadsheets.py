"""A spreadsheet (xlsx) written as it comes, row after row, in the memory of a few thousand rows.

Cells arrive as text that PostgreSQL has made: numbers as digits, instants as day numbers, null as
nothing. They are written as what they are: a number is a number, a date a date, all else text. The
header stands bold and frozen and again on every printed page, the totals below the last row. It is
printed on A4 across, as wide as the page, with page numbers.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO
from xml.sax.saxutils import escape

ROWS_A_SHEET = 1_000_000  # Excel takes 1,048,576; the header and the totals are among them.
_BYTES_A_SHEET = 1_900_000_000  # Readers of ZIP without 64-bit sizes end at two gibibytes.
_AT_ONCE = 500
# Text with one of these is not what it looks like: escaped by COPY, or to be escaped for XML.
_SPECIAL = re.compile(rb"[&<>\\\x00-\x08\x0b-\x1f]|\xef\xbf[\xbe\xbf]")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}

# The numbers are places in _STYLES.
_STYLE = {"money": 1, "integer": 2, "percent": 3, "when": 4, "day": 5}
_BOLD_STYLE = {"money": 7, "integer": 8}
_TEXT_STYLE, _BOLD = 9, 6
WIDTH = {"money": 15, "integer": 10, "percent": 10, "when": 20, "day": 12, "code": 24, "wide": 34}
_STYLES = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<numFmts count="4"><numFmt numFmtId="164" formatCode="#,##0.00"/>
<numFmt numFmtId="165" formatCode="#,##0"/><numFmt numFmtId="166" formatCode="yyyy-mm-dd hh:mm:ss"/>
<numFmt numFmtId="167" formatCode="yyyy-mm-dd"/></numFmts>
<fonts count="2"><font><sz val="10"/><name val="微软雅黑"/><charset val="134"/></font>
<font><b/><sz val="10"/><name val="微软雅黑"/><charset val="134"/></font></fonts>
<fills count="3"><fill><patternFill patternType="none"/></fill>
<fill><patternFill patternType="gray125"/></fill>
<fill><patternFill patternType="solid"><fgColor rgb="FFF0F2F0"/></patternFill></fill></fills>
<borders count="1"><border/></borders>
<cellStyleXfs count="1"><xf/></cellStyleXfs>
<cellXfs count="10"><xf/><xf numFmtId="164" applyNumberFormat="1"/>
<xf numFmtId="165" applyNumberFormat="1"/><xf numFmtId="10" applyNumberFormat="1"/>
<xf numFmtId="166" applyNumberFormat="1"/><xf numFmtId="167" applyNumberFormat="1"/>
<xf fontId="1" fillId="2" applyFont="1" applyFill="1"/>
<xf numFmtId="164" fontId="1" fillId="2" applyNumberFormat="1" applyFont="1" applyFill="1"/>
<xf numFmtId="165" fontId="1" fillId="2" applyNumberFormat="1" applyFont="1" applyFill="1"/>
<xf numFmtId="49" applyNumberFormat="1"/></cellXfs>
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>
</styleSheet>"""
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


@dataclass(frozen=True)
class SheetColumn:
    """``kind`` is one of money, integer, percent, when, day, code; anything else is text.

    ``width`` is in digits, about half of a Chinese character's; unless given, the kind's own.
    """

    heading: str
    kind: str
    width: int | None = None


def write_spreadsheet(
    file: IO[bytes],
    *,
    title: str,
    columns: Sequence[SheetColumn],
    lines: Iterable[bytes],
    totals: Sequence[str],
    below: Sequence[Sequence[str]] = (),
) -> None:
    """Write a whole workbook.

    Args:
        lines: A row each, as COPY writes them in its text format with ``NULL ''``.
        totals: A cell for every column, empty where nothing is summed.
        below: Further rows of the same shape, under the totals.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        rows = iter(lines)
        sheets = 0
        more = True
        while more:
            sheets += 1
            with archive.open(f"xl/worksheets/sheet{sheets}.xml", "w") as sheet:
                more = _write_sheet(sheet, columns, rows, [totals, *below])
        names = [_sheet_name(title, n, sheets) for n in range(1, sheets + 1)]
        write_frame(archive, names, frozen=[1] * sheets)


class _Rows:
    """Turns lines into XML. Rows with the same cells empty are of one shape, which is kept."""

    def __init__(self, columns: Sequence[SheetColumn]) -> None:
        self._cells = [_cell_of(column.kind) for column in columns]
        self._shapes: dict[tuple[bool, ...], bytes] = {}

    def row(self, line: bytes) -> bytes:
        if _SPECIAL.search(line):
            values = [_escaped(value) for value in line[:-1].split(b"\t")]
        else:
            values = line[:-1].split(b"\t")
        filled = tuple(map(bool, values))
        shape = self._shapes.get(filled)
        if shape is None:
            shape = self._shapes[filled] = self._shape(filled)
        return shape % tuple(filter(None, values))

    def _shape(self, filled: tuple[bool, ...]) -> bytes:
        cells = (cell if full else b"<c/>" for cell, full in zip(self._cells, filled, strict=True))
        return b"<row>" + b"".join(cells) + b"</row>"


def _write_sheet(
    sheet: IO[bytes],
    columns: Sequence[SheetColumn],
    lines: Iterator[bytes],
    ends: Sequence[Sequence[str]],
) -> bool:
    """One sheet, as full as a sheet may be. Whether there is more for another one."""
    sheet.write(_head(columns))
    rows, size, written = _Rows(columns), 0, 0
    batch: list[bytes] = []
    full = False
    for written, line in enumerate(lines, start=1):
        batch.append(rows.row(line))
        if len(batch) == _AT_ONCE:
            size += sheet.write(b"".join(batch))
            batch.clear()
            full = written >= ROWS_A_SHEET or size > _BYTES_A_SHEET
            if full:
                break
    sheet.write(b"".join(batch))
    if not full:
        for cells in ends:
            sheet.write(_totals_row(columns, cells))
    filtered = f"A1:{letter_of(len(columns) - 1)}{written + 1}"
    sheet.write(sheet_end(filtered=filtered))
    return full


def _head(columns: Sequence[SheetColumn]) -> bytes:
    headings = "".join(_text_cell(column.heading, _BOLD) for column in columns)
    return sheet_begin(columns, frozen=1) + f"<row>{headings}</row>".encode()


def sheet_begin(columns: Sequence[SheetColumn], *, frozen: int) -> bytes:
    """A sheet up to its first row; the first ``frozen`` rows stay where they are."""
    widths = "".join(
        f'<col min="{n}" max="{n}" width="{column.width or WIDTH.get(column.kind, 18)}"'
        ' customWidth="1"/>'
        for n, column in enumerate(columns, start=1)
    )
    pane = (
        f'<pane ySplit="{frozen}" topLeftCell="A{frozen + 1}" activePane="bottomLeft"'
        ' state="frozen"/>'
    )
    return (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        f'<sheetViews><sheetView workbookViewId="0">{pane if frozen else ""}</sheetView>'
        f"</sheetViews><cols>{widths}</cols><sheetData>"
    ).encode()


def sheet_end(*, filtered: str = "") -> bytes:
    """A sheet's end: what people may filter, and how it is printed."""
    choice = f'<autoFilter ref="{filtered}"/>' if filtered else ""
    return (
        f'</sheetData>{choice}<pageMargins left="0.5" right="0.5" top="0.6" bottom="0.6"'
        ' header="0.3" footer="0.3"/>'
        '<pageSetup paperSize="9" orientation="landscape" fitToWidth="1" fitToHeight="0"/>'
        "<headerFooter><oddHeader>&amp;C&amp;A</oddHeader>"
        "<oddFooter>&amp;C&amp;P / &amp;N</oddFooter></headerFooter></worksheet>"
    ).encode()


def letter_of(place: int) -> str:
    """A column's letters, from 0: A."""
    letters = ""
    number = place + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _totals_row(columns: Sequence[SheetColumn], totals: Sequence[str]) -> bytes:
    cells = []
    for column, value in zip(columns, totals, strict=True):
        if value and column.kind in _BOLD_STYLE:
            cells.append(f'<c s="{_BOLD_STYLE[column.kind]}"><v>{value}</v></c>')
        else:
            cells.append(_text_cell(value, _BOLD) if value else f'<c s="{_BOLD}"/>')
    return f"<row>{''.join(cells)}</row>".encode()


def _cell_of(kind: str) -> bytes:
    """A cell with a place for its value."""
    if kind in _STYLE:
        return f'<c s="{_STYLE[kind]}"><v>%b</v></c>'.encode()
    return (
        f'<c s="{_TEXT_STYLE}" t="inlineStr"><is><t xml:space="preserve">%b</t></is></c>'.encode()
    )


def _text_cell(value: str, style: int) -> str:
    return f'<c s="{style}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def _escaped(value: bytes) -> bytes:
    return escape(_ILLEGAL.sub("", unescape_copied(value))).encode()


def unescape_copied(value: bytes) -> str:
    """A value of COPY's text format as it is in the database."""
    words = value.decode()
    if "\\" not in words:
        return words
    return re.sub(r"\\(.)", lambda found: _ESCAPED.get(found[1], found[1]), words, flags=re.DOTALL)


def write_frame(archive: zipfile.ZipFile, names: Sequence[str], *, frozen: Sequence[int]) -> None:
    """What makes a workbook of the sheets that are written: their names in order, and styles.

    Args:
        frozen: How many rows of each sheet stand on every printed page.
    """
    archive.writestr("[Content_Types].xml", _content_types(len(names)))
    archive.writestr(
        "_rels/.rels",
        f'{_XML}<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1"'
        f' Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    )
    archive.writestr("xl/workbook.xml", _workbook(names, frozen))
    archive.writestr("xl/_rels/workbook.xml.rels", _workbook_relations(len(names)))
    archive.writestr("xl/styles.xml", _STYLES)


def _content_types(sheets: int) -> str:
    return (
        f'{_XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
        'relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPES}.styles+xml"/>'
        + "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml"'
            f' ContentType="{_TYPES}.worksheet+xml"/>'
            for n in range(1, sheets + 1)
        )
        + "</Types>"
    )


def _workbook(names: Sequence[str], frozen: Sequence[int]) -> str:
    return (
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        + "".join(
            f'<sheet name="{escape(name, {chr(34): "&quot;"})}" sheetId="{n}" r:id="rId{n}"/>'
            for n, name in enumerate(names, 1)
        )
        + f"</sheets>{_printed_titles(names, frozen)}</workbook>"
    )


def _workbook_relations(sheets: int) -> str:
    return (
        f'{_XML}<Relationships xmlns="{_RELATIONS}">'
        + "".join(
            f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet"'
            f' Target="worksheets/sheet{n}.xml"/>'
            for n in range(1, sheets + 1)
        )
        + f'<Relationship Id="rId{sheets + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/>'
        "</Relationships>"
    )


def _printed_titles(names: Sequence[str], frozen: Sequence[int]) -> str:
    titles = "".join(
        f'<definedName name="_xlnm.Print_Titles" localSheetId="{n}">'
        f"{escape(_quoted(name))}!$1:${rows}</definedName>"
        for n, (name, rows) in enumerate(zip(names, frozen, strict=True))
        if rows
    )
    return f"<definedNames>{titles}</definedNames>" if titles else ""


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _sheet_name(title: str, number: int, sheets: int) -> str:
    clean = re.sub(r"[\[\]:*?/\\']", " ", title)[:24].strip() or "Sheet"
    return clean if sheets == 1 else f"{clean} {number}"
