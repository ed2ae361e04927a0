"""What the app meets outside: a camera, WeChat's browser, editors' content, a refused position."""

from __future__ import annotations

import io
import re
import secrets

import pytest
from PIL import Image
from playwright.sync_api import expect

from config import load_settings
from tests.browser.ground import FLAGS, TOGETHER
from tests.browser.members.phones import Phone
from tests.browser.members.test_members_two import WECHAT
from tests.browser.till.pictures import write_video
from tests.browser_at_hand import find_browser
from tests.faults.stack import http

pytestmark = TOGETHER
_BRIDGE = """
window.WeixinJSBridge = { invoke: async (name, sheet, done) => {
  const end = await window.wechatSheet(name, sheet)
  done({ err_msg: `get_brand_wcpay_request:${end}` })
} }
"""


def test_a_printed_code_is_seen_by_the_camera_and_redeemed(
    chromium, stack, printed_codes, tmp_path
):
    """The picture goes through Chromium's camera and our own WebAssembly, nothing in between."""
    video = write_video(tmp_path / "code.y4m", f"{stack.url}/t/{printed_codes.pop()}")
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    flags = [*FLAGS, *fake, f"--use-file-for-fake-video-capture={video}"]
    browser = chromium.browser_type.launch(executable_path=find_browser(), args=flags)
    one = Phone(browser, stack.url)
    try:
        one.context.grant_permissions(["camera", "geolocation"])
        one.sign_in()
        one.open()
        one.tap("scan")
        one.tap("redeem")
        one.expect("balance", "50.00")
        one.require_total("50.00")
        assert one.faults == []
    finally:
        one.close()
        browser.close()


@pytest.fixture
def in_wechat(chromium, stack):
    """Somebody in the official account's browser. ``answers`` are given by WeChat's sheet."""
    one = Phone(chromium, stack.url, user_agent=WECHAT)
    one.answers, one.sheets = ["ok"], []

    def sheet(name, told):
        assert name == "getBrandWCPayRequest"
        one.sheets.append(told)
        end = one.answers.pop(0)
        if end == "ok":
            body = {"prepay_id": told["package"]}
            paid = http().post(f"{stack.wechat_url}/_user/pay", json=body, timeout=10)
            assert paid.status_code == 200, paid.text
        return end

    one.context.expose_function("wechatSheet", sheet)
    one.context.add_init_script(_BRIDGE)
    one.open("pages/signin/index")
    one.tap("agree")
    one.tap("enter")
    one.page.get_by_label("名字").fill(f"b-{secrets.token_hex(6)}")
    one.page.get_by_role("button", name="打开").click()
    expect(one.see("total")).to_be_visible()
    yield one
    one.close()
    assert all(fault.startswith("asked 127.0.0.1:") for fault in one.faults), one.faults


def test_in_the_official_account_wechats_own_sheet_pays_an_order_of_that_account(
    in_wechat, pay_point
):
    one = in_wechat
    one.open("pages/topup/index")
    one.tap("preset-5000")
    one.tap("pay")
    one.expect("balance", "50.00")
    assert one.sheets[0]["appId"] == load_settings({}).wechat.oa_appid
    one.answers += ["cancel", "fail", "ok"]
    one.enter_payment(pay_point, "80")
    one.pay()
    expect(one.page.get_by_text("您关闭了微信支付，尚未付款。")).to_be_visible()
    one.tap("finish")
    expect(one.page.get_by_text("微信支付没有打开。")).to_be_visible()
    one.tap("finish")
    one.expect("state", "付款成功")
    one.expect("balance", "0.00")
    assert len({sheet["package"] for sheet in one.sheets[1:]}) == 1


def test_banners_goods_and_news_are_read_and_searched(phone):
    one = phone()
    one.open()
    expect(one.see("banner")).to_be_visible()
    expect(one.see("goods")).to_be_visible()
    one.tap("article")
    expect(one.see("title")).to_be_visible()
    one.open("pages/content/index?kind=articles")
    one.page.locator('[data-test="content"]:visible', has_text="谨防代充值骗局").click()
    one.expect("body", "券码只在付款")
    one.open("pages/content/index?kind=goods")
    one.page.locator('[data-test="content"]:visible', has_text="担担面").click()
    one.expect("price", "¥")
    picture = one.page.locator(".cover div[style*=url]").first
    expect(picture).to_have_attribute("style", re.compile(r"/media/[\w-]+/640\.webp"))
    one.open("pages/search/index")
    one.type("search", "面馆")
    expect(one.page.locator('[data-type="store"]:visible').first).to_be_visible()
    one.tap("type-goods")
    expect(one.page.locator('[data-type="store"]')).to_have_count(0)
    one.tap("type-store")
    one.tap("found")
    expect(one.see("name")).to_be_visible()
    one.open("pages/search/index")
    expect(one.page.get_by_text("最近搜索")).to_be_visible()
    one.type("search", "qqqqzzzz")
    expect(one.page.get_by_text("没有找到")).to_be_visible()


