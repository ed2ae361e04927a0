"""What a member does from the first day on, in a browser, with the network cut where it hurts."""

from __future__ import annotations

import re
import secrets
from urllib.parse import unquote

from playwright.sync_api import Route, expect

from tests.browser.ground import TOGETHER

pytestmark = TOGETHER


def test_a_stranger_looks_around_signs_in_and_binds_a_phone(phone):
    one = phone()
    one.open()
    expect(one.page.get_by_text("老街面馆（春熙路店）").first).to_be_visible()
    assert "460 m" in one.page.locator("body").inner_text()
    one.open("pages/cards/index")
    expect(one.page.get_by_text("登录后查看")).to_be_visible()
    one.open("pages/signin/index")
    one.type("name", f"b-{secrets.token_hex(4)}")
    one.tap("enter")
    expect(one.page.get_by_text("请先阅读并同意隐私说明。")).to_be_visible()
    one.tap("agree")
    one.tap("enter")
    one.expect("total", "0.00")
    number = f"139{secrets.randbelow(10**8):08d}"
    one.open("pages/me/phone")
    one.type("phone", number)
    one.tap("bind")
    expect(one.page.get_by_text("已绑定", exact=True)).to_be_visible()
    one.open("pages/me/index")
    one.expect("phone", f"{number[:3]}****{number[7:]}")


def test_a_top_up_brings_its_bonus_and_a_payment_takes_from_the_card(member, pay_point):
    member.expect("balance", "360.00")
    member.enter_payment(pay_point, "28.5")
    member.expect("store", "老街面馆（春熙路店）")
    member.expect("card-part", "28.50")
    member.pay()
    member.expect("state", "付款成功")
    member.expect("balance", "331.50")
    member.require_total("331.50")


def test_a_combined_payment_is_finished_in_wechat(member, pay_point):
    member.enter_payment(pay_point, "400")
    member.expect("card-part", "360.00")
    member.expect("wechat-part", "40.00")
    member.pay()
    member.press_in_wechat("pay")
    member.expect("state", "付款成功")
    member.expect("balance", "0.00")


def test_a_combined_payment_is_given_up_and_the_card_has_its_part_back(member, pay_point):
    member.enter_payment(pay_point, "400")
    member.pay()
    member.press_in_wechat("cancel")
    member.expect("state", "未完成")
    member.tap("give-up")
    expect(member.page.get_by_text("¥360.00 会立即退回您的卡")).to_be_visible()
    member.confirm()
    member.expect("state", "付款未成功")
    member.require_total("360.00")


def test_an_app_closed_over_wechats_sheet_finds_its_payment_again(member, pay_point):
    member.enter_payment(pay_point, "400")
    member.pay()
    expect(member.page.locator(".sheet")).to_be_visible()
    member.open_again()
    member.open()
    member.expect("pending", "¥400.00")
    member.tap("pending")
    member.tap("finish")
    member.press_in_wechat("pay")
    member.expect("state", "付款成功")


def test_a_lost_answer_is_asked_for_again_and_nothing_is_paid_twice(member, pay_point, stack):
    """The server has paid; the phone never hears of it, twice."""
    cut: list[str] = []

    def lose(route: Route) -> None:
        if len(cut) < 2:
            cut.append(str(route.fetch().json()["id"]))
            route.abort()
        else:
            route.continue_()

    member.page.route("**/api/v1/payments", lose)
    member.enter_payment(pay_point, "10")
    member.pay()
    member.expect("state", "付款成功")
    assert len(cut) == 2
    assert cut[0] == cut[1]
    member.require_total("350.00")


def test_an_app_closed_before_the_answer_learns_of_it_at_the_next_start(member, pay_point):
    paid: list[str] = []

    def lose(route: Route) -> None:
        paid.append(route.fetch().text())
        route.abort()

    member.page.route("**/api/v1/payments", lose)
    member.enter_payment(pay_point, "10")
    with member.page.expect_event("requestfailed", lambda asked: asked.url.endswith("/payments")):
        member.pay()
    assert paid
    member.open_again()
    member.open()
    member.tap("found")
    member.expect("state", "付款成功")
    member.require_total("350.00")


def test_two_taps_pay_once(member, pay_point):
    member.enter_payment(pay_point, "10")
    member.page.locator(".done:visible").dblclick()
    member.expect("state", "付款成功")
    member.require_total("350.00")


