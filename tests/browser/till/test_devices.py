"""A store's own devices: who works on them, how they are locked, and the till inside WeChat."""

from __future__ import annotations

import secrets

import requests
from playwright.sync_api import Page, expect

from tests.browser.ground import PASSWORD, TOGETHER, sign_in
from tests.browser.till.conftest import see

pytestmark = TOGETHER
PIN = "482915"


def test_a_device_is_enrolled_and_the_next_person_enters_a_pin(counter, desk, guard):
    guard.tolerate("status of 401")
    manager = desk.console("store1")
    token = manager.request.get("/pos/session").json()["csrf_token"]
    made = manager.request.put(
        "/pos/api/me/pin",
        headers={"X-CSRFToken": token},
        data={"password": PASSWORD, "pin": PIN},
    )
    assert made.status == 204, made.text()
    page = counter.device()
    page.locator("[data-person=store1]").click()
    see(page, "pin").fill("000001")
    see(page, "pin-go").click()
    expect(page.locator("dialog .wrong")).to_contain_text("PIN 码")
    see(page, "pin").fill(PIN)
    see(page, "pin-go").click()
    expect(see(page, "amount")).to_be_visible()
    assert page.request.get("/pos/api/me").json()["terminal_id"] is not None


def test_a_password_signs_in_on_the_device_and_locking_ends_the_session_everywhere(
    counter, stack, guard
):
    page = counter.device()
    _sign_in(page, "cashier1")
    assert page.request.get("/pos/api/me").json()["terminal_id"] is not None
    stolen = {one["name"]: one["value"] for one in page.context.cookies()}
    assert _me(stack, stolen) == 200
    page.goto("/pos/#device")
    see(page, "lock").click()
    page.wait_for_url("**/pos/terminal/")
    page.locator("[data-person=cashier1]").wait_for()
    assert _me(stack, stolen) == 401, "a copy of the cookie is worth nothing any more"


def test_a_till_that_is_locked_without_a_line_stays_locked(counter, stack, guard):
    guard.tolerate("Failed to load resource|ERR_INTERNET_DISCONNECTED")
    page = counter.device()
    _sign_in(page, "cashier1")
    _wait_for_the_shell(page)
    held = {one["name"]: one["value"] for one in page.context.cookies()}
    page.goto("/pos/#device")
    see(page, "lock").wait_for()
    page.context.set_offline(True)
    see(page, "lock").click()
    expect(page.locator("#banner")).to_contain_text("网络不通")
    assert page.locator("#nav a").count() == 0
    page.context.set_offline(False)
    page.locator("[data-person=cashier1]").wait_for()
    assert _me(stack, held) == 401


def test_who_belongs_to_another_store_does_not_get_in_on_this_one(counter, guard):
    guard.tolerate("status of 40[13]")
    page = counter.device()
    page.goto("/login/?next=/pos/")
    _fill(page, "cashier2")
    expect(page.locator(".toast.bad")).to_contain_text("另一家门店")
    page.locator("[data-person=store1]").wait_for()
    assert page.request.get("/pos/api/me").status == 401


def test_the_official_accounts_menu_opens_the_till_without_a_password(counter, desk, stack, guard):
    guard.tolerate("another host was asked|favicon")  # WeChat's simulator has pages of its own.
    name = f"store-{secrets.token_hex(4)}"
    person = desk.stranger()
    sign_in(person, "cashier2")
    person.goto("/console/own-wechat/")
    before = person.locator("form[action$='/unbind'] button")
    if before.count():
        before.click()
    person.click("form[action$='/bind'] button")
    person.locator("input[name=as]").fill(name)
    person.get_by_role("button", name="打开").click()
    person.wait_for_url("**/console/own-wechat/#*")
    phone = desk.stranger(width=390)
    phone.goto("/pos/wechat/")
    phone.locator("input[name=as]").fill(name)
    phone.get_by_role("button", name="打开").click()
    expect(see(phone, "amount")).to_be_visible()
    assert phone.request.get("/pos/api/me").json()["username"] == "cashier2"


# WeChat's own browser cannot run here. What it puts into a page is played by these few lines; the
# signature that they are shown comes from the server, which had its ticket from the simulator.
BRIDGE = """
globalThis.bridge = { calls: [], answers: %s };
globalThis.WeixinJSBridge = { invoke(name, given, answered) {
  bridge.calls.push([name, given]);
  if (name === "preVerifyJSAPI") setTimeout(() => answered({ err_msg: "preVerifyJSAPI:ok" }));
  else setTimeout(() => answered(bridge.answers.shift() ?? { err_msg: "scanQRCode:cancel" }));
} };
"""
WECHAT = (
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0"
    " Chrome/126.0 Mobile Safari/537.36 MicroMessenger/8.0.50"
)


def test_inside_wechat_its_own_scanner_redeems_one_after_another(counter, stack):
    codes = [counter.voucher(), counter.voucher()]
    answers = [
        {"err_msg": "scanQRCode:ok", "resultStr": f"{stack.url}/v/{codes[0]}"},
        {
            "err_msg": "scanQRCode:ok",
            "resultStr": f'{{"scan_code":{{"scan_result":"{codes[1]}"}}}}',  # As iOS says it.
        },
    ]
    page = counter.till(screen="receive", user_agent=WECHAT)
    page.add_init_script(BRIDGE % str(answers).replace("None", "null"))
    page.goto("/pos/#redeem")
    page.reload()
    expect(see(page, "camera")).to_contain_text("微信")
    see(page, "at-once").check()
    see(page, "camera").click()
    expect(see(page, "tally")).to_contain_text("2 张")
    verified, scanned = page.evaluate("bridge.calls.slice(0, 2)")
    assert verified[0] == "preVerifyJSAPI"
    assert len(verified[1]["verifySignature"]) == 40
    assert scanned[1]["needResult"] == 1


def _sign_in(page: Page, account: str) -> None:
    page.goto("/login/?next=/pos/")
    _fill(page, account)
    see(page, "amount").wait_for()


def _fill(page: Page, account: str) -> None:
    page.fill("[name=username]", account)
    page.fill("[name=password]", PASSWORD)
    page.click("main form button[type=submit]")


def _me(stack, cookies: dict[str, str]) -> int:
    return requests.get(f"{stack.url}/pos/api/me", cookies=cookies, timeout=10).status_code


def _wait_for_the_shell(page: Page) -> None:
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
