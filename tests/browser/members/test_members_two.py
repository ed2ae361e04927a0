"""What arrives at a member later, and what WeChat's browser does."""

from __future__ import annotations

import secrets

from playwright.sync_api import expect

from tests.browser.ground import TOGETHER
from tests.browser.members.phones import Phone

pytestmark = TOGETHER
WECHAT = "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.50"
_RUN = (
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW("
    "'default', %s, 20, NULL, NULL, '{\"timestamp\": 0}'::jsonb, NULL"
    ")::procrastinate_job_to_defer_v1])"
)


def test_a_gift_that_nobody_claims_in_time_comes_back(member, stack):
    member.open("pages/gift/index")
    member.type("amount", "20")
    member.tap("give")
    expect(member.see("link")).to_be_visible()
    stack.rows(
        "UPDATE gift SET expires_at = now() WHERE id = (SELECT max(id) FROM gift) RETURNING id"
    )
    stack.rows(_RUN, "return_expired_gifts")
    expect(_balance(member, "360.00")).to_be_visible()
    member.open("pages/gift/list")
    member.expect("gift", "已退回")


def _balance(member, yuan):
    """The page is opened again until the job has done it: a page does not ask by itself."""
    shown = member.page.locator('[data-test="total"]:visible', has_text=yuan)
    for _ in range(20):
        member.open("pages/cards/index")
        expect(member.see("total")).to_be_visible()
        if shown.count():
            break
        member.page.wait_for_timeout(500)
    return shown


def test_the_next_message_is_agreed_to(member):
    member.open("pages/me/notices")
    member.tap("agree-refunded")
    member.expect("left-refunded", "已同意接收 1 条")


def test_in_wechats_browser_the_official_account_says_who_it_is(chromium, stack):
    """There and back; the same person in the mini-program is the same member."""
    one = Phone(chromium, stack.url, user_agent=WECHAT)
    one.open("pages/signin/index")
    one.tap("agree")
    one.tap("enter")
    name = f"b-{secrets.token_hex(6)}"
    one.page.get_by_label("名字").fill(name)
    one.page.get_by_role("button", name="打开").click()
    expect(one.page.get_by_text("老街面馆（春熙路店）").first).to_be_visible()
    one.open("pages/cards/index")
    expect(one.page.get_by_text("还没有卡")).to_be_visible()
    assert all(fault.startswith("asked 127.0.0.1:") for fault in one.faults), one.faults
    one.close()


def test_a_way_back_that_was_not_begun_here_signs_nobody_in(phone):
    one = phone()
    one.open("pages/signin/index?code=demo-thief&state=0123456789abcdef0123456789abcdef")
    expect(one.page.get_by_text("本次登录不是从这里开始的，请重新登录。")).to_be_visible()
    one.open("pages/cards/index")
    expect(one.page.get_by_text("登录后查看")).to_be_visible()
