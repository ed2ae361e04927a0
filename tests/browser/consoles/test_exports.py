"""One store's records of last month: screen, spreadsheet and books say the same sum."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import openpyxl
from playwright.sync_api import expect

from tests.browser.ground import TOGETHER

pytestmark = TOGETHER

SHANGHAI = ZoneInfo("Asia/Shanghai")

# What the demo's members paid at the store, as the ledger has it: from cards, and by WeChat Pay.
_BOOKED = """
SELECT coalesce(sum(p.amount_fen) FILTER (WHERE p.account = 'card'), 0),
       coalesce(sum(p.amount_fen) FILTER (WHERE p.account = 'bank:wechat'), 0)
  FROM posting p JOIN payment y ON y.id = p.payment_id JOIN journal_entry j ON j.id = p.entry_id
 WHERE y.store_id = %s AND y.status = 'paid' AND j.kind LIKE 'payment%%'
   AND y.created_at >= %s AND y.created_at < %s
"""


def fen(shown: object) -> int:
    return int(Decimal(str(shown).replace(",", "").replace("¥", "")) * 100)


def test_last_months_payments_of_one_store_agree_on_screen_in_the_file_and_in_the_books(
    console, stack, tmp_path
):
    until = datetime.now(SHANGHAI).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    since = (until - timedelta(days=1)).replace(day=1)
    page = console("merchant1")
    page.goto("/console/payments/list/")
    store = page.locator("select[name=store_id] option").nth(1).get_attribute("value")
    page.fill("[name=from]", f"{since:%Y-%m-%d}")
    page.fill("[name=to]", f"{until - timedelta(days=1):%Y-%m-%d}")
    page.select_option("select[name=store_id]", store)
    page.select_option("select[name=status]", "paid")
    page.click("form.filters:not([method=post]) button[type=submit]")
    expect(page.locator(".chip")).to_have_count(3)
    expect(page.locator(".totals strong").first).to_be_visible()
    count, *sums = page.locator(".totals strong").all_inner_texts()

    page.click("details.export summary")
    with page.expect_response("**/export/*") as answer, page.expect_download() as download:
        page.click("details.export button[type=submit]")
    # A browser under a plain locale forgets Chinese names, so the answer is asked.
    name = unquote(answer.value.headers["content-disposition"])
    assert "消费" in name
    assert f"{since:%Y-%m-%d}" in name
    download.value.save_as(tmp_path / "payments.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "payments.xlsx").active
    headings, *rows, total = list(sheet.iter_rows(values_only=True))
    assert len(rows) == fen(count) // 100 > 20

    from_cards, by_wechat = map(int, stack.rows(_BOOKED, int(store), since, until)[0])
    for heading, on_screen, booked in (
        ("金额", sums[0], from_cards + by_wechat),
        ("卡支付", sums[1], from_cards),
        ("微信支付", sums[2], by_wechat),
    ):
        place = headings.index(heading)
        assert all(isinstance(row[place], int | float) for row in rows)
        assert sum(fen(row[place]) for row in rows) == booked
        assert fen(total[place]) == fen(on_screen) == booked
