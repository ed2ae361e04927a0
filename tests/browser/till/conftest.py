"""A counter of the demo: its paper, its members, and a till in the browser."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from tests.browser.ground import Desk
from tests.faults.stack import Stack

SIZE = {"width": 1280, "height": 800}


class Counter:
    """What stands around a till: vouchers, and members with phones in their hands."""

    def __init__(self, stack: Stack, desk: Desk, codes: list[str]) -> None:
        self.stack, self.desk, self._codes = stack, desk, codes

    def till(self, account: str = "cashier1", screen: str = "receive", **options: Any) -> Page:
        page = self.desk.console(account, width=1280, **options)
        page.set_viewport_size(SIZE)  # type: ignore[arg-type]
        page.goto(f"/pos/#{screen}")
        page.locator(f"#nav [data-screen={screen}][aria-current]").wait_for()
        return page

    def voucher(self) -> str:
        """A fresh voucher of merchant1 for 50 yuan: what is under its scratch panel."""
        return self._codes.pop()

    def member(self) -> Member:
        return Member(self.stack)

    def device(self, name: str = "前台平板", **options: Any) -> Page:
        """A browser that the manager of merchant1's first store has enrolled; nobody is in."""
        manager = self.desk.console("store1")
        manager.goto("/console/till-devices/")
        manager.fill("[name=name]", name)
        manager.click("form[action$=invite] button")
        code = manager.locator(".enrolment-code").inner_text()
        page = self.desk.stranger(**options)
        page.goto(f"/pos/terminal/#enrol={code}")
        see(page, "enrol").click()
        page.locator("[data-person=store1]").wait_for()
        return page

    def stock(self, count: int) -> list[str]:
        """Serial numbers of so many papers of one batch that lie unsold at merchant1's counter."""
        rows = self.stack.rows(
            "SELECT v.serial_no FROM voucher v JOIN voucher_holding h ON h.batch_id = v.batch_id"
            " AND v.serial_no BETWEEN h.first_serial_no AND h.last_serial_no"
            " JOIN staff s ON s.store_id = h.store_id JOIN ab_user u ON u.id = s.user_id"
            " WHERE u.username = 'cashier1' AND v.status = 'inactive'"
            " AND NOT EXISTS (SELECT FROM voucher_sale_item i WHERE i.voucher_id = v.id AND i.held)"
            " ORDER BY v.batch_id, v.serial_no LIMIT %s",
            count,
        )
        return [serial for (serial,) in rows]


class Member:
    """Somebody with a phone number that is bound."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.phone = f"139{secrets.randbelow(10**8):08d}"
        name = f"till-{secrets.token_hex(6)}"
        token = self._post("/sessions", {"code": f"demo-{name}"})["access_token"]
        self._headers = {"Authorization": f"Bearer {token}"}
        self._post("/me/phone", {"code": f"phone-{self.phone}"})

    def payment_code(self) -> str:
        return str(self._post("/me/payment-code")["code"])

    def pay(self, point: str, amount_fen: int) -> None:
        """Scan the counter's code and pay from the card."""
        body = {"pay_point": point, "amount_fen": amount_fen}
        assert self._post("/payments", body)["status"] == "paid"

    def balance_fen(self) -> int:
        answer = requests.get(f"{self._api}/me/cards", headers=self._headers, timeout=60)
        return int(answer.json()["total_fen"])

    def confirm_in_wechat(self) -> None:
        """Pay what the card does not cover, as soon as the phone shows it."""
        address = f"{self._api}/me/payments?status=pending"
        for _ in range(300):
            items = requests.get(address, headers=self._headers, timeout=60).json()["items"]
            if items and items[0]["wechat_pay"]:
                prepay = items[0]["wechat_pay"]["package"].removeprefix("prepay_id=")
                done = requests.post(
                    f"{self.stack.wechat_url}/_user/pay", json={"prepay_id": prepay}, timeout=10
                )
                assert done.status_code == 200
                return
            time.sleep(0.1)
        raise AssertionError("nothing to confirm came to the phone")

    @property
    def _api(self) -> str:
        return f"{self.stack.url}/api/v1"

    def _post(self, path: str, body: object = None) -> dict[str, Any]:
        headers = {"Idempotency-Key": secrets.token_hex(8), **getattr(self, "_headers", {})}
        answer = requests.post(self._api + path, json=body or {}, headers=headers, timeout=60)
        assert answer.ok, answer.text
        told: dict[str, Any] = answer.json()
        return told


@pytest.fixture(scope="session")
def paper(stack: Stack) -> list[str]:
    """Enough for all tests here: a command takes seconds to start."""
    words = ["--merchant", "merchant1", "--count", "20", "--face-value-fen", "5000"]
    made = stack.run("demo", "voucher-codes", *words)
    assert made.returncode == 0, made.stderr
    return made.stdout.split()


@pytest.fixture
def counter(stack: Stack, desk: Desk, paper: list[str]) -> Counter:
    return Counter(stack, desk, paper)


@pytest.fixture
def scan() -> Callable[[Page, str], None]:
    """As a USB scanner does it: the characters at once, then Enter, wherever the focus is."""

    def wedge(page: Page, text: str) -> None:
        page.keyboard.type(text)
        page.keyboard.press("Enter")

    return wedge


def see(page: Page, name: str) -> Locator:
    """What the till calls by that name, where it is on the screen."""
    return page.locator(f'[data-test="{name}"]:visible')


def top_up(page: Page, phone: str, yuan: str) -> None:
    """Find the member, take the cash, see it credited."""
    see(page, "who").fill(phone)
    see(page, "find").click()
    see(page, "cash").fill(yuan)
    see(page, "take-cash").click()
    expect(see(page, "credited")).to_be_visible()
