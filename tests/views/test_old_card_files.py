"""Spreadsheets as people really bring them, through the console's own form: nothing half taken."""

from __future__ import annotations

import datetime
import io
import re
import secrets
import zipfile

import openpyxl
import pytest
from sqlalchemy import func, select

from app.core.actor import SYSTEM, Role
from app.documents.uploads import MAX_ROWS
from app.models.voucher_records import VoucherImport
from app.models.vouchers import Voucher

PATH = "/console/voucher-imports/new"
HEADINGS = ("卡号", "卡密", "余额", "有效期")


@pytest.fixture
def maker(make, signed_in):
    return signed_in(make.staff(Role.platform_admin))


@pytest.fixture
def checker(make, signed_in):
    return signed_in(make.staff(Role.platform_finance))


@pytest.fixture
def program(make):
    return make.program(issuer=make.merchant())


@pytest.fixture
def stem(make):
    """Numbers and codes that no other test has begin with it."""
    return make.phone()


def book(rows, change=None):
    made = openpyxl.Workbook()
    for row in (HEADINGS, *rows):
        made.active.append(row)
    if change is not None:
        change(made)
    written = io.BytesIO()
    made.save(written)
    return written.getvalue()


def long_book(stem, count):
    """The same with many rows, made in the way of a program that exports."""
    made = openpyxl.Workbook(write_only=True)
    sheet = made.create_sheet()
    sheet.append((*HEADINGS, "备注"))
    for n in range(count):
        remark = secrets.token_urlsafe(300)  # Which no packing makes short.
        sheet.append((f"{stem}{n:06d}", f"K{stem}{n:06d}", 10 + n % 3, "2099-12-31", remark))
    written = io.BytesIO()
    made.save(written)
    return written.getvalue()


def bring(browser, program, content, name="旧卡.xlsx"):
    fields = {"program_id": str(program.id), "file": (io.BytesIO(content), name)}
    answer = browser.post(PATH, fields, content_type="multipart/form-data")
    answer.request.environ["wsgi.input"].close()  # The client keeps a long form in a file.
    return answer


def said_at_the_file(answer):
    found = re.search(r'id="file-wrong">([^<]*)<', answer.text)
    return found[1] if found else ""


def rows_named(answer):
    return [int(row) for row in re.findall(r'<tr><td class="number">(\d+)</td><td', answer.text)]


def count_of(database, stem):
    with database.unit_of_work(SYSTEM) as session:
        mine = Voucher.serial_no.startswith(stem)
        return session.scalar(select(func.count()).select_from(Voucher).where(mine))


def _merge(made):
    made.active.merge_cells("A2:A3")


def _second_sheet(made):
    made.create_sheet("说明").append(["=SUM(A1:A9)"])


def good(stem, count=3):
    return [(f"{stem}{n}", f"AB{stem}{n}", 50 + n, "2099-12-31") for n in range(count)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_merge, "A2:A3"),
        (lambda made: made.active.append(("1", "2", "=1+1", "")), "第 5 行"),
        (lambda made: made.active.delete_rows(1), "卡号"),
    ],
    ids=["merged cells", "a formula", "no headings"],
)
def test_a_sheet_that_cannot_be_read_row_by_row_says_why(
    maker, program, stem, database, change, words
):
    answer = bring(maker, program, book(good(stem), change))
    assert answer.status_code == 422
    assert words in said_at_the_file(answer)
    assert count_of(database, stem) == 0


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "a.xlsx"),
        (b"PK\x03\x04 no archive", "a.xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.xls"),
        (b"%PDF-1.7 \x00\xff", "a.xlsx"),
    ],
    ids=["empty", "broken", "an old xls", "a pdf"],
)
def test_what_is_no_spreadsheet_is_refused_with_a_sentence(maker, program, content, name):
    answer = bring(maker, program, content, name)
    assert answer.status_code == 422
    assert said_at_the_file(answer)


def test_wrong_types_and_doubles_are_named_by_row_and_nothing_is_written(
    maker, program, stem, database
):
    day = datetime.date(2099, 12, 31)
    rows = [
        (f"{stem}0", f"AB{stem}0", 50, day),  # 2: a date as a date is in order.
        (int(stem), f"AB{stem}1", "12.50", None),  # 3: a number as a number, too.
        (f"{stem}2", f"AB{stem}2", True, day),  # 4: an amount that is none
        (f"{stem}3", f"AB{stem}3", day, day),  # 5: nor this
        (f"{stem}4", f"AB{stem}4", 50, 20991231),  # 6: a day that is none
        (f"{stem}0", f"AB{stem}5", 50, day),  # 7: a number twice
        (f"{stem}6", f"AB{stem}0", 50, day),  # 8: a code twice
        (None, f"AB{stem}7", 50, day),  # 9: no number
        (f"{stem}8", None, 50, day),  # 10: no code
        (f"{stem}9", f"AB{stem}9", 1e308, day),  # 11: more than anybody has
        (6.2220212345678e18, f"ABC{stem}", 50, day),  # 12: a number that Excel has cut
    ]
    answer = bring(maker, program, book(rows))
    assert answer.status_code == 422
    assert rows_named(answer) == [4, 5, 6, 7, 8, 9, 10, 11, 12]
    assert count_of(database, stem) == 0
    with database.unit_of_work(SYSTEM) as session:
        mine = select(VoucherImport.id).where(VoucherImport.program_id == program.id)
        assert session.scalars(mine).all() == []


def test_what_is_on_other_sheets_is_nobodys_business(maker, program, stem):
    assert bring(maker, program, book(good(stem), _second_sheet)).status_code == 302


def test_a_long_file_is_looked_at_and_taken_whole(maker, checker, program, stem, database):
    """More than a form may usually hold, which is why a shorter one proves nothing."""
    count = 4_000
    content = long_book(stem, count)
    assert len(content) > 1 << 20
    answer = bring(maker, program, content)
    assert answer.status_code == 302, answer.text
    pk = int(answer.location.rsplit("/", 1)[1])
    take = f"/console/voucher-imports/take/{pk}"
    assert maker.post(take).status_code == 422  # Not by whoever brought it.
    assert count_of(database, stem) == 0
    assert checker.post(take).status_code == 302
    assert count_of(database, stem) == count
    again = bring(maker, program, content)
    assert again.status_code == 422
    assert len(rows_named(again)) == 200  # The first ones; the sum says how many more.


def test_a_file_beyond_the_limit_is_refused_with_what_to_do(maker, program, stem):
    lines = (f"{stem}{n},K{stem}{n},1" for n in range(MAX_ROWS + 1))
    content = "\n".join(("卡号,卡密,余额", *lines)).encode()
    answer = bring(maker, program, content, "旧卡.csv")
    assert answer.status_code == 422
    assert "100000" in said_at_the_file(answer).replace(",", "")


def test_a_package_that_unpacks_to_far_more_is_not_unpacked(maker, program):
    written = io.BytesIO()
    with (
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package,
        package.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet,
    ):
        for _ in range(310):
            sheet.write(bytes(1 << 20))
    answer = bring(maker, program, written.getvalue())
    assert answer.status_code == 422
    assert said_at_the_file(answer)
