"""The members' app in Chromium, before the real product with its demo and its simulated WeChat."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.members.phones import Phone
from tests.faults.stack import Stack


@pytest.fixture(scope="session")
def pay_point(stack: Stack) -> str:
    """The demo's first store: 老街面馆（春熙路店）."""
    [(token,)] = stack.rows("SELECT token FROM pay_point ORDER BY id LIMIT 1")
    return str(token)


@pytest.fixture
def phone(chromium: Browser, stack: Stack) -> Iterator[Callable[[], Phone]]:
    """``phone()``: somebody's phone, 390 px wide, standing in 春熙路. Its faults fail the test."""
    phones: list[Phone] = []

    def take() -> Phone:
        phones.append(Phone(chromium, stack.url))
        return phones[-1]

    yield take
    for one in phones:
        one.close()
    assert [fault for one in phones for fault in one.faults] == []


@pytest.fixture
def member(phone: Callable[[], Phone]) -> Phone:
    """Signed in, with 360 yuan of which 60 are bonus."""
    one = phone()
    one.sign_in()
    one.top_up(300_00)
    return one


@pytest.fixture(scope="session")
def printed_codes(stack: Stack) -> list[str]:
    """Top-up codes of 50 yuan, as they are printed. A command takes seconds to start."""
    words = "demo voucher-codes --merchant merchant1 --count 4 --face-value-fen 5000 --kind top-up"
    return stack.run(*words.split()).stdout.split()