def test_a_store_shows_what_it_says_of_itself_and_what_is_gone_leads_home(phone):
    one = phone()
    one.open("pages/stores/index")
    one.page.locator('[data-test="store"]:visible', has_text="春熙路").first.click()
    expect(one.see("cover")).to_be_visible()
    expect(one.see("body")).to_contain_text("包间")
    one.open("pages/content/detail?kind=goods&id=999999999")
    one.expect("gone", "不再发布")
    one.page.get_by_text("返回首页").click()
    expect(one.see("welcome")).to_be_visible()


def test_whoever_does_not_say_where_she_is_finds_stores_by_city(phone):
    one = phone()
    one.context.clear_permissions()
    one.open("pages/stores/index")
    expect(one.page.get_by_text("点此").first).to_be_visible()
    one.page.locator('[data-test="city"]:visible', has_text="成都").click()
    expect(one.page.get_by_text("春风超市（天府广场店）")).to_be_visible()
    assert " m" not in one.see("store").inner_text()
    one.type("search", "没有这样的门店")
    expect(one.page.get_by_text("没有找到门店")).to_be_visible()


def test_a_name_and_a_picture_are_ones_own(phone):
    one = phone()
    one.sign_in()
    one.open("pages/me/profile")
    one.type("nickname", "小满")
    one.choose_file("change-picture", "face.png", "image/png", _portrait())
    expect(one.see("avatar")).to_be_visible()
    one.tap("save")
    one.open("pages/me/index")
    one.expect("nickname", "小满")
    expect(one.page.locator(".avatar div[style*=avatars]").first).to_be_visible()
    one.open("pages/me/profile")
    one.choose_file("change-picture", "face.png", "image/png", b"no picture")
    one.expect("picture-error", "JPEG")


def test_ones_data_are_taken_away_as_a_file(member):
    member.open("pages/me/privacy")
    with member.page.expect_download() as loading:
        member.tap("export")
    text = loading.value.path().read_text(encoding="utf-8")
    assert loading.value.suggested_filename == "kaquan-my-data.json"
    assert '"top_ups"' in text
    assert "30000" in text


def test_scanned_addresses_lead_into_the_app_and_stay_readable_outside(phone, member, pay_point):
    one = phone()
    for address in (f"q/{pay_point}", "v/0000-0000-0000-0000", "t/0000-0000-0000-0000"):
        one.page.goto(f"{one.base_url}/{address}")
        expect(one.page.locator("h1").first).to_be_visible()
    one.page.goto(f"{one.base_url}/q/{pay_point}")
    one.page.locator('a[href*="/m/"]').first.click()
    one.expect("store", "老街面馆（春熙路店）")
    one.page.goto(member.give("20"))
    one.page.get_by_role("link", name="打开赠礼").click()
    one.tap("unwrap")
    one.tap("claim")
    expect(one.see("enter")).to_be_visible()


def test_in_english_at_320_px_with_large_text_nothing_is_cut_off(member, pay_point):
    member.page.set_viewport_size({"width": 320, "height": 640})
    member.open("pages/me/settings")
    member.tap("language-en")
    member.tap("large")
    pages = ["", "pages/cards/index", "pages/topup/index", "pages/gift/index", "pages/stores/index",
             "pages/me/index", "pages/me/notices", "pages/records/index", "pages/code/index",
             "pages/me/privacy", "pages/me/erase", "pages/search/index", "pages/content/index",
             f"pages/pay/index?point={pay_point}"]  # fmt: skip
    for page in pages:
        member.open(page)
        member.page.wait_for_load_state("networkidle")
        assert member.page.evaluate("document.documentElement.scrollWidth") == 320, page
        said = member.page.locator("uni-page:visible .page").first.inner_text()
        if page not in _WRITTEN_BY_EDITORS:
            assert not _CHINESE_OF_OURS.search(said), (page, said)


# Names of stores, goods and cards are what their owners wrote; these words would be ours.
_WRITTEN_BY_EDITORS = ("", "pages/search/index", "pages/content/index")
_CHINESE_OF_OURS = re.compile("充值|付款|赠送|登录|记录|设置|余额|门店名|全部|搜索")


def _portrait() -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((500, 700)).convert("RGB").save(out, "PNG")
    return out.getvalue()


def test_a_block_of_the_home_page_is_written_at_the_desk_and_read_on_a_phone(phone, console, desk):
    desk.guard.tolerate("Failed to load resource")  # No dashboard for editors.
    page = console("editor")
    title = f"新会员礼遇 {secrets.token_hex(4)}"
    page.goto("/console/content/new?kind=block")
    page.wait_for_selector(".content-form[data-ready]")
    page.fill("[name=title]", title)
    page.click(".editor-page [contenteditable]")
    page.keyboard.type("首充满一百元送早餐券。")
    page.click(".content-form button[type=submit]")
    page.wait_for_url(re.compile(r"/console/contents/show/\d+$"))
    page.goto(f"/console/content/{page.url.rsplit('/', 1)[1]}/plan")
    page.click(".form button[type=submit]")
    expect(page.locator(".message")).to_be_visible()
    one = phone()
    one.open()
    expect(one.page.locator(".block-title", has_text=title)).to_be_visible()
    expect(one.page.locator('[data-test="block"]', has_text="早餐券").first).to_be_visible()
    assert one.page.evaluate("document.documentElement.scrollWidth") <= 390
