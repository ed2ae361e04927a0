"""Statements as files: workbook, paper and csv, made in the reader's scope from what they see."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import groupby
from tempfile import SpooledTemporaryFile
from typing import IO

from flask import Response
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.core import money
from app.core.clock import local
from app.documents.spreadsheets import SheetColumn
from app.documents.statement_papers import PaperRow, PaperWords, write_statement_paper
from app.documents.tables import BOM
from app.documents.workbooks import Cell, Formula, Money, Sheet, Workbook, WrongTotal, plain_yuan
from app.models.statements import Statement
from app.models.tenants import Merchant
from app.queries.settlement.statements import (
    LineRow,
    StatementRow,
    SumRow,
    read_statements,
    read_stores,
    read_sums,
    stream_lines,
)
from app.views.cells import state_name
from app.views.exporting import content_type, headers_for
from app.views.filters import Period
from app.views.settlement.statement_words import kind_name, part_name, store_name, whose

_IN_MEMORY = 4 << 20
_MONEY_FROM = 3  # The first column of lines that holds an amount.


def write_workbook(session: Session, statement: Statement, file: IO[bytes]) -> None:
    """A summary, and a sheet for every store with each line; totals are formulas, checked here.

    Raises:
        WrongTotal: Lines, sums and the statement do not agree. Nothing is given out then.
    """
    with Workbook(file) as book:
        front = book.reserve(gettext("Summary"))
        stores = []
        for store in read_stores(session, statement_id=statement.id):
            name = store_name(store.store)
            with book.sheet(name, _line_columns()) as sheet:
                lines = stream_lines(session, statement_id=statement.id, store_id=store.store_id)
                total = _write_lines(sheet, lines, store.amount_fen)
            stores.append((name, store.line_count, total))
        with book.sheet(front, _summary_columns(), frozen=0) as sheet:
            _write_summary(session, sheet, statement, stores)


def write_csv(session: Session, statement: Statement, file: IO[bytes]) -> None:
    """Every line for an accounting program: no formulas, no totals, numbers plain."""
    file.write(BOM)
    columns = [SheetColumn(gettext("Store"), "text"), *_line_columns()]
    for cells in _csv_rows(session, statement, [column.heading for column in columns]):
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerow(cells)
        file.write(text.getvalue().encode())


def write_paper(session: Session, statement: Statement, file: IO[bytes]) -> None:
    """The statement to sign and to stamp."""
    merchant = session.get_one(Merchant, statement.merchant_id).name
    found = read_sums(session, statement_id=statement.id)
    rows: list[PaperRow] = []
    for (_, store), of_store in groupby(found, key=lambda row: (row.store_id, row.store)):
        several = list(of_store)
        rows += [_paper_row(row) for row in several]
        fen = sum(row.amount_fen for row in several)
        if len(several) > 1:
            subtotal = gettext("%(store)s, subtotal", store=store_name(store))
            rows.append(PaperRow(subtotal, "", "", "", money.yuan(fen), is_sum=True))
    sums = [
        PaperRow(label, "", "", "", money.yuan(fen), is_sum=True)
        for label, fen in _ending(statement)
    ]
    write_statement_paper(file, words=_paper_words(statement, merchant), rows=rows, sums=sums)


def _paper_row(row: SumRow) -> PaperRow:
    return PaperRow(
        store_name(row.store),
        f"{kind_name(row.kind)} · {part_name(row.part)}",
        whose(row),
        f"{row.line_count:,}",
        money.yuan(row.amount_fen),
    )


def write_combined(session: Session, period: Period, file: IO[bytes]) -> None:
    """All merchants' statements of some days: one sheet over all, then one a merchant."""
    assert period.first is not None
    assert period.last is not None
    found = read_statements(session, first=period.first, last=period.last)
    by_merchant: dict[int, list[StatementRow]] = {}
    for row in found:
        by_merchant.setdefault(row.merchant_id, []).append(row)
    with Workbook(file) as book:
        front = book.reserve(gettext("All merchants"))
        totals = []
        for rows in by_merchant.values():
            with book.sheet(rows[0].merchant, _combined_columns()) as sheet:
                totals.append((rows, _write_statements(sheet, rows)))
        with book.sheet(front, _combined_columns()) as sheet:
            named = [gettext("Merchant"), gettext("Statements"), None, None]
            sheet.heading([*named, *(column.heading for column in _combined_columns()[4:])])
            for rows, total in totals:
                cells: list[Cell] = [rows[0].merchant, len(rows), None, None]
                sheet.row([*cells, *(total[place] for place in sorted(total))])
            sheet.totals(gettext("Total"), expected=_expected(found))


