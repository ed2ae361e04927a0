"""A member is found, a card frozen, and a balance corrected by two people."""

from __future__ import annotations

import re
import secrets
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from app.core import money
from tests.browser.consoles.clerks import (
    cashier_token,
    expect_said,
    follow,
    number_in_address,
    post,
    send,
    token_of,
)  # fmt: skip
from tests.browser.ground import TOGETHER
from tests.faults.stack import Stack

pytestmark = TOGETHER


@pytest.fixture
def customer(stack: Stack) -> tuple[str, int]:
    """Phone and card of somebody who has just paid 88.00 in cash onto a card."""
    phone = f"139{secrets.randbelow(10**8):08d}"
    member = token_of(stack, "/api/v1/sessions", code=f"demo-{secrets.token_hex(8)}")
    post(stack, "/api/v1/me/phone", member, code=f"phone-{phone}")
    cashier = cashier_token(stack)
    paid = post(stack, "/pos/api/top-ups", cashier, phone=phone, amount_fen=88_00).json()
    [(card,)] = stack.rows("SELECT card_id FROM top_up WHERE top_up_no = %s", paid["top_up_no"])
    return phone, int(card)


def balance_on(page: Page, card: int) -> int:
    page.goto(f"/console/cards/show/{card}")
    shown = page.locator("dl.facts div", has_text="余额").locator("dd").first.inner_text()
    return int(Decimal(shown.replace(",", "").lstrip("¥")) * 100)


def test_a_member_is_found_by_phone_and_the_card_frozen_and_released(console, customer):
    phone, card = customer
    page = console("platform")
    page.goto("/console/members/list/")
    page.fill("form[method=post] [name=phone]", phone)
    page.press("form[method=post] [name=phone]", "Enter")
    page.wait_for_url(re.compile(r"/console/members/show/\d+$"))
    assert phone not in page.content()
    expect(page.locator("main")).to_contain_text(f"{phone[:3]}****{phone[-4:]}")

    page.goto(f"/console/cards/show/{card}")
    follow(page, "冻结")
    send(page, reason="本人来电挂失前先冻结")
    expect(page.locator("dd.state, dd .state").first).to_have_text("已冻结")
    follow(page, "解冻")
    send(page, reason="卡已找到")
    expect(page.locator("dd.state, dd .state").first).not_to_have_text("已冻结")


def test_a_correction_needs_a_second_person_and_is_in_the_books(console, customer, stack):
    _, card = customer
    maker, checker = console("platform"), console("finance")
    before = balance_on(maker, card)
    follow(maker, "申请调账")
    send(maker, amount_fen="12.34", reason="9 月 3 日重复扣款，单号见工单 17")
    expect_said(maker, "等待")
    asked = number_in_address(maker)
    expect(maker.locator(".actions").get_by_role("link", name="同意")).to_have_count(0)
    assert balance_on(maker, card) == before  # Nothing moves before the second yes.

    checker.goto(f"/console/adjustments/show/{asked}")
    follow(checker, "同意")
    expect(checker.locator(".what-happens")).to_contain_text(money.yuan(before + 12_34))
    send(checker)
    assert balance_on(checker, card) == before + 12_34
    [(booked,)] = stack.rows(
        "SELECT -sum(p.amount_fen) FROM posting p JOIN journal_entry j ON j.id = p.entry_id"
        " WHERE j.kind = 'card_adjusted' AND p.account = 'card' AND p.card_id = %s", card,
    )  # fmt: skip
    assert booked == 12_34
