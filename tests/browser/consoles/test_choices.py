"""Two hundred merchants more than a list can show: found by typing, with keys and by thumb."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.consoles.clerks import expect_said, send
from tests.browser.ground import TOGETHER
from tests.faults.stack import Stack

pytestmark = TOGETHER

_CROWD = """
WITH made AS (
    INSERT INTO merchant (code, name)
    SELECT 'crowd' || n, '千家商户' || n FROM generate_series(1, 210) n RETURNING id, name
) INSERT INTO store (merchant_id, code, name, status)
  SELECT id, 'one', name || '总店', 'closed' FROM made RETURNING id
"""


@pytest.fixture(scope="module")
def crowd(stack: Stack) -> Iterator[None]:
    """Bare merchants that trade with nobody, gone afterwards."""
    stack.rows(_CROWD)
    yield
    stack.rows("DELETE FROM store WHERE code = 'one' AND name LIKE '千家商户%%' RETURNING id")
    stack.rows("DELETE FROM merchant WHERE code LIKE 'crowd%%' RETURNING id")


def look_up(page: Page, name: str, typed: str) -> None:
    """Type until what fits is shown."""
    box = page.locator(f"[name={name}-typed]")
    box.click()
    box.fill(typed)
    expect(page.locator(f'.find-list[data-found="{typed}"]')).to_be_visible()
    expect(box).to_have_attribute("aria-expanded", "true")


@pytest.mark.usefixtures("crowd")
def test_a_batch_is_drafted_with_keys_alone_for_merchants_found_by_typing(console, guard):
    guard.tolerate("status of 422")  # The form that lacks its quantity.
    page = console("platform")
    page.goto("/console/voucher-batches/new")
    issuer = page.locator("[name=issuer_id-typed]")
    look_up(page, "issuer_id", "千家商户20")
    options = page.locator(".find-list:visible [role=option]")
    expect(options).to_have_count(11)  # 20, and 200 to 209.
    page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    page.keyboard.press("ArrowDown")
    expect(options).to_have_count(11)
    page.keyboard.press("ArrowUp")  # From the top to the last one.
    last = page.locator('[role=option][aria-selected="true"]')
    expect(last).to_have_count(1)
    expect(issuer).to_have_attribute("aria-activedescendant", last.get_attribute("id") or "none")
    page.keyboard.press("Escape")
    look_up(page, "issuer_id", "老街面馆")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(issuer).to_have_value("老街面馆")
    expect(options).to_have_count(0)
    for typed in ("千家商户207总店", "春风超市"):
        look_up(page, "accepted_by", typed)
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
    chips = page.locator(".chosen .chip")
    expect(chips).to_have_text(["千家商户207总店", re.compile("春风超市 ?全部门店")])
    # A name half typed sends nothing, and a chip goes by a key, too.
    page.fill("[name=accepted_by-typed]", "千家")
    page.keyboard.press("Enter")
    assert page.url.endswith("/new")
    chips.first.get_by_role("checkbox").press("Space")
    expect(chips).to_have_count(1)
    page.fill("[name=accepted_by-typed]", "")
    name = "打字找到的批次"
    fields = {"name": name, "kind": "payment", "face_value_fen": "10", "sale_price_fen": "10",
              "days_from_activation": "1100"}  # fmt: skip
    send(page, **fields)  # Without a quantity: what was chosen stays.
    expect(page.locator("#quantity-wrong")).to_be_visible()
    expect(issuer).to_have_value("老街面馆")
    expect(chips).to_have_count(1)
    send(page, quantity="10")
    expect_said(page, name)
    expect(page.locator("main")).to_contain_text("春风超市")


@pytest.mark.usefixtures("crowd")
def test_a_list_is_narrowed_by_thumb_on_a_phone(console):
    page = console("platform", width=390, has_touch=True, is_mobile=True)
    page.goto("/console/payments/list/")
    page.locator(".fold-filters").tap()
    look_up(page, "merchant_id", "春风")
    option = page.locator(".find-list [role=option]", has_text="春风超市")
    box = option.bounding_box()
    assert box is not None
    assert box["height"] >= 40
    option.tap()
    expect(page.locator("[name=merchant_id-typed]")).to_have_value("春风超市")
    page.locator("form.filters button[type=submit]").tap()
    page.wait_for_url(re.compile(r"\?merchant_id=\d+$"))
    expect(page.locator("a.chip")).to_contain_text("春风超市")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.usefixtures("crowd")
def test_without_script_what_was_typed_is_looked_up(console):
    page = console("platform", java_script_enabled=False)
    page.goto("/console/stores/list/")
    page.fill("[name=merchant_id-typed]", "家商户21")
    page.click("form.filters button[type=submit]")
    expect(page.locator(".find-doubts .chip")).to_have_count(2)  # 21 and 210.
    page.get_by_role("link", name="千家商户210").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text("千家商户210总店")
