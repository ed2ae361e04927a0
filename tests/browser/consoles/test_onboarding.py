"""A merchant is taken on, opens a store, and its people sign in: all of it in the browser."""

from __future__ import annotations

import secrets

from playwright.sync_api import expect

from tests.browser.consoles.clerks import (
    choose_own_password,
    expect_said,
    handed_over,
    number_in_address,
    send,
)  # fmt: skip
from tests.browser.ground import TOGETHER, sign_in

pytestmark = TOGETHER


def test_a_merchant_a_store_and_a_cashier_are_taken_on_and_each_signs_in(console, desk):
    desk.guard.tolerate("Failed to load resource")  # A refused sign-in is a 401.
    mark = secrets.token_hex(4)
    operator = console("platform")
    operator.goto("/console/merchants/add/")
    send(operator, code=f"m-{mark}", name=f"江畔茶楼{mark}", commission_bp="0.60",
         settlement_cycle="weekly", settlement_days="1", admin_name="周岚",
         username=f"zhou.{mark}")  # fmt: skip
    username, given = handed_over(operator)
    assert username == f"zhou.{mark}"

    owner = desk.stranger()
    sign_in(owner, username, given)
    own = choose_own_password(owner)
    expect(owner.locator(".who-name")).to_have_text("周岚")
    owner.goto("/console/stores/add/")
    send(owner, code=f"s-{mark}", name=f"江畔茶楼（望江店{mark}）", city="成都",
         position="30.6336, 104.0910")  # fmt: skip
    expect_said(owner, "望江店")
    store = number_in_address(owner)
    expect(owner.locator("section.list")).to_contain_text("收款码")

    owner.goto(f"/console/staff/add/?store={store}")
    send(owner, name="小吴", username=f"wu.{mark}", role="cashier", daily_cash_limit_fen="500")
    cashier_name, cashier_given = handed_over(owner)
    cashier = desk.stranger()
    sign_in(cashier, cashier_name, cashier_given)
    choose_own_password(cashier)
    expect(cashier).to_have_url(f"{desk.base_url}/pos/")

    # The given password opens nothing any more; the own one does.
    late = desk.stranger()
    sign_in(late, username, given)
    expect(late.locator("[role=alert]")).to_be_visible()
    sign_in(late, username, own)
    late.goto("/console/stores/list/")
    assert late.locator("tbody tr").count() == 1  # Its own store and nobody else's.