def test_a_gift_is_opened_and_taken_by_a_second_member(member, phone):
    member.open("pages/gift/index")
    member.type("amount", "20")
    member.type("message", "生日快乐")
    member.tap("give")
    link = member.see("link").inner_text()
    member.require_total("340.00")
    friend = phone()
    friend.sign_in()
    friend.page.goto(link)
    friend.page.get_by_role("link", name="打开赠礼").click()
    friend.tap("unwrap")
    expect(friend.page.get_by_text("生日快乐")).to_be_visible()
    friend.tap("claim")
    friend.expect("state", "¥20.00")
    friend.require_total("20.00")
    member.open("pages/gift/list")
    member.expect("gift", "已领取")


def test_a_gift_that_nobody_took_is_taken_back(member):
    member.open("pages/gift/index")
    member.type("amount", "20")
    member.tap("give")
    expect(member.see("link")).to_be_visible()
    member.open("pages/gift/list")
    member.tap("take-back")
    member.confirm()
    member.expect("gift", "已撤回")
    member.require_total("360.00")


def test_a_typed_code_is_checked_letter_by_letter_and_credited_once(phone, stack):
    words = "demo voucher-codes --merchant merchant1 --count 1 --face-value-fen 5000 --kind top-up"
    code = stack.run(*words.split()).stdout.split()[-1]
    one = phone()
    one.sign_in()
    one.open("pages/topup/code")
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    one.type("code", wrong)
    one.expect("mistyped", "输入有误")
    one.type("code", code.lower())
    one.tap("redeem")
    one.expect("balance", "50.00")
    one.require_total("50.00")


def test_a_store_is_found_and_its_links_lead_there(phone):
    one = phone()
    one.open("pages/stores/index")
    one.type("search", "天府广场")
    expect(one.page.locator('[data-test="store"]:visible')).to_have_count(1)
    one.tap("store")
    one.expect("name", "春风超市（天府广场店）")
    amap = unquote(one.see("amap").get_attribute("href") or "")
    assert re.fullmatch(
        r"https://uri\.amap\.com/marker\?position=104\.065861,30\.657689"
        r"&name=春风超市（天府广场店）&coordinate=gaode&callnative=1",
        amap,
    )
    tencent = unquote(one.see("tencent").get_attribute("href") or "")
    assert "coord:30.657689,104.065861;title:春风超市（天府广场店）" in tencent


def test_stores_can_be_narrowed_to_those_that_take_my_cards(phone):
    one = phone()
    one.sign_in()
    shown = one.page.locator('[data-test="store"]:visible')
    one.open("pages/stores/index")
    expect(shown).not_to_have_count(0)
    one.tap("takes-my-cards")
    expect(shown).to_have_count(0)
    one.tap("takes-my-cards")
    expect(shown).not_to_have_count(0)
    one.top_up(300_00)
    one.open("pages/stores/index")
    one.tap("takes-my-cards")
    expect(shown.filter(has_text="可用我的卡")).not_to_have_count(0)
    expect(shown.filter(has_not_text="可用我的卡")).to_have_count(0)


def test_a_refund_is_asked_for(member, pay_point):
    member.enter_payment(pay_point, "30")
    member.pay()
    member.expect("state", "付款成功")
    member.open("pages/records/index")
    member.tap("record")
    member.tap("ask-refund")
    member.type("refund-amount", "12")
    member.type("reason", "商品已退")
    member.tap("send-request")
    member.expect("request", "¥12.00")
    member.expect("request", "门店处理中")


def test_an_account_is_erased_after_naming_what_is_given_up(member):
    member.open("pages/me/erase")
    expect(member.page.get_by_text("您的卡里还有 ¥360.00")).to_be_visible()
    member.tap("understood")
    member.tap("erase")
    member.confirm()
    member.expect("welcome", "一卡在手")
    member.open("pages/cards/index")
    expect(member.page.get_by_text("登录后查看")).to_be_visible()


def test_a_language_and_a_size_are_kept(phone):
    one = phone()
    one.open("pages/me/settings")
    one.tap("language-en")
    one.tap("large")
    one.open()
    expect(one.page.get_by_text("Nearby stores")).to_be_visible()
    expect(one.page.locator(".page.large")).to_be_visible()


def test_the_first_view_is_small(phone):
    """Under 200 KB as it goes over the wire, and nothing wider than the phone."""
    one = phone()
    session = one.context.new_cdp_session(one.page)
    session.send("Network.enable")
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda told: sizes.append(int(told["encodedDataLength"])))
    one.open()
    expect(one.page.get_by_text("老街面馆（春熙路店）").first).to_be_visible()
    assert 50_000 < sum(sizes) < 200_000
    assert one.page.evaluate("document.documentElement.scrollWidth") == 390
