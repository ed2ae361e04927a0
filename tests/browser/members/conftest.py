"""The members' app in Chromium, before the real product with its demo and its simulated WeChat."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.members.phones import FLAGS, Phone
from tests.browser_at_hand import find_browser
from tests.faults.stack import Stack, running_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Database, web, jobs and simulator; at the end every invariant is asked of what is left."""
    with running_stack(tmp_path_factory.mktemp("members-app")) as running:
        yield running
        verified = running.run("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = find_browser()
    assert path is not None, "there is no Chromium: set CHROMIUM to one"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


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
