"""Paper over the counter, a photo, a voice, and what a manager undoes at once."""

from __future__ import annotations

import requests
from PIL import Image
from playwright.sync_api import Page, expect

from app.documents.barcodes import draw_qr
from tests.browser.ground import PASSWORD, TOGETHER
from tests.browser.till.conftest import see, top_up
from tests.faults.stack import wait_until

pytestmark = TOGETHER
PIXELS = 8


def test_paper_is_sold_for_cash_and_its_receipt_fits_both_rolls(counter):
    page = counter.till(screen="sell")
    [serial] = counter.stock(1)
    see(page, "serial").fill(serial)
    see(page, "quote").click()
    expect(see(page, "price")).to_contain_text("¥")
    see(page, "sell-cash").click()
    number = see(page, "sold").locator(".note").inner_text()
    for width, pixels in (("58", 48 / 25.4 * 96), ("80", 72 / 25.4 * 96)):
        page.goto(f"/pos/receipts/{number}?width={width}")
        box = page.locator("main").bounding_box()
        assert box is not None
        assert abs(box["width"] - pixels) < 2
        main = "document.querySelector('main')"
        assert page.evaluate(f"{main}.scrollWidth <= {main}.clientWidth"), width
        expect(page.locator("main")).to_contain_text(number)


def test_paper_is_sold_by_a_code_that_the_customer_scans_with_wechat(counter, stack):
    page = counter.till(screen="sell")
    first, last = counter.stock(2)
    see(page, "first").fill(first)
    see(page, "last").fill(last)
    see(page, "quote").click()
    with page.expect_response("**/pos/api/voucher-sales") as answered:
        see(page, "sell-wechat").click()
    sale = answered.value.json()
    expect(page.locator(".result.waiting .pay-code")).to_be_visible()
    paid = requests.post(
        f"{stack.wechat_url}/_user/pay", json={"code_url": sale["code_url"]}, timeout=10
    )
    assert paid.status_code == 200, paid.text
    expect(see(page, "sold")).to_contain_text("2 张")


def test_a_shift_is_handed_over_with_the_colleagues_word_and_the_till_is_locked(counter, desk):
    _close_any_shift(desk.console("store1"))
    page = desk.stranger()
    page.goto("/login/?next=/pos/")
    page.fill("[name=username]", "cashier1")
    page.fill("[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    see(page, "amount").wait_for()
    _close_any_shift(page)
    page.goto("/pos/#shift")
    see(page, "float").fill("100")
    see(page, "open-shift").click()
    see(page, "counted").fill("100")
    page.locator("summary").click()
    see(page, "proof-name").fill("store1")
    see(page, "proof-secret").fill(PASSWORD)
    see(page, "hand-over").click()
    expect(page.locator("[data-report=Z]")).to_contain_text("100.00")
    assert PASSWORD not in page.evaluate("JSON.stringify(localStorage)")
    see(page, "lock-for-next").click()
    page.wait_for_url("**/login/**")
    successor = counter.till("store1", screen="shift")
    expect(successor.locator("[data-report=X]")).to_contain_text("100.00")
    _close_any_shift(successor)


def test_a_photo_of_a_voucher_is_as_good_as_the_camera(counter, stack, tmp_path):
    page = counter.till(screen="redeem")
    see(page, "camera").wait_for()
    page.locator("[data-test=photo]").first.set_input_files(
        _photo(tmp_path / "voucher.png", f"{stack.url}/v/{counter.voucher()}")
    )
    expect(see(page, "redeem")).to_contain_text("50.00")


def test_a_manager_refunds_the_whole_and_reverses_without_asking_anybody(counter, scan):
    member = counter.member()
    page = counter.till("store1", screen="top-up")
    top_up(page, member.phone, "20")
    page.goto("/pos/#receive")
    page.locator("[data-key='9']").click()
    see(page, "charge").click()
    scan(page, member.payment_code())
    expect(page.locator("dialog .result")).to_have_attribute("data-status", "paid")
    number = page.locator("dialog .result .note").inner_text()
    see(page, "done").click()
    page.goto("/pos/#today")
    see(page, "search").fill(number[-6:])
    page.keyboard.press("Enter")
    page.locator(f"[data-test=records] [data-number='{number}']").click()
    see(page, "refund").click()
    see(page, "reason").fill("全部退回")
    see(page, "refund-now").click()
    expect(page.locator(".toast.good")).to_contain_text("9.00")
    assert member.balance_fen() == 20_00
    page.goto("/pos/#redeem")
    see(page, "code").fill(counter.voucher())
    see(page, "redeem").click()
    redeemed = page.locator("[data-test=result].good .note").inner_text()
    page.goto("/pos/#today")
    see(page, "search").fill(redeemed[-6:])
    page.keyboard.press("Enter")
    page.locator(f"[data-test=records] [data-number='{redeemed}']").click()
    see(page, "reverse").click()
    assert see(page, "proof-name").count() == 0
    see(page, "reason").fill("点错了")
    see(page, "reverse-now").click()
    expect(page.locator(".toast", has_text="已冲正")).to_be_visible()


# A device's voice is its own; these lines stand for one and write down what it was to say.
VOICE = """
globalThis.said = [];
globalThis.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
speechSynthesis.getVoices = () => [{ lang: "zh-CN", localService: true, name: "voice" }];
speechSynthesis.speak = (one) => { said.push(one.text); one.onstart(); };
"""


def test_an_arrival_is_said_aloud_and_stands_large_over_the_screen(counter):
    member = counter.member()
    page = counter.till(screen="top-up")
    top_up(page, member.phone, "30")
    page.add_init_script(VOICE)
    page.goto("/pos/#today")
    page.reload()
    page.locator("#nav [data-screen=today][aria-current]").wait_for()
    point = page.request.get("/pos/api/me").json()["pay_point"]["token"]
    member.pay(point, 28_50)
    expect(see(page, "arrival")).to_contain_text("28.50")
    wait_until(lambda: "会员卡收款，到账二十八元五角" in page.evaluate("said"), 20)


def test_without_a_chinese_voice_the_till_says_so_and_sound_can_be_turned_off(counter):
    page = counter.till()
    expect(see(page, "no-voice")).to_contain_text("没有中文语音")
    page.goto("/pos/#device")
    see(page, "listen").click()
    expect(see(page, "voice")).to_contain_text("没有中文语音")
    page.locator("#sound").click()
    expect(page.locator("#sound")).to_have_attribute("data-state", "off")
    expect(see(page, "sound")).not_to_be_checked()
    page.reload()
    expect(page.locator("#sound")).to_have_attribute("data-state", "off")


def _close_any_shift(page: Page) -> None:
    """What an earlier test has left open."""
    shift = page.request.get("/pos/api/shifts/current").json()["shift"]
    if shift is None:
        return
    token = page.request.get("/pos/session").json()["csrf_token"]
    closed = page.request.post(
        "/pos/api/shifts/close",
        headers={"X-CSRFToken": token},
        data={"counted_fen": shift["expected_fen"], "reason": ""},
    )
    assert closed.status == 201, closed.text()


def _photo(path, text: str):
    code = draw_qr(text)
    side = (code.size + 8) * PIXELS
    picture = Image.new("L", (side, side), 235)
    for y in range(code.size):
        for x in range(code.size):
            if code.is_dark(x, y):
                left, top = (x + 4) * PIXELS, (y + 4) * PIXELS
                picture.paste(20, (left, top, left + PIXELS, top + PIXELS))
    picture.save(path)
    return path
