"""The network is cut between the server's deed and its answer, at each step that moves money.

Whatever the phone has heard, the deed was done once, and the app comes to know of it.
"""

from __future__ import annotations

import time

from playwright.sync_api import expect

from tests.browser.ground import TOGETHER
from tests.faults.stack import Stack, http

pytestmark = TOGETHER


def test_a_combined_payment(member, pay_point):
    lost = member.lose_answers("payments", 2)
    member.enter_payment(pay_point, "400")
    member.pay()
    member.press_in_wechat("pay")
    member.expect("state", "付款成功")
    assert lost == [201, 201]
    member.require_total("0.00")
    member.open("pages/records/index")
    expect(member.page.locator('[data-test="record"]:visible')).to_have_count(1)


def test_giving_a_combined_payment_up(member, pay_point):
    member.enter_payment(pay_point, "400")
    member.pay()
    member.press_in_wechat("cancel")
    lost = member.lose_answers("payments/*/close", 1)
    member.tap("give-up")
    member.confirm()
    member.expect("state", "付款未成功")
    assert lost == [200]
    member.require_total("360.00")


def test_a_top_up(member):
    lost = member.lose_answers("top-ups", 2)
    member.top_up(50_00)
    assert lost == [201, 201]
    member.require_total("410.00")
    member.open("pages/records/index?kind=top-up")
    expect(member.page.locator('[data-test="record"]:visible')).to_have_count(2)


def test_a_printed_code(phone, printed_codes):
    one = phone()
    one.sign_in()
    lost = one.lose_answers("top-ups/redeem-code", 2)
    one.open("pages/topup/code")
    one.type("code", printed_codes.pop())
    one.tap("redeem")
    one.expect("balance", "50.00")
    assert lost == [201, 201]
    one.require_total("50.00")


def test_a_gift_and_its_claim_and_two_taps_on_each(member, phone):
    lost = member.lose_answers("gifts", 2)
    member.open("pages/gift/index")
    member.type("amount", "20")
    member.page.locator('[data-test="give"]:visible:not([disabled])').dblclick()
    link = member.see("link").inner_text()
    assert lost == [201, 201]
    member.require_total("340.00")
    friend = phone()
    friend.sign_in()
    lost = friend.lose_answers("gifts/claim", 2)
    friend.page.goto(link)
    friend.page.get_by_role("link", name="打开赠礼").click()
    friend.tap("unwrap")
    friend.page.locator('[data-test="claim"]:visible').dblclick()
    friend.expect("state", "¥20.00")
    assert lost == [201, 201]
    friend.require_total("20.00")


def test_taking_a_gift_back(member):
    member.give("20")
    lost = member.lose_answers("gifts/*/revoke", 2)
    member.open("pages/gift/list")
    member.tap("take-back")
    member.confirm()
    member.expect("gift", "已撤回")
    assert len(lost) == 2
    assert len(set(lost)) == 1
    member.require_total("360.00")


def test_without_a_network_the_button_says_so_and_works_again_after(member):
    """Nothing reached the server; the same wish has the same key when it is pressed again."""
    keys: list[str | None] = []
    member.page.on("request", lambda asked: _note_key(asked, keys))
    member.page.route("**/api/v1/gifts", lambda route: route.abort())
    member.open("pages/gift/index")
    member.type("amount", "20")
    member.tap("give")
    expect(member.page.get_by_text("没有收到结果。请再点一次按钮")).to_be_visible()
    member.page.unroute_all()
    member.tap("give")
    expect(member.see("link")).to_be_visible()
    assert len(keys) >= 5
    assert len(set(keys)) == 1
    member.require_total("340.00")


def test_a_payment_that_comes_too_late_is_given_back(member, pay_point, stack):
    """The member gave up; WeChat's sheet was pressed all the same in that moment."""
    member.enter_payment(pay_point, "400")
    member.pay()
    expect(member.page.locator(".sheet")).to_be_visible()
    [(number, prepay)] = stack.rows(
        "SELECT payment_no, prepay_id FROM payment WHERE status = 'pending' AND amount_fen = 40000"
        " ORDER BY id DESC LIMIT 1"
    )
    _tell_wechat(stack, "_scenario", order_no=number, scenario="pay_after_close")
    member.press_in_wechat("cancel")
    member.tap("give-up")
    member.confirm()
    member.expect("state", "付款未成功")
    _tell_wechat(stack, "_user/pay", prepay_id=prepay)
    member.open("pages/records/index?kind=refund")
    record = member.page.locator('[data-test="record"]:visible', has_text="40.00")
    _open_again_until(member, "pages/records/index?kind=refund", record)
    member.require_total("360.00")


def test_an_order_whose_time_is_over_is_closed_by_itself(member, pay_point, stack):
    member.enter_payment(pay_point, "400")
    member.pay()
    expect(member.page.locator(".sheet")).to_be_visible()
    stack.rows(
        "UPDATE payment SET expires_at = now(), created_at = created_at - interval '1 minute'"
        " WHERE id = (SELECT max(id) FROM payment WHERE status = 'pending' AND amount_fen = 40000)"
        " RETURNING id"
    )
    member.press_in_wechat("cancel")
    expect(member.see("state")).to_contain_text("付款未成功", timeout=60_000)
    member.require_total("360.00")


def _note_key(asked, keys):
    if asked.url.endswith("/api/v1/gifts") and asked.method == "POST":
        keys.append(asked.headers.get("idempotency-key"))


def _tell_wechat(stack: Stack, path: str, **body: object) -> None:
    answer = http().post(f"{stack.wechat_url}/{path}", json=body, timeout=10)
    assert answer.status_code == 200, answer.text


def _open_again_until(one, address, shown):
    """A page does not ask by itself: it is opened again until the job has done its part."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        one.open(address)
        one.page.wait_for_load_state("networkidle")
        if shown.count():
            return
        one.page.wait_for_timeout(500)
    raise AssertionError(f"nothing came to {address}")