def answer_file(kind: str, name: str, file: IO[bytes]) -> Response:
    """Send a finished file, some pieces at a time."""
    file.seek(0, io.SEEK_END)
    size = file.tell()
    file.seek(0)
    types = {"pdf": "application/pdf"}
    answer = Response(_pieces(file), content_type=types.get(kind) or content_type(kind))
    answer.headers.update(headers_for(f"{name}.{kind}"))
    answer.content_length = size
    return answer


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(1 << 16):
            yield piece


def new_file() -> IO[bytes]:
    """Small files in memory, large ones on the disk."""
    return SpooledTemporaryFile(max_size=_IN_MEMORY)


def _write_lines(sheet: Sheet, lines: Iterator[LineRow], expected_fen: int) -> Formula:
    sheet.heading()
    sums = [0] * len(_amounts_of_none())
    for line in lines:
        amounts = _amounts(line)
        sums = [kept + fen for kept, fen in zip(sums, amounts, strict=True)]
        late = gettext("Earlier period") if line.is_late else ""
        sheet.row(
            [line.occurred_at, line.document_no, kind_name(line.kind), *map(Money, amounts), late]
        )
    if sums[-1] != expected_fen or sum(sums[:-1]) != sums[-1]:
        raise WrongTotal(f"a store's lines come to {sums[-1]}, the statement says {expected_fen}")
    expected = dict(enumerate(sums, start=_MONEY_FROM))
    total = sheet.totals(gettext("Total"), expected=expected)
    return total[_MONEY_FROM + len(sums) - 1]


def _write_summary(
    session: Session,
    sheet: Sheet,
    statement: Statement,
    stores: Sequence[tuple[str, int, Formula]],
) -> None:
    lines_fen = statement.earned_fen + statement.cash_fen
    merchant = session.get_one(Merchant, statement.merchant_id).name
    for label, value in _facts(statement, merchant):
        sheet.row([label, value])
    sheet.row([])
    sheet.heading()
    for row in read_sums(session, statement_id=statement.id):
        sheet.row([store_name(row.store), kind_name(row.kind), part_name(row.part), whose(row),
                   row.line_count, Money(row.amount_fen)])  # fmt: skip
    sheet.totals(gettext("Total of the parts"), expected={5: lines_fen})
    sheet.row([])
    sheet.heading([gettext("By store, from the lines"), None, None, None, gettext("Lines"),
                   gettext("Amount")])  # fmt: skip
    for name, count, total in stores:
        sheet.row([name, None, None, None, count, total])
    sheet.totals(gettext("Total of the lines"), expected={5: lines_fen})
    total_row = sheet.row_no
    sheet.row([gettext("Opening balance"), None, None, None, None, Money(statement.opening_fen)])
    due = Formula(f"F{total_row}+F{total_row + 1}", statement.due_fen)
    sheet.row([gettext("Due to the merchant"), None, None, None, None, due], bold=True)


def _write_statements(sheet: Sheet, rows: Sequence[StatementRow]) -> dict[int, Formula]:
    sheet.heading()
    for row in rows:
        cells: list[Cell] = [row.statement_no, state_name(row.status), row.period_first_on,
                             row.period_last_on]  # fmt: skip
        sheet.row([*cells, *map(Money, _statement_amounts(row))])
    return sheet.totals(gettext("Total"), expected=_expected(rows))


def _statement_amounts(row: StatementRow) -> list[int]:
    return [row.opening_fen, row.card_own_fen, row.card_group_fen, row.wechat_fen, row.paper_fen,
            row.commission_fen, row.borne_fen, row.other_fen, row.cash_fen,
            row.due_fen, -min(row.due_fen, 0), max(row.due_fen, 0)]  # fmt: skip


def _expected(rows: Sequence[StatementRow]) -> dict[int, int]:
    """Each column's total. What is due is what the parts before it come to.

    What is carried is due on two statements: only what is to be paid is added up once.
    """
    sums = [0] * 12
    for row in rows:
        *parts, due_fen, carried_fen, to_pay_fen = amounts = _statement_amounts(row)
        if sum(parts) != due_fen or due_fen + carried_fen != to_pay_fen:
            raise WrongTotal(f"the parts of {row.statement_no} do not come to what is due")
        sums = [kept + fen for kept, fen in zip(sums, amounts, strict=True)]
    return dict(enumerate(sums, start=4))


