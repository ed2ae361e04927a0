"""A member's phone: what a person does with the app, and what must not happen while she does."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, Route, expect

CHUNXI_ROAD = {"latitude": 30.6541, "longitude": 104.0785}  # WGS-84, as a browser says it.
_WAIT_MS = 20_000
expect.set_options(timeout=_WAIT_MS)  # The app waits before it sends again, up to five seconds.


class Phone:
    """One browser of its own. ``faults``: what was asked of other hosts, thrown or blocked."""

    def __init__(self, browser: Browser, base_url: str, **options: Any) -> None:
        self.base_url = base_url
        self.faults: list[str] = []
        self.context: BrowserContext = browser.new_context(
            viewport={"width": 390, "height": 844},
            locale="zh-CN",
            geolocation=CHUNXI_ROAD,
            permissions=["geolocation"],
            **options,
        )
        self.context.set_default_timeout(_WAIT_MS)
        self.context.on("request", self._asked)
        self.context.on("weberror", lambda error: self.faults.append(f"thrown: {error.error}"))
        self.page: Page = self.open_again()

    def close(self) -> None:
        self.context.close()

    def open_again(self) -> Page:
        """The app is closed, whatever it was doing, and opened afresh."""
        for page in self.context.pages:
            page.close()
        self.page = self.context.new_page()
        self.page.on("console", lambda said: self._said(said.text))
        return self.page

    def open(self, address: str = "") -> None:
        self.page.goto(f"{self.base_url}/m/{address}")

    def see(self, name: str) -> Locator:
        return self.page.locator(f'[data-test="{name}"]:visible').first

    def tap(self, name: str) -> None:
        """As a person does: not before the button can be pressed."""
        self.page.locator(f'[data-test="{name}"]:visible:not([disabled])').first.click()

    def type(self, name: str, text: str) -> None:
        self.see(name).locator("input, textarea").first.fill(text)

    def expect(self, name: str, text: str) -> None:
        expect(self.see(name)).to_contain_text(text, timeout=_WAIT_MS)

    def confirm(self) -> None:
        self.page.locator(".uni-modal__btn_primary").click()

    def sign_in(self) -> str:
        """As somebody new, once the privacy guide is agreed to. Gives the name."""
        name = f"b-{secrets.token_hex(6)}"
        self.open("pages/signin/index")
        self.type("name", name)
        self.tap("agree")
        self.tap("enter")
        expect(self.page.locator('[data-test="total"]:visible')).to_be_visible(timeout=_WAIT_MS)
        return name

    def top_up(self, fen: int) -> None:
        self.open("pages/topup/index")
        self.tap(f"preset-{fen}")
        self.tap("pay")
        self.press_in_wechat("pay")
        expect(self.see("balance")).to_be_visible(timeout=_WAIT_MS)

    def press_in_wechat(self, what: str) -> None:
        button = ".green" if what == "pay" else ".second"
        self.page.locator(f".sheet {button}:visible").click()

    def enter_payment(self, pay_point: str, keys: str) -> None:
        """Scan, type the amount and see what the card and WeChat will pay."""
        self.open(f"pages/pay/index?point={pay_point}")
        for key in keys:
            self.page.locator(f'[data-key="{key}"]:visible').click()
        expect(self.see("card-part")).to_be_visible(timeout=_WAIT_MS)

    def pay(self) -> None:
        self.page.locator(".done:visible").click()

    def require_total(self, yuan: str) -> None:
        self.open("pages/cards/index")
        self.expect("total", yuan)

    def lose_answers(self, path: str, times: int) -> list[int]:
        """The next answers of this call are lost after the server has done it. Gives their states.

        ``path`` is what stands behind ``/api/v1/``.
        """
        done: list[int] = []

        def lose(route: Route) -> None:
            if len(done) < times:
                done.append(route.fetch().status)
                route.abort()
            else:
                route.continue_()

        self.page.route(f"**/api/v1/{path}", lose)
        return done

    def choose_file(self, name: str, file: str, kind: str, content: bytes) -> None:
        """Tap, and choose a file in what the browser shows."""
        with self.page.expect_file_chooser() as choosing:
            self.tap(name)
        choosing.value.set_files({"name": file, "mimeType": kind, "buffer": content})

    def give(self, yuan: str) -> str:
        """Wrap a gift; the link to send."""
        self.open("pages/gift/index")
        self.type("amount", yuan)
        self.tap("give")
        return self.see("link").inner_text()

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https"} and not request.url.startswith(self.base_url):
            self.faults.append(f"asked {parts.netloc}")

    def _said(self, text: str) -> None:
        if "Content Security Policy" in text or "[Vue warn]" in text:
            self.faults.append(text)
