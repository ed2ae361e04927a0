"""What the writers make, read by other programs: types, frozen header, totals, many sheets."""

from __future__ import annotations

import csv
import io
import json

import openpyxl
import pytest
import tablib

from app.documents import spreadsheets
from app.documents.spreadsheets import SheetColumn, write_spreadsheet
from app.documents.tables import write_delimited, write_json, write_with_tablib

COLUMNS = [
    SheetColumn("单号", "code"),
    SheetColumn("时间", "when"),
    SheetColumn("金额", "money"),
    SheetColumn("费率", "percent"),
    SheetColumn("备注", "text"),
]
LINES = [
    b"9876543210987654321\t46349.5\t-12.34\t0.0060\t\xe8\x80\x81\xe8\xa1\x97 <&> \\\\ \\t.\n",
    b"0012\t\t0.05\t\t\n",
]
TOTALS = ["合计 2 行", "", "-12.29", "", ""]


def sheet(lines=LINES, totals=TOTALS):
    file = io.BytesIO()
    write_spreadsheet(file, title="消费[记录]", columns=COLUMNS, lines=lines, totals=totals)
    return openpyxl.load_workbook(file)


def test_numbers_dates_and_text_are_what_they_are():
    page = sheet().active
    header, first, second, last = page.iter_rows(values_only=True)
    assert header == ("单号", "时间", "金额", "费率", "备注")
    assert first[0] == "9876543210987654321"
    assert first[1].isoformat() == "2026-11-23T12:00:00"
    assert first[2:] == (-12.34, 0.006, "老街 <&> \\ \t.")
    assert second == ("0012", None, 0.05, None, None)
    assert last == ("合计 2 行", None, -12.29, None, None)
    assert (page["C2"].data_type, page["A2"].data_type) == ("n", "inlineStr") or (
        page["A2"].data_type == "s"
    )
    assert page["B2"].is_date
    assert page["C2"].number_format == "#,##0.00"


def test_the_header_is_frozen_and_the_sheet_named_without_forbidden_signs():
    book = sheet()
    assert book.active.freeze_panes == "A2"
    assert book.sheetnames == ["消费 记录"]
    assert book.active["A1"].font.b


def test_it_prints_with_its_header_on_every_page_and_can_be_filtered():
    page = sheet().active
    assert page.print_title_rows == "$1:$1"
    assert (page.page_setup.orientation, page.page_setup.fitToHeight) == ("landscape", 0)
    assert page.sheet_properties.pageSetUpPr.fitToPage
    assert page.auto_filter.ref == "A1:E3", "the rows, without the totals"


def test_what_no_sheet_can_hold_goes_on_in_the_next(monkeypatch):
    monkeypatch.setattr(spreadsheets, "ROWS_A_SHEET", 500)
    book = sheet([b"%d\t\t1.00\t\t\n" % n for n in range(1, 1201)], ["", "", "1200.00", "", ""])
    assert book.sheetnames == ["消费 记录 1", "消费 记录 2", "消费 记录 3"]
    rows = [row for page in book for row in page.iter_rows(min_row=2, values_only=True)]
    assert [row[0] for row in rows] == [*(str(n) for n in range(1, 1201)), None]
    assert rows[-1][2] == 1200
    assert all(page["A1"].value == "单号" for page in book)


def test_signs_that_xml_forbids_are_left_out():
    page = sheet([b"a\x01\\bb\t\t\t\t\x0c\n"]).active
    assert page["A2"].value == "ab"


@pytest.mark.parametrize(("kind", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_delimited_files_have_a_mark_for_excel_and_a_last_row(kind, delimiter):
    file = io.BytesIO()
    write_delimited(file, columns=COLUMNS, lines=[b"x%sy\n" % delimiter.encode()], totals=TOTALS,
                    delimiter=delimiter)  # fmt: skip
    assert file.getvalue().startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(file.getvalue().decode("utf-8-sig")), delimiter=delimiter))
    assert rows[0][0] == "单号"
    assert rows[-1] == TOTALS


def test_json_has_numbers_for_amounts_and_text_for_numbers_of_cards():
    file = io.BytesIO()
    write_json(file, columns=COLUMNS, lines=LINES, totals=TOTALS)
    found = json.loads(file.getvalue())
    assert found["rows"][0]["单号"] == "9876543210987654321"
    assert found["rows"][0]["金额"] == -12.34
    assert found["rows"][1]["备注"] is None
    assert found["totals"]["金额"] == -12.29


def test_ods_opens_and_has_all_rows():
    file = io.BytesIO()
    lines = [LINES[0].replace(b"46349.5", b"2026-11-23 12:00:00"), LINES[1]]
    write_with_tablib(file, kind="ods", title="x", columns=COLUMNS, lines=lines, totals=TOTALS)
    table = tablib.Dataset().load(file.getvalue(), "ods")
    assert table.headers[0] == "单号"
    assert table["金额"] == [-12.34, 0.05, -12.29]
    assert table["单号"][0] == "9876543210987654321"
