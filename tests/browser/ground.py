"""The ground that browser tests stand on: the whole program, one Chromium, and a guard.

The guard fails a test in whose pages something asked another host, wrote an error to the console,
threw, or ran against the content security policy.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request

from config import load_settings
from tests.browser_at_hand import find_browser

# `pytestmark` of every module here: one worker has them all, for they share product and browser.
TOGETHER = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PASSWORD = load_settings({}).demo_password
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=zh-CN",
)
# A desk, a tablet, a phone, a counter's tablet, a phone on its side: width and height in px.
SIZES = {1440: 900, 820: 1180, 390: 844, 1280: 800, 844: 390}
USUAL_WIDTHS = (1440, 820, 390)
# Chromium's own words (the fields for days) follow its environment and not the page's language.
_SPEAKS_CHINESE = {**os.environ, "LANG": "zh_CN.UTF-8", "LANGUAGE": "zh_CN:zh"}
_INLINE = ("data:", "blob:", "about:")


@contextmanager
def open_browser(playwright: Playwright) -> Iterator[Browser]:
    """The machine's Chromium, as ``CHROMIUM`` or the path gives it."""
    path = find_browser()
    assert path is not None, "there is no Chromium: set CHROMIUM to one"
    browser = playwright.chromium.launch(
        executable_path=path, args=list(FLAGS), env=_SPEAKS_CHINESE
    )
    try:
        yield browser
    finally:
        browser.close()


@dataclass
class Guard:
    """What must not happen in a page. ``tolerate`` names what a test provokes on purpose."""

    base_url: str
    faults: list[str] = field(default_factory=list)
    _tolerated: list[re.Pattern[str]] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        context.on("request", self._asked)
        context.on("console", self._said)
        context.on("weberror", lambda error: self._note(f"thrown: {error.error}"))
        context.add_init_script(
            "document.addEventListener('securitypolicyviolation', (event) =>"
            " console.error(`CSP ${event.violatedDirective} ${event.blockedURI}"
            " ${event.sourceFile}:${event.lineNumber}`))"
        )

    def tolerate(self, pattern: str) -> None:
        self._tolerated.append(re.compile(pattern))

    def require_quiet(self) -> None:
        assert not self.faults, "\n".join(self.faults)

    def _asked(self, request: Request) -> None:
        if request.url.startswith(_INLINE):
            return
        if urlsplit(request.url).netloc != urlsplit(self.base_url).netloc:
            self._note(f"another host was asked: {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(f"console: {message.text} ({message.location.get('url', '')})")

    def _note(self, fault: str) -> None:
        if not any(pattern.search(fault) for pattern in self._tolerated):
            self.faults.append(fault)


@dataclass
class Desk:
    """Somebody before a browser: contexts of one program, each watched by the same guard."""

    browser: Browser
    base_url: str
    guard: Guard
    kept: dict[str, Any]
    _contexts: list[BrowserContext] = field(default_factory=list)

    def context(self, *, width: int = 1440, **options: Any) -> BrowserContext:
        """A fresh browser profile: Chinese, Shanghai time, nothing moves."""
        made = self.browser.new_context(
            base_url=self.base_url,
            viewport={"width": width, "height": SIZES.get(width, 900)},
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            reduced_motion="reduce",
            **options,
        )
        made.set_default_timeout(30_000)
        self.guard.watch(made)
        self._contexts.append(made)
        return made

    def stranger(self, **options: Any) -> Page:
        return self.context(**options).new_page()

    def console(self, account: str, *, width: int = 1440, **options: Any) -> Page:
        """A page of one of the demo's accounts, signed in once and kept for the next tests."""
        if account not in self.kept:
            page = self.context().new_page()
            sign_in(page, account)
            self.kept[account] = page.context.storage_state()
        page = self.context(width=width, storage_state=self.kept[account], **options).new_page()
        page.goto("/pos/" if account.startswith("cashier") else "/console/")
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()


def sign_in(page: Page, account: str, password: str = PASSWORD) -> None:
    page.goto("/login/")
    page.fill("[name=username]", account)
    page.fill("[name=password]", password)
    page.click("main form button[type=submit]")
    page.wait_for_load_state()


def wait_for_charts(page: Page) -> int:
    """Until the dashboard has drawn its charts; how many it drew."""
    page.wait_for_selector("[data-figures][data-drawn]")
    return int(page.get_attribute("[data-figures]", "data-drawn") or 0)
