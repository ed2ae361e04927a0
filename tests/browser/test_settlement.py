"""A month's settlement by the people who do it, each at their own console."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.ground import TOGETHER

pytestmark = TOGETHER


def _press(page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()


def _send(page) -> None:
    page.click("main form button[type=submit]")
    page.wait_for_load_state()


def test_close_confirm_approve_and_pay_as_different_people(console):
    platform = console("platform")
    platform.goto("/console/statements/list/")
    _press(platform, "结账")
    _send(platform)
    expect(platform.locator(".message").first).to_contain_text(re.compile("已生成|没有可结账"))

    merchant = console("merchant1", width=390)
    merchant.goto("/console/statements/list/?status=draft")
    merchant.locator("tbody tr td a").first.click()
    number = merchant.locator("h1").inner_text()
    with merchant.expect_download() as download:
        merchant.get_by_role("link", name="签章单（PDF）").click()
    assert download.value.path().read_bytes().startswith(b"%PDF")
    _press(merchant, "确认")
    _send(merchant)
    expect(merchant.locator(".message").first).to_contain_text(f"结算单 {number} 已确认")

    finance = console("finance")
    finance.goto(merchant.url)
    _press(finance, "同意")
    _send(finance)
    expect(finance.locator(".message").first).to_contain_text("已审批")
    expect(finance.get_by_role("link", name="登记打款", exact=True)).to_have_count(0)

    platform.goto(merchant.url)
    _press(platform, "登记打款")
    platform.fill("[name=bank_reference]", "ICBC-20261123-0001")
    _send(platform)
    expect(platform.locator("main")).to_contain_text("ICBC-20261123-0001")
    merchant.reload()
    expect(merchant.locator("main")).to_contain_text("已打款，结算单已关闭")
    for page, width in ((merchant, 390), (platform, 1440)):
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_difference_is_put_right_by_two_people(console):
    """Of the demo's past day on which WeChat's bill and ours do not agree."""
    finance = console("finance")
    finance.goto("/console/differences/list/?status=unresolved&kind=missing_there")
    finance.locator("tbody tr td a").first.click()
    number = finance.locator("h1").inner_text()
    _press(finance, "提出处理方式")
    finance.select_option("[name=correction]", "expense")
    finance.fill("[name=note]", "微信侧无此交易，由平台承担。")
    _send(finance)
    expect(finance.locator("main")).to_contain_text("待复核")
    expect(finance.get_by_role("link", name="确认", exact=True)).to_have_count(0)

    platform = console("platform", width=820)
    platform.goto(finance.url)
    _press(platform, "确认")
    expect(platform.locator("main")).to_contain_text("微信侧无此交易")
    _send(platform)
    expect(platform.locator(".message").first).to_contain_text(number)
    expect(platform.locator("main")).to_contain_text("已处理")
    assert platform.evaluate("document.documentElement.scrollWidth") <= 820


def test_a_report_is_saved_and_opened_again(console):
    page = console("merchant2", width=390)
    page.goto("/console/reports/?report=liability")
    _press(page, "存为常用报表")
    page.fill("[name=name]", "每月预收")
    page.select_option("[name=schedule]", "monthly")
    _send(page)
    expect(page.locator(".message").first).to_contain_text("每月预收")
    page.get_by_role("link", name="每月预收", exact=True).click()
    expect(page.locator("table[data-report=liability]")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
