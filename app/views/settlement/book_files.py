"""The ledger for another accounting program: vouchers (记账凭证) with an accountant's own codes."""

from __future__ import annotations

import csv
import io
from itertools import groupby
from typing import IO

from flask_babel import gettext
from sqlalchemy.orm import Session

from app.documents.spreadsheets import SheetColumn
from app.documents.tables import BOM
from app.documents.workbooks import Cell, Money, Workbook, WrongTotal, plain_yuan
from app.models.base import OPERATOR_ID
from app.queries.settlement.account_codes import VoucherLine, read_codes, read_vouchers
from app.views.cells import WORDS
from app.views.filters import Period

Row = tuple[str, str, str, str, str, str, int, int]  # Day, number, what, code, title, whose, fen.


def write_vouchers(session: Session, period: Period, file: IO[bytes], *, kind: str) -> int:
    """Write what was booked on these days, as xlsx or csv; how many vouchers there are.

    Raises:
        WrongTotal: A voucher's debits are not its credits. Nothing is given out then.
    """
    rows = _rows(session, period)
    if kind == "csv":
        _write_csv(file, rows)
    else:
        _write_xlsx(file, rows)
    return len({row[:2] for row in rows})


def _rows(session: Session, period: Period) -> list[Row]:
    """Their numbers are day and place: one of a kind in a month, whatever days are asked for."""
    codes = {code.account: code for code in read_codes(session)}
    lines = read_vouchers(session, since=period.since, until=period.until)
    rows: list[Row] = []
    for day, of_day in groupby(lines, key=lambda line: line.day):
        vouchers = [list(group) for _, group in groupby(of_day, key=lambda line: line.kind)]
        for number, voucher in enumerate(vouchers, start=1):
            debit_fen = sum(line.debit_fen for line in voucher)
            credit_fen = sum(line.credit_fen for line in voucher)
            if debit_fen != credit_fen:
                raise WrongTotal(f"{day} {voucher[0].kind}: {debit_fen} is not {credit_fen}")
            # Debits first, as accountants write them.
            amounts = [(line, line.debit_fen, 0) for line in voucher]
            amounts += [(line, 0, line.credit_fen) for line in voucher]
            rows += [
                (day.isoformat(), f"{day:%d}{number:02d}", _what(line), codes[line.account].code,
                 codes[line.account].title, _whose(line), debit, credit)
                for line, debit, credit in amounts
                if debit or credit
            ]  # fmt: skip
    return rows


def _write_xlsx(file: IO[bytes], rows: list[Row]) -> None:
    kinds = ("day", "code", "wide", "code", "wide", "text", "money", "money")
    columns = [SheetColumn(h, kind) for h, kind in zip(_headings(), kinds, strict=True)]
    with (
        Workbook(file) as book,
        book.sheet(gettext("Accounting vouchers"), columns) as sheet,
    ):
        sheet.heading()
        for *words, debit, credit in rows:
            cells: list[Cell] = [str(word) for word in words]
            amounts = [Money(int(fen)) if fen else None for fen in (debit, credit)]
            sheet.row([*cells, *amounts])
        both = sum(row[6] for row in rows)
        sheet.totals(gettext("Total"), expected={6: both, 7: both})


def _write_csv(file: IO[bytes], rows: list[Row]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_headings())
    for *words, debit, credit in rows:
        writer.writerow([*words, *(plain_yuan(int(fen)) if fen else "" for fen in (debit, credit))])
    file.write(BOM + text.getvalue().encode())


def _headings() -> list[str]:
    return [gettext("Day"), gettext("Voucher number"), gettext("Summary text"),
            gettext("Account code"), gettext("Account title"), gettext("Auxiliary: merchant"),
            gettext("Debit"), gettext("Credit")]  # fmt: skip


def _what(line: VoucherLine) -> str:
    known = WORDS.get("kind", {}).get(line.kind)
    return gettext(known) if known else line.kind


def _whose(line: VoucherLine) -> str:
    return gettext("Platform") if line.merchant_id == OPERATOR_ID else line.merchant or ""
