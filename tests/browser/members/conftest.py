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
