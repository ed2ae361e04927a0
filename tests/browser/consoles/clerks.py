"""What the hands of somebody at a console do: fill a form in, send it, read what came of it."""

from __future__ import annotations

import re
import secrets

import requests
from playwright.sync_api import Page, expect

from tests.browser.ground import PASSWORD
from tests.faults.stack import Stack, http

_SEND = "form.form .form-end button[type=submit]"


def fill_in(page: Page, **fields: str) -> None:
    """Type into the page's form, or choose where there is something to choose from."""
    for name, value in fields.items():
        field = page.locator(f"form.form [name={name}]")
        if field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)


def send(page: Page, **fields: str) -> None:
    fill_in(page, **fields)
    page.click(_SEND)
    page.wait_for_load_state()


def follow(page: Page, name: str) -> None:
    """The button of that name among what can be done with the record."""
    page.locator(".actions").get_by_role("link", name=name, exact=True).click()
    page.wait_for_load_state()


def expect_said(page: Page, words: str) -> None:
    expect(page.locator(".message").first).to_contain_text(words)


def number_in_address(page: Page) -> int:
    return int(re.findall(r"\d+", page.url.split("/console/")[1])[-1])


def handed_over(page: Page) -> tuple[str, str]:
    """User name and first password, from the page that shows them once."""
    name, password = page.locator(".handed-over code").all_inner_texts()[:2]
    return name, password


def choose_own_password(page: Page) -> str:
    """Whoever comes with a given password makes one of her own, and is in."""
    wanted = f"own-{secrets.token_hex(8)}"
    page.fill("[name=wanted]", wanted)
    page.fill("[name=again]", wanted)
    page.click("main form button[type=submit]")
    page.wait_for_load_state()
    return wanted


def token_of(stack: Stack, path: str, **body: str) -> str:
    answer = http().post(stack.url + path, json=body, timeout=20)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["access_token"])


def cashier_token(stack: Stack) -> str:
    """Cashier 1 of the demo at her till."""
    return token_of(stack, "/pos/api/sessions", username="cashier1", password=PASSWORD)


def post(stack: Stack, path: str, token: str, **body: object) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": secrets.token_hex(16)}
    return http().post(stack.url + path, json=body, headers=headers, timeout=20)