def _csv_rows(
    session: Session, statement: Statement, headings: Sequence[str]
) -> Iterator[Sequence[object]]:
    yield headings
    for line in stream_lines(session, statement_id=statement.id, every=True):
        late = gettext("Earlier period") if line.is_late else ""
        when = local(line.occurred_at).strftime("%Y-%m-%d %H:%M:%S")
        yield [store_name(line.store), when, line.document_no, kind_name(line.kind),
               *map(plain_yuan, _amounts(line)), late]  # fmt: skip


def _amounts(line: LineRow) -> list[int]:
    return [line.own_card_fen, line.group_card_fen, line.wechat_fen, line.paper_fen,
            line.commission_fen, line.borne_fen, line.cash_fen, line.other_fen,
            line.amount_fen]  # fmt: skip


def _amounts_of_none() -> range:
    return range(9)


def _line_columns() -> list[SheetColumn]:
    amounts = [gettext("Cards, own programs"), gettext("Cards, group programs"),
               gettext("WeChat Pay"), gettext("Paper vouchers"), gettext("Commission"),
               gettext("Bonus and promotion borne"), gettext("Cash"), gettext("Other"),
               gettext("Amount")]  # fmt: skip
    return [
        SheetColumn(gettext("Time"), "when"),
        SheetColumn(gettext("Document"), "code"),
        SheetColumn(gettext("Kind"), "text"),
        *(SheetColumn(heading, "money") for heading in amounts),
        SheetColumn(gettext("Late"), "text"),
    ]


def _summary_columns() -> list[SheetColumn]:
    return [
        SheetColumn(gettext("Store"), "wide"),
        SheetColumn(gettext("Kind"), "code"),
        SheetColumn(gettext("Part"), "code"),
        SheetColumn(gettext("Issuer or batch"), "code"),
        SheetColumn(gettext("Lines"), "integer"),
        SheetColumn(gettext("Amount"), "money"),
    ]


def _combined_columns() -> list[SheetColumn]:
    amounts = [gettext("Opening balance"), gettext("Cards, own programs"),
               gettext("Cards, group programs"), gettext("WeChat Pay"), gettext("Paper vouchers"),
               gettext("Commission"), gettext("Bonus and promotion borne"), gettext("Other"),
               gettext("Cash kept by stores"), gettext("Due to the merchant"),
               gettext("Carried into the next one"), gettext("To be paid by transfer")]  # fmt: skip
    return [
        SheetColumn(gettext("Settlement statement"), "wide"),
        SheetColumn(gettext("Status"), "text"),
        SheetColumn(gettext("From"), "day"),
        SheetColumn(gettext("To, included"), "day"),
        *(SheetColumn(heading, "money") for heading in amounts),
    ]


def _facts(statement: Statement, merchant: str) -> list[tuple[str, str]]:
    return [
        (gettext("Settlement statement"), statement.statement_no),
        (gettext("Merchant"), merchant),
        (gettext("Settlement period"), period_words(statement)),
        (gettext("Status"), state_name(statement.status)),
        (gettext("To be paid on"), statement.due_on.isoformat()),
        (gettext("Bank reference"), statement.bank_reference or "—"),
    ]


def period_words(statement: Statement) -> str:
    return gettext(
        "%(first)s to %(last)s", first=statement.period_first_on, last=statement.period_last_on
    )


def _ending(statement: Statement) -> list[tuple[str, int]]:
    return [
        (gettext("Opening balance"), statement.opening_fen),
        (gettext("Earned in the period"), statement.earned_fen),
        (gettext("Cash kept by stores"), statement.cash_fen),
        (gettext("Due to the merchant"), statement.due_fen),
    ]


def _paper_words(statement: Statement, merchant: str) -> PaperWords:
    return PaperWords(
        title=gettext("Settlement statement"),
        facts=_facts(statement, merchant),
        headings=(gettext("Store"), gettext("What"), gettext("Issuer or batch"), gettext("Lines"),
                  gettext("Amount (yuan)")),
        sides=(gettext("Platform"), merchant),
        signature=gettext("Signature:"),
        stamp=gettext("Stamp:"),
        day=gettext("Date:"),
        in_words=(gettext("Due, in words"), money.in_capitals(statement.due_fen)),
        agreed=gettext("Both sides have checked these amounts and agree to them."),
        page=gettext("Page %(number)s of %(pages)s", number="{number}", pages="{pages}"),
    )  # fmt: skip
