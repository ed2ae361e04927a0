"""The real product, started as `make run` starts it, with its demo; one Chromium for all tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.books import BrokenBooks
from tests.browser.ground import Desk, Guard, open_browser
from tests.faults.stack import Stack, running_stack

expect.set_options(
    timeout=20_000
)  # A busy machine draws late; what is there at once costs nothing.


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Database, web, jobs and simulator; at the end every invariant is asked of what is left."""
    with running_stack(tmp_path_factory.mktemp("browser")) as running:
        yield running
        verified = running.run("verify")
        if verified.returncode != 0:
            raise BrokenBooks(verified.stdout + verified.stderr)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright, open_browser(playwright) as browser:
        yield browser


@pytest.fixture(scope="session")
def kept_sessions() -> dict[str, Any]:
    """Cookies of the accounts that have signed in already."""
    return {}


@pytest.fixture
def guard(stack: Stack) -> Iterator[Guard]:
    watching = Guard(stack.url)
    yield watching
    watching.require_quiet()


@pytest.fixture
def desk(
    chromium: Browser, stack: Stack, guard: Guard, kept_sessions: dict[str, Any]
) -> Iterator[Desk]:
    made = Desk(chromium, stack.url, guard, kept_sessions)
    yield made
    made.close()


@pytest.fixture
def console(desk: Desk) -> Callable[..., Page]:
    """``console("platform", width=390)``: a page of that demo account, already signed in."""
    return desk.console
