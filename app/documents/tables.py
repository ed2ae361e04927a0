"""Tables as text: CSV, TSV and JSON as they come, and small ones in the forms that tablib knows."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import IO

import tablib

from app.documents.spreadsheets import SheetColumn, unescape_copied

BOM = b"\xef\xbb\xbf"  # Without it Excel takes UTF-8 for something else.
_NUMBERS = frozenset({"money", "integer", "percent"})
_AT_ONCE = 64 * 1024

Value = str | int | Decimal | datetime | None


def write_delimited(
    file: IO[bytes],
    *,
    columns: Sequence[SheetColumn],
    lines: Iterable[bytes],
    totals: Sequence[str],
    delimiter: str,
) -> None:
    """CSV or TSV of lines that PostgreSQL has already quoted."""
    file.write(BOM + _line([column.heading for column in columns], delimiter))
    batch = bytearray()
    for line in lines:
        batch += line
        if len(batch) > _AT_ONCE:
            file.write(batch)
            batch.clear()
    file.write(batch)
    file.write(_line(totals, delimiter))


def write_json(
    file: IO[bytes],
    *,
    columns: Sequence[SheetColumn],
    lines: Iterable[bytes],
    totals: Sequence[str],
) -> None:
    """One object with the rows and the totals; amounts are numbers in yuan."""
    keys = [json.dumps(column.heading, ensure_ascii=False) for column in columns]
    file.write(b'{"rows": [')
    first = True
    for line in lines:
        file.write(b"\n" if first else b",\n")
        first = False
        file.write(_object(keys, columns, split(line)))
    file.write(b'\n], "totals": ' + _object(keys, columns, list(totals)) + b"}\n")


def write_with_tablib(
    file: IO[bytes],
    *,
    kind: str,
    title: str,
    columns: Sequence[SheetColumn],
    lines: Iterable[bytes],
    totals: Sequence[str],
    below: Sequence[Sequence[str]] = (),
) -> None:
    """A table of some thousands of rows in one of tablib's forms. All of it is held in memory."""
    table = tablib.Dataset(headers=[column.heading for column in columns], title=title[:24])
    kinds = [column.kind for column in columns]
    for line in lines:
        table.append(list(map(_typed, kinds, split(line))))
    for ending in (totals, *below):
        table.append([_typed(kind if kind in _NUMBERS else "text", cell)
                      for kind, cell in zip(kinds, ending, strict=True)])  # fmt: skip
    made = table.export(kind)
    file.write(BOM + made.encode() if isinstance(made, str) else made)


def split(line: bytes) -> list[str]:
    """The cells of a line of COPY's text format."""
    return [unescape_copied(cell) for cell in line.rstrip(b"\n").split(b"\t")]


def _typed(kind: str, cell: str) -> Value:
    if not cell:
        return None
    if kind in _NUMBERS:
        return Decimal(cell) if "." in cell else int(cell)
    if kind == "when":
        return datetime.fromisoformat(cell)
    return cell


def _object(keys: Sequence[str], columns: Sequence[SheetColumn], cells: Sequence[str]) -> bytes:
    pairs = (
        f"{key}: {_json(column.kind, cell)}"
        for key, column, cell in zip(keys, columns, cells, strict=True)
    )
    return f"{{{', '.join(pairs)}}}".encode()


def _json(kind: str, cell: str) -> str:
    if not cell:
        return "null"
    return cell if kind in _NUMBERS else json.dumps(cell, ensure_ascii=False)


def _line(cells: Sequence[str], delimiter: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()
