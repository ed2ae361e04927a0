"""A batch from the request to redeemed paper, by two people in two browsers, books at each step."""

from __future__ import annotations

import hashlib
import re
import secrets

from playwright.sync_api import Page, expect

from app.core.serials import make_serial
from tests.browser.consoles.clerks import (
    cashier_token,
    expect_said,
    follow,
    number_in_address,
    post,
    send,
)  # fmt: skip
from tests.browser.ground import TOGETHER
from tests.documents.papers import render, scan
from tests.faults.stack import Stack

pytestmark = TOGETHER

FACE_FEN = 25_00
MANY = 30_000  # Enough that a progress bar is seen to move.


def draft(page: Page, name: str, quantity: int) -> int:
    page.goto("/console/voucher-batches/new")
    issuer = page.locator("[name=issuer_id] option", has_text="老街面馆").get_attribute("value")
    assert issuer
    send(page, name=name, issuer_id=issuer, kind="payment", quantity=str(quantity),
         face_value_fen="25", sale_price_fen="25", days_from_activation="1100",
         title="面馆礼券")  # fmt: skip
    expect_said(page, name)
    return number_in_address(page)


def approve_and_generate(page: Page, batch: int) -> None:
    page.goto(f"/console/voucher-batches/show/{batch}")
    follow(page, "同意")
    expect(page.locator(".what-happens")).to_contain_text("25.00")
    send(page)
    follow(page, "生成")
    send(page)


def require_books(page: Page, stack: Stack, batch: int, fen: int) -> None:
    """The batch's figures, as the page shows them, are what the ledger says."""
    [(booked,)] = stack.rows(
        "SELECT coalesce(-sum(amount_fen), 0) FROM posting"
        " WHERE account = 'voucher' AND batch_id = %s", batch,
    )  # fmt: skip
    assert booked == fen
    page.goto(f"/console/voucher-batches/figures/{batch}")
    expect(page.locator(".tile .figure").first).to_have_text(f"¥{fen / 100:,.2f}")
    expect(page.locator("main")).to_contain_text("账实相符")


def take_file_out(asker: Page, checker: Page, batch: int) -> bytes:
    """Ask for A4 sheets, have them released by a second person, download and acknowledge."""
    asker.goto(f"/console/print/{batch}")
    proof = asker.request.get(f"/console/print/{batch}/proof.pdf?layout=a4")
    assert proof.ok
    assert proof.body().startswith(b"%PDF-")
    follow(asker, "申请印刷文件")
    send(asker, format="pdf", layout="a4", panel="open")
    expect(asker.locator("#file-state")).to_have_text("已封存，待放行", timeout=30_000)
    checker.goto(f"/console/print/{batch}")
    checker.get_by_role("link", name="放行").click()
    checker.get_by_role("button", name="放行").click()
    expect_said(checker, "已放行")
    asker.goto(asker.url, wait_until="domcontentloaded")
    with asker.expect_download() as download:
        asker.get_by_role("button", name="下载文件").click()
    document = download.value.path().read_bytes()
    asker.goto(asker.url, wait_until="domcontentloaded")
    expect(asker.locator("main")).to_contain_text(hashlib.sha256(document).hexdigest())
    asker.get_by_role("link", name="确认已完整收到").click()
    asker.get_by_role("button", name="已完整收到，在此销毁").click()
    expect_said(asker, "已印制")
    return document


def change_range(page: Page, batch: int, what: str, first: str = "", last: str = "") -> str:
    """Ask for it, read what will happen, say yes. Gives what was shown."""
    page.goto(f"/console/voucher-batches/show/{batch}")
    follow(page, what)
    send(page, first=first, last=last, reason="浏览器里的一天")
    shown = page.locator(".what-happens").inner_text()
    send(page)
    return shown


def wait_for_tasks(page: Page, batch: int) -> None:
    page.goto(f"/console/voucher-batches/show/{batch}")
    expect(page.locator("[data-progress]")).to_have_count(0, timeout=20_000)


def test_a_batch_lives_from_its_request_to_its_figures(console, stack):
    maker, checker = console("platform"), console("finance")
    batch = draft(maker, f"礼券 {secrets.token_hex(4)}", 40)
    expect(maker.locator("main")).to_contain_text("须由另一人审批")
    expect(maker.locator(".actions").get_by_role("link", name="同意")).to_have_count(0)
    approve_and_generate(checker, batch)
    wait_for_tasks(checker, batch)
    require_books(maker, stack, batch, 0)

    document = take_file_out(maker, checker, batch)
    [(number,)] = stack.rows("SELECT batch_no FROM voucher_batch WHERE id = %s", batch)
    addresses = [text for page in (0, 2, 4, 6, 8) for text in scan(render(document, page))]
    assert len(addresses) == len(set(addresses)) == 40
    serial = {n: make_serial(number, n) for n in (1, 10)}

    shown = change_range(checker, batch, "激活", serial[1], serial[10])
    assert "10 张券将可用" in shown
    wait_for_tasks(checker, batch)
    require_books(maker, stack, batch, 10 * FACE_FEN)

    till = cashier_token(stack)
    answers = [post(stack, "/pos/api/redemptions", till, code=one) for one in addresses]
    taken = [answer for answer in answers if answer.status_code == 201]
    assert len(taken) == 10  # What was not activated is worth nothing.
    require_books(maker, stack, batch, 0)
    maker.goto(f"/console/vouchers/list/?batch_id={batch}&status=redeemed")
    expect(maker.locator("tbody tr")).to_have_count(10)

    change_range(checker, batch, "冻结")
    wait_for_tasks(checker, batch)
    maker.goto(f"/console/vouchers/list/?batch_id={batch}&frozen=yes")
    expect(maker.locator(".totals strong").first).to_have_text("30")


def test_the_bar_of_a_generation_moves_by_itself(console):
    maker, checker = console("platform"), console("finance")
    batch = draft(maker, f"大批 {secrets.token_hex(4)}", MANY)
    approve_and_generate(checker, batch)
    bar = checker.locator("[data-progress] progress")
    expect(bar).to_have_attribute("max", str(MANY))
    expect(bar).to_have_count(0, timeout=45_000)  # The page shows the end by itself.
    expect(checker.locator("dl.facts")).to_contain_text(re.compile(r"30,?000"))
