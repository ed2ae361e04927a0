"""Without a line, without a mouse, in a hand, on its side, in the dark."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

from tests.browser.ground import TOGETHER, sign_in
from tests.browser.till.conftest import see

pytestmark = TOGETHER
SCREENS = ("receive", "redeem", "top-up", "sell", "today", "shift", "device")
SIZES = ((1280, 800), (820, 1180), (390, 844), (844, 390))


def test_the_shell_opens_without_a_line_and_tells_the_truth(counter, guard):
    guard.tolerate("Failed to load resource|ERR_INTERNET_DISCONNECTED")
    page = counter.till()
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("#banner")).to_contain_text("网络不通")
    expect(page.locator("#place")).to_be_visible()
    page.context.set_offline(False)
    expect(see(page, "amount")).to_be_visible()
    expect(page.locator("#banner")).to_be_hidden()


def test_who_is_signed_out_while_an_answer_is_missing_is_not_told_that_nothing_was_done(
    counter, desk, stack, guard
):
    guard.tolerate("Failed to load resource|status of 401")
    page = desk.stranger()
    sign_in(page, "cashier1")
    page.goto("/pos/#redeem")
    see(page, "code").fill(counter.voucher())
    before = _redemptions(stack)

    def lose(route: Route) -> None:
        """It is done; the answer is lost, and the session ends before the till can ask."""
        route.fetch()
        page.context.clear_cookies()
        route.abort("connectionreset")

    page.route("**/pos/api/redemptions", lose, times=1)
    see(page, "redeem").click()
    page.wait_for_url("**/login/**")
    assert _redemptions(stack) == before + 1
    sign_in(page, "cashier1")
    page.goto("/pos/")
    expect(page.locator(".toast.good")).to_contain_text("已成功")
    assert _redemptions(stack) == before + 1


def test_too_many_wrong_words_are_told_and_not_asked_for_ever(counter, guard):
    """A till waits by itself for seconds, never for half an hour."""
    guard.tolerate("status of 4")
    page = counter.till(screen="redeem")
    told = {"code": "too_many_requests", "detail": "请等 900 秒", "status": 429}
    page.route(
        "**/pos/api/redemptions",
        lambda route: route.fulfill(status=429, json=told, headers={"Retry-After": "900"}),
    )
    see(page, "code").fill(counter.voucher())
    see(page, "redeem").click()
    expect(page.locator("[data-test=result].bad")).to_contain_text("请等 900 秒")
    expect(page.locator("#banner")).to_be_hidden()


def test_a_scanner_that_types_into_the_field_is_one_scan(counter, guard):
    """Its Enter comes after the look-up that the last character has begun."""
    page = counter.till(screen="redeem")
    see(page, "at-once").check()
    code = counter.voucher()
    see(page, "code").focus()
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/lookup" in one.url else None)
    page.evaluate(_BURST, code)
    expect(page.locator("[data-test=result].good")).to_be_visible()
    page.wait_for_timeout(300)
    expect(page.locator("[data-test=result].good")).to_be_visible()
    assert len(asked) == 1


def test_all_is_reached_and_done_by_keyboard(counter):
    page = counter.till(screen="redeem")
    see(page, "code").focus()
    page.keyboard.insert_text(counter.voucher())
    expect(see(page, "redeem")).to_be_focused()
    page.keyboard.press("Enter")
    expect(see(page, "next-voucher")).to_be_focused()
    page.keyboard.press("Enter")
    expect(see(page, "code")).to_be_focused()
    for screen in ("receive", "device"):
        _show(page, screen)
        assert _missed_by_tab(page) == [], screen


def test_targets_are_large_and_words_are_seen_at_every_size_in_light_and_dark(counter):
    page = counter.till()
    _walk(page)
    page.emulate_media(color_scheme="dark")
    _walk(page, sizes=SIZES[:1])


def test_a_verdict_fills_the_screen_in_colours_that_can_be_read(counter, guard):
    guard.tolerate("status of 409")
    page = counter.till(screen="redeem")
    code = counter.voucher()
    see(page, "code").fill(code)
    see(page, "redeem").click()
    for kind in ("good", "bad"):
        expect(page.locator(f"[data-test=result].{kind}")).to_be_visible()
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            where = f"{kind} at {width} px"
            assert page.evaluate(_FAINT) == [], where
            box = page.locator("[data-test=result] .verdict").bounding_box()
            assert box is not None, where
            assert 0 <= box["y"] < height - 48, f"{where}: it has to be scrolled to"
            colours = "getComputedStyle(document.querySelector('%s')).backgroundColor"
            behind = page.evaluate(colours % "#screen")
            assert behind == page.evaluate(colours % f"[data-test=result].{kind}"), where
        see(page, "next-voucher").click()
        see(page, "code").fill(code)


def _walk(page: Page, sizes: tuple[tuple[int, int], ...] = SIZES) -> None:
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        for screen in SCREENS:
            _show(page, screen)
            where = f"{screen} at {width} px"
            assert page.evaluate(_SMALL) == [], where
            assert page.evaluate(_FAINT) == [], where
            assert page.evaluate(_OUTSIDE) == [], where


def _show(page: Page, screen: str) -> None:
    page.evaluate("(screen) => { location.hash = screen; }", screen)
    page.locator(f"#nav [data-screen={screen}][aria-current]").wait_for()


def _missed_by_tab(page: Page) -> list[str]:
    """What can be pressed but was not come to by pressing Tab all round."""
    page.evaluate("document.activeElement.blur(); window.seen = new Set();")
    count: int = page.evaluate("document.querySelectorAll('button, a, input, select').length")
    for _ in range(count + 2):
        page.keyboard.press("Tab")
        page.evaluate("seen.add(document.activeElement)")
    missed: list[str] = page.evaluate(
        "[...document.querySelectorAll('#screen button, #nav a, #screen a, #screen input, #sound')]"
        ".filter((one) => one.checkVisibility() && !one.disabled && !seen.has(one))"
        ".map((one) => one.outerHTML.slice(0, 90))"
    )
    return missed


def _redemptions(stack) -> int:
    [(count,)] = stack.rows("SELECT count(*) FROM redemption")
    return int(count)


_BURST = """(code) => {
  const field = document.activeElement;
  for (const key of [...code, "Enter"]) {
    field.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    if (key === "Enter") continue;
    field.setRangeText(key, field.value.length, field.value.length, "end");
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
}"""
_SMALL = """() => [...document.querySelectorAll('button, a, input:not([type=checkbox]), select')]
  .filter((one) => one.checkVisibility() && !one.matches('.skip, .visually-hidden'))
  .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.height < 47.5 || box.width < 47.5))
  .map(([what, box]) => `${what} ${Math.round(box.width)}x${Math.round(box.height)}`)"""
_OUTSIDE = """() => [...document.querySelectorAll('#screen *, #nav *, .bar *')]
  .filter((one) => one.checkVisibility() && !one.matches('.visually-hidden'))
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
  .map((one) => one.outerHTML.slice(0, 80))"""
# WCAG AA: 4.5 to 1, and 3 to 1 for large words; against the first ground that is not transparent.
_FAINT = """() => {
  const parse = (text) => {
    const parts = text.match(/[\\d.]+/g).map(Number);
    return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
  };
  const light = ({ rgb }) => {
    const [r, g, b] = rgb.map((one) => one / 255)
      .map((one) => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const found = parse(getComputedStyle(at).backgroundColor);
      if (found.alpha > 0.9) return found;
    }
    return { rgb: [255, 255, 255] };
  };
  const faint = [];
  for (const one of document.querySelectorAll('body *')) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !one.checkVisibility() || one.matches('.visually-hidden, .skip, option')) continue;
    if (one.closest('[inert], :disabled')) continue;
    const style = getComputedStyle(one);
    const [a, b] = [light(parse(style.color)), light(ground(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) faint.push(one.textContent.slice(0, 30) + ratio.toFixed(2));
  }
  return faint;
}"""
