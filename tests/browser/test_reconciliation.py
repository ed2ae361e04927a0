"""A planted difference is found on screen, proposed by one person and confirmed by another."""

from __future__ import annotations

from datetime import timedelta

import requests
from playwright.sync_api import expect

from app.core.clock import local_day, utc_now
from tests.browser.ground import TOGETHER

pytestmark = TOGETHER


def test_two_people_correct_what_wechat_had_and_we_had_not(console, stack):
    day = local_day(utc_now()) - timedelta(days=3)
    planted = {"order_no": "P9990001", "transaction_id": "4299990001", "amount_fen": 12_34}
    far_end = stack.wechat_url
    plan = {"day": day.isoformat(), "add": [planted]}
    assert requests.post(f"{far_end}/_bill", json=plan, timeout=10).status_code == 200

    finance = console("finance")
    finance.goto("/console/reconciliations/reconcile")
    finance.fill("[name=bill_on]", day.isoformat())
    finance.click("main form button[type=submit]")
    expect(finance.locator("main")).to_contain_text("P9990001")
    # The demo's own past agrees to the fen: the only difference is the planted one.
    expect(finance.locator("main")).to_contain_text("有 1 条差异待处理")
    finance.click("text=P9990001")
    finance.click("text=提出处理方式")
    finance.select_option("[name=correction]", "unapplied")
    finance.fill("[name=note]", "微信商户平台已核实，非本系统订单")
    finance.click("main form button[type=submit]")
    expect(finance.locator("main")).to_contain_text("须由另一人复核确认")
    expect(finance.locator("a.button", has_text="确认")).to_have_count(0)
    address = finance.url

    platform = console("platform")
    platform.goto(address)
    platform.locator("a.button", has_text="确认").click()
    expect(platform.locator(".what-happens")).to_contain_text("¥12.34")
    platform.click("main form button[type=submit]")
    expect(platform.locator("main")).to_contain_text("已处理")
    platform.goto("/console/entries/list/?q=reconciliation")
    expect(platform.locator("main table")).to_contain_text("对账调整")
