"""Printing as two people do it in their browsers: ask, watch, release, download, acknowledge."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.core.actor import SYSTEM, Role
from app.flows.vouchers import printing
from app.services.vouchers import batches
from tests.browser_at_hand import find_browser
from tests.documents.papers import page_count
from tests.factories import PASSWORD
from tests.views.printing.print_runs import newest
from tests.wechat_far_end import serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=options)
        yield browser
        browser.close()


def enter(browser: Browser, url: str, username: str) -> Page:
    page = browser.new_context(locale="zh-CN", base_url=url).new_page()
    page.goto("/login/")
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    page.click("form button[type=submit]")
    return page


def test_two_people_take_a_batch_out_in_their_browsers(app, make, chromium):
    context = app.extensions["kaquan"]
    people = [make.staff(role) for role in (Role.platform_admin, Role.platform_finance)]
    batch = make.batch(quantity=20)
    with context.database.unit_of_work(SYSTEM) as session:
        batches.generate_vouchers(session, batch_id=batch.id, keys=context.keys, actor=SYSTEM)
    with serving(app) as url:
        asker, checker = (enter(chromium, url, make.username(person)) for person in people)
        wrong: list[str] = []
        asker.on("pageerror", lambda error: wrong.append(str(error)))
        asker.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        asker.goto(f"/console/print/{batch.id}")
        expect(asker.locator(".previews img").first).to_have_js_property("complete", value=True)
        assert asker.evaluate(
            "[...document.querySelectorAll('.previews img')].every((one) => one.naturalWidth > 300)"
        )
        asker.click("text=申请印刷文件")
        asker.click("form.form button[type=submit]")
        expect(asker.locator("progress")).to_be_visible()

        printing.make_print_file(context, newest(context, batch).id)
        expect(asker.locator("#file-state")).to_have_text("已封存，待放行")  # By itself.
        expect(asker.locator("progress")).to_have_count(0)
        expect(asker.get_by_role("link", name="放行")).to_have_count(0)

        checker.goto(f"/console/print/{batch.id}")
        checker.get_by_role("link", name="放行").click()
        expect(checker.locator(".what-happens")).to_contain_text("20 个券码将离开系统")
        checker.get_by_role("button", name="放行").click()
        expect(checker.locator(".message")).to_contain_text("已放行")

        asker.reload()
        with asker.expect_download() as download:
            asker.get_by_role("button", name="下载文件").click()
        document = download.value.path().read_bytes()
        assert download.value.suggested_filename == f"batch-{batch.batch_no}.pdf"
        assert page_count(document) == 6
        asker.reload()
        expect(asker.locator("main")).to_contain_text(hashlib.sha256(document).hexdigest())
        asker.get_by_role("link", name="确认已完整收到").click()
        asker.get_by_role("button", name="已完整收到，在此销毁").click()
        expect(asker.locator(".message")).to_contain_text("已印制")
        expect(asker.get_by_role("button", name="下载文件")).to_have_count(0)
        assert wrong == []
