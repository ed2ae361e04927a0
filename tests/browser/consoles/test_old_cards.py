"""Old cards come from a spreadsheet: errors by row first, then the whole file by two people."""

from __future__ import annotations

import io
import secrets

import openpyxl
from playwright.sync_api import Page, expect

from tests.browser.consoles.clerks import expect_said, follow, number_in_address
from tests.browser.ground import TOGETHER

pytestmark = TOGETHER

_HEADINGS = ("卡号", "卡密", "余额", "有效期")


def spreadsheet(*rows: tuple[object, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in (_HEADINGS, *rows):
        book.active.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def bring(page: Page, content: bytes) -> None:
    page.goto("/console/voucher-imports/new")
    page.set_input_files(
        "[name=file]",
        {
            "name": "旧卡.xlsx",
            "mimeType": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "buffer": content,
        },
    )
    page.click("form.form .form-end button[type=submit]")
    page.wait_for_load_state()


def test_a_file_with_errors_writes_nothing_and_a_clean_one_is_taken_by_a_second_person(
    console, desk, stack
):
    desk.guard.tolerate("Failed to load resource")  # 422 is what a refused form answers.
    maker, checker = console("platform"), console("finance")
    mark = f"{secrets.randbelow(10**9):09d}"
    good = [(f"{mark}{n}", f"AB{mark}{n}CD", 50 + n, "2031-12-31") for n in range(3)]
    bring(maker, spreadsheet(good[0], (good[0][0], "X", "abc", "2031-13-01"), good[2]))
    wrong = maker.locator("section.list tbody tr")
    expect(wrong.first).to_be_visible()
    assert {row.locator("td").first.inner_text() for row in wrong.all()} == {"3"}
    assert stack.rows("SELECT count(*) FROM voucher WHERE serial_no LIKE %s", f"{mark}%") == [(0,)]

    bring(maker, spreadsheet(*good))
    expect_said(maker, "须由另一人确认转入")
    kept = number_in_address(maker)
    expect(maker.locator("tr.sum")).to_contain_text("153.00")
    expect(maker.locator(".actions").get_by_role("link", name="确认转入")).to_have_count(0)
    checker.goto(f"/console/voucher-imports/show/{kept}")
    follow(checker, "确认转入")
    expect(checker.locator(".what-happens")).to_contain_text("153.00")
    checker.click("form.form .form-end button[type=submit]")
    expect(checker.locator(".message").first).to_be_visible()
    [(owed,)] = stack.rows(
        "SELECT -sum(p.amount_fen) FROM posting p JOIN voucher_import i ON i.batch_id = p.batch_id"
        " WHERE i.id = %s AND p.account = 'voucher'", kept,
    )  # fmt: skip
    assert owed == 153_00
