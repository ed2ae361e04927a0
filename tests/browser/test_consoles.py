"""What operators do at the consoles, in a real browser before the real product."""

from __future__ import annotations

import re
import secrets

import pytest
from playwright.sync_api import expect

from app.core import money
from app.core.demo import DEMO_ACCOUNTS
from tests.browser.consoles.clerks import cashier_token, post, token_of
from tests.browser.ground import TOGETHER, sign_in, wait_for_charts

pytestmark = TOGETHER

# What stands first and last in the menu of each account, and what must not stand there.
MENUS = {
    "platform": ({"经营看板", "商户", "试算平衡表", "操作日志"}, set()),
    "finance": ({"经营看板", "商户", "试算平衡表"}, {"角色与权限"}),
    "editor": ({"商户", "门店"}, {"消费", "会员", "试算平衡表"}),
    "auditor": ({"经营看板", "操作日志", "角色与权限"}, set()),
    "merchant1": ({"经营看板", "消费", "储值卡", "操作日志"}, {"商户", "角色与权限"}),
    "merchant2": ({"经营看板", "消费", "储值卡", "操作日志"}, {"商户", "角色与权限"}),
    "store1": ({"经营看板", "消费", "门店"}, {"储值卡", "券批次", "试算平衡表"}),
}


@pytest.mark.parametrize("account", sorted(MENUS))
def test_each_demo_account_signs_in_and_sees_its_menu(desk, account):
    page = desk.stranger()
    sign_in(page, account)
    shown, hidden = MENUS[account]
    links = set(page.locator("nav.side a").all_inner_texts())
    assert shown <= links
    assert not hidden & links
    expect(page.locator(".who-name")).to_have_text(account)


def test_every_console_account_of_the_demo_is_tried():
    tried = {one.username for one in DEMO_ACCOUNTS if not one.username.startswith("cashier")}
    assert tried == set(MENUS)


def test_a_wrong_password_is_refused_in_words_and_keeps_the_name(desk):
    desk.guard.tolerate("Failed to load resource")
    page = desk.stranger()
    sign_in(page, "platform", "not-the-password")
    expect(page.locator("[role=alert]")).to_be_visible()
    assert page.input_value("[name=username]") == "platform"


@pytest.fixture
def trade_today(stack, of_today):
    """Somebody tops up and pays at store 1: before the demo's stores open, the day is empty."""

    def top_up_and_pay():
        phone = f"139{secrets.randbelow(10**8):08d}"
        member = token_of(stack, "/api/v1/sessions", code=f"demo-{secrets.token_hex(8)}")
        cashier = cashier_token(stack)
        assert post(stack, "/api/v1/me/phone", member, code=f"phone-{phone}").ok
        assert post(stack, "/pos/api/top-ups", cashier, phone=phone, amount_fen=30_00).ok
        shown = post(stack, "/api/v1/me/payment-code", member).json()["code"]
        paid = post(stack, "/pos/api/payments", cashier, payment_code=shown, amount_fen=12_00)
        assert paid.ok, paid.text
        return phone

    return of_today("trade at store 1", top_up_and_pay)


@pytest.mark.parametrize("account", ["platform", "merchant1", "store1"])
@pytest.mark.parametrize("period", ["today", "week", "month"])
@pytest.mark.usefixtures("trade_today")
def test_the_charts_tables_are_what_the_figures_say(console, account, period):
    page = console(account)
    page.goto(f"/console/?period={period}")
    figures = page.request.get(f"/console/figures/?period={period}").json()
    full = [
        chart for chart in figures["charts"] if any(sum(one["values"]) for one in chart["series"])
    ]
    assert full, "the demo has something to say"
    assert wait_for_charts(page) == len(full)
    for chart in full:
        box = page.locator(f'[data-chart="{chart["id"]}"] canvas').first
        expect(box).to_be_visible()
        table = page.locator(f'[data-table="{chart["id"]}"]')
        page.locator("details.figures", has=table).locator("summary").click()
        rows = table.locator("tbody tr").all_inner_texts()
        assert len(rows) == len(chart["labels"])
        sums = [
            money.yuan(sum(one["values"])) if chart["unit"] == "fen" else f"{sum(one['values']):,}"
            for one in chart["series"]
        ]
        assert table.locator("tfoot td.money").all_inner_texts() == sums


@pytest.mark.parametrize("width", [1440, 820, 390])
def test_no_page_is_wider_than_the_screen(console, width):
    page = console("platform", width=width)
    paths = ["/console/", "/console/trial-balance/", "/console/rights/"]
    paths += [f"/console/{name}/list/" for name in ("payments", "members", "vouchers", "audit")]
    for path in paths:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_list_is_filtered_and_each_filter_can_be_taken_away(console):
    page = console("merchant1")
    page.goto("/console/payments/list/")
    page.select_option("select[name=period]", "month")
    page.select_option("select[name=status]", "refunded")
    page.click("form.filters:not([method=post]) button[type=submit]")
    assert re.search(r"period=month&status=refunded$", page.url)
    states = set(page.locator("tbody td.state").all_inner_texts())
    assert states <= {"已退款"}
    expect(page.locator(".totals strong").first).to_be_visible()
    page.locator("a.chip").last.click()
    assert "status" not in page.url
    assert page.locator("a.chip").count() == 1


def test_the_search_box_opens_what_a_number_names(console):
    page = console("platform")
    page.goto("/console/payments/list/")
    number = page.locator("tbody tr td a").first.inner_text()
    page.keyboard.press("/")
    expect(page.locator("#find [name=q]")).to_be_focused()
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/console/payments/show/\d+$"))
    expect(page.locator("main")).to_contain_text(number)


def test_the_search_box_groups_what_a_name_may_be_and_ctrl_k_opens_it_on_a_phone(console):
    page = console("platform", width=390)
    page.keyboard.press("Control+k")
    expect(page.locator("#find [name=q]")).to_be_focused()
    page.keyboard.type("春风")
    page.keyboard.press("Enter")
    expect(page.locator("main h2")).to_have_text(["商户", "门店"])


def test_another_merchants_number_is_not_found(console):
    theirs = console("merchant2")
    theirs.goto("/console/payments/list/")
    number = theirs.locator("tbody tr td a").first.inner_text()
    page = console("merchant1")
    page.fill("#find [name=q]", number)
    page.press("#find [name=q]", "Enter")
    expect(page.locator("main")).to_contain_text("没有找到")


def test_the_menu_folds_on_a_phone(console):
    page = console("store1", width=390)
    menu = page.locator("nav.side")
    expect(menu).to_be_hidden()
    page.click(".menu-button")
    expect(menu).to_be_visible()
    menu.get_by_role("link", name="消费", exact=True).click()
    expect(page.locator("h1")).to_have_text("消费")
    expect(page.locator("nav.side")).to_be_hidden()


def test_signing_out_ends_the_session_for_good(desk):
    page = desk.stranger()
    sign_in(page, "auditor")
    page.click("details.who summary")
    page.click(".who-menu button")
    page.goto("/console/payments/list/")
    assert "/login/" in page.url
