"""The till as a cashier uses it: a real browser before the real product."""

from __future__ import annotations

import gzip
import re

import requests
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.ground import FLAGS, PASSWORD, TOGETHER, Desk
from tests.browser.till.conftest import SIZE, see, top_up
from tests.browser.till.pictures import write_video
from tests.browser_at_hand import find_browser

pytestmark = TOGETHER
FIRST_VIEW_BYTES = 100_000


def test_strangers_sign_in_first_and_come_back_to_the_till(desk):
    page = desk.stranger()
    page.goto("/pos/")
    assert page.url.endswith("/login/?next=/pos/")
    page.fill("[name=username]", "cashier2")
    page.fill("[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    expect(see(page, "amount")).to_be_visible()
    assert page.url.split("#")[0].endswith("/pos/")


def test_the_camera_sees_a_voucher_which_is_redeemed_and_refused_the_second_time(
    chromium, stack, guard, counter, tmp_path
):
    """The picture goes through Chromium's camera and our own WebAssembly, nothing in between."""
    video = write_video(tmp_path / "voucher.y4m", f"{stack.url}/v/{counter.voucher()}")
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    flags = [*FLAGS, *fake, f"--use-file-for-fake-video-capture={video}"]
    browser = chromium.browser_type.launch(executable_path=find_browser(), args=flags)
    desk = Desk(browser, stack.url, guard, {})
    try:
        page = desk.console("cashier1", permissions=["camera"])
        page.set_viewport_size(SIZE)
        page.goto("/pos/#redeem")
        see(page, "camera").click()
        see(page, "redeem").click()
        expect(_result(page, "good")).to_contain_text("50.00")
        see(page, "camera").click()
        see(page, "camera").click()
        expect(_result(page, "bad")).to_contain_text("不能核销")
        expect(see(page, "before")).to_contain_text("老街面馆")
    finally:
        desk.close()
        browser.close()


def test_a_scanner_redeems_one_after_another_without_a_touch(counter, scan):
    page = counter.till(screen="redeem")
    page.get_by_text("扫码后立即核销").click()
    for count in (1, 2):
        scan(page, counter.voucher())
        expect(see(page, "tally")).to_contain_text(f"{count} 张")
        expect(_result(page, "good")).to_be_visible()


def test_a_typing_error_is_told_before_anybody_asks_the_server(counter):
    page = counter.till(screen="redeem")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    code = counter.voucher()
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    see(page, "code").fill(wrong)
    expect(see(page, "code-error")).to_contain_text("有一位输错了")
    assert not [url for url in asked if "/vouchers/" in url]
    see(page, "code").fill(code.lower())
    expect(see(page, "redeem")).to_be_visible()


def test_cash_payment_code_refund_and_reversal_with_a_managers_word(counter, stack, scan):
    member = counter.member()
    page = counter.till(screen="top-up")
    top_up(page, member.phone, "28.50")
    assert member.balance_fen() == 2850

    page.goto("/pos/#receive")
    for key in "20":
        page.locator(f"[data-key='{key}']").click()
    see(page, "charge").click()
    scan(page, member.payment_code())
    expect(page.locator("dialog .result")).to_have_attribute("data-status", "paid")
    number = page.locator("dialog .result .note").inner_text()
    see(page, "done").click()
    expect(page.locator(f"[data-test=feed] [data-number='{number}']")).to_contain_text("20.00")
    assert member.balance_fen() == 850

    _find(page, number)
    see(page, "refund").click()
    see(page, "refund-amount").fill("5")
    see(page, "reason").fill("少做一份")
    see(page, "refund-now").click()
    expect(page.locator(".toast.good")).to_contain_text("5.00")
    assert member.balance_fen() == 1350

    other = counter.member()
    page.goto("/pos/#top-up")
    top_up(page, other.phone, "10")
    _find(page, see(page, "credited").locator(".note").inner_text())
    see(page, "reverse").click()
    see(page, "reason").fill("客人反悔")
    see(page, "proof-name").fill("store1")
    see(page, "proof-secret").fill(PASSWORD)
    see(page, "reverse-now").click()
    expect(page.locator(".toast", has_text="已冲正")).to_be_visible()
    assert other.balance_fen() == 0


def test_what_the_card_lacks_waits_visibly_for_wechat(counter, scan):
    member = counter.member()
    page = counter.till(screen="top-up")
    top_up(page, member.phone, "10")
    page.goto("/pos/#receive")
    for key in "30":
        page.locator(f"[data-key='{key}']").click()
    see(page, "charge").click()
    scan(page, member.payment_code())
    result = page.locator("dialog .result")
    expect(result).to_have_attribute("data-status", "pending")
    expect(result).to_contain_text("¥10.00")
    expect(result).to_contain_text("¥20.00 · 等待中")
    member.confirm_in_wechat()
    expect(result).to_have_attribute("data-status", "paid")


def test_a_shift_closes_with_a_difference_only_when_it_is_explained(counter, guard):
    guard.tolerate("status of 422")
    page = counter.till("cashier2", screen="shift")
    see(page, "float").fill("100")
    see(page, "open-shift").click()
    see(page, "counted").fill("99")
    see(page, "close-shift").click()
    expect(page.locator(".wrong:visible")).to_contain_text("差额 -¥1.00")
    see(page, "difference-reason").fill("找零少一元")
    see(page, "close-shift").click()
    expect(page.locator("[data-report=Z]")).to_contain_text("找零少一元")
    expect(see(page, "difference")).to_have_text("-¥1.00")


def test_an_answer_that_was_lost_is_asked_for_again_and_nothing_is_done_twice(
    counter, stack, guard
):
    guard.tolerate("Failed to load resource")
    page = counter.till(screen="redeem")
    page.route("**/pos/api/redemptions", _lose_first())
    see(page, "code").fill(counter.voucher())
    before = _redemptions(stack)
    see(page, "redeem").click()
    expect(page.locator("#banner")).to_contain_text("尚未得到结果")
    expect(_result(page, "good")).to_be_visible()
    expect(page.locator("#banner")).to_be_hidden()
    assert _redemptions(stack) == before + 1


def test_a_till_that_was_switched_off_in_between_tells_afterwards(counter, stack, guard):
    guard.tolerate("Failed to load resource")
    page = counter.till(screen="redeem")
    page.route("**/pos/api/redemptions", _lose_all)
    see(page, "code").fill(counter.voucher())
    before = _redemptions(stack)
    see(page, "redeem").click()
    expect(page.locator("#banner")).to_be_visible()
    page.unroute("**/pos/api/redemptions")
    page.reload()
    expect(page.locator(".toast.good")).to_contain_text("已成功")
    assert _redemptions(stack) == before + 1


def test_two_tills_hold_one_voucher_and_one_is_paid(counter, guard):
    guard.tolerate("status of 409")
    code = counter.voucher()
    tills = [counter.till(account, screen="redeem") for account in ("cashier1", "store1")]
    for page in tills:
        see(page, "code").fill(code)
        expect(see(page, "redeem")).to_be_visible()
    for page in tills:
        see(page, "redeem").click()
    expect(_result(tills[0], "good")).to_be_visible()
    expect(_result(tills[1], "bad")).to_contain_text("不能核销")


def test_another_stores_till_sees_none_of_it(counter, guard):
    guard.tolerate("status of 404")
    page = counter.till(screen="redeem")
    code = counter.voucher()
    see(page, "code").fill(code)
    see(page, "redeem").click()
    number = _result(page, "good").locator(".note").inner_text()
    stranger = counter.till("cashier2", screen="today")
    expect(stranger.locator("[data-test=records]")).to_be_visible()
    assert stranger.locator(f"[data-number='{number}']").count() == 0
    assert stranger.request.get(f"/pos/receipts/{number}").status == 404
    assert page.request.get(f"/pos/receipts/{number}").status == 200
    stranger.goto("/pos/#redeem")
    see(stranger, "code").fill(code)
    expect(_result(stranger, "bad")).to_be_visible()
    expect(see(stranger, "before")).to_have_count(0)


def test_the_first_view_is_under_a_hundred_kilobytes(stack):
    """Page, styles and scripts, each compressed by itself, as a proxy sends them."""
    page = requests.get(f"{stack.url}/pos/terminal/", timeout=10).text
    parts = re.findall(r'(?:href|src)="(/static/[^"]+|/pos/[^"]+)"', page)
    assert len([part for part in parts if "/js/till/" in part]) > 10
    assert not [part for part in parts if "scanner.js" in part or "vendor" in part]
    texts = [page, *(requests.get(stack.url + part, timeout=10).text for part in set(parts))]
    assert sum(len(gzip.compress(text.encode())) for text in texts) < FIRST_VIEW_BYTES


def _result(page: Page, kind: str) -> Locator:
    return page.locator(f"[data-test=result].{kind}")


def _find(page: Page, number: str) -> None:
    page.goto("/pos/#today")
    see(page, "search").fill(number[-6:])
    page.keyboard.press("Enter")
    page.locator(f"[data-test=records] [data-number='{number}']").click()


def _lose_first():
    lost: list[bool] = []

    def route(route: Route) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(True)
            _lose_all(route)

    return route


def _lose_all(route: Route) -> None:
    """The server does what it was asked; its answer never arrives."""
    route.fetch()
    route.abort("connectionreset")


def _redemptions(stack) -> int:
    [(count,)] = stack.rows("SELECT count(*) FROM redemption")
    return int(count)
