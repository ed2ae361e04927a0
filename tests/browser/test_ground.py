"""The guard itself: it must notice what it is there for, or no other test means anything."""

from __future__ import annotations

import pytest

from tests.browser.ground import TOGETHER, Guard

pytestmark = TOGETHER


@pytest.fixture
def watched(desk, stack):
    """A guard beside the test's own, which forgives here what is done on purpose."""
    desk.guard.tolerate("")
    own = Guard(stack.url)
    context = desk.context()
    own.watch(context)
    page = context.new_page()
    page.goto("/login/")
    assert own.faults == []
    return own, page


def wait_for_fault(guard, page, *words):
    """A browser tells of it some time later."""
    for _ in range(300):
        if any(word in fault for fault in guard.faults for word in words):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"nothing of {words} was noticed: {guard.faults}")


def test_browser_tests_are_kept_on_one_worker(request):
    """Else each worker starts a product of its own, and the run takes twice as long."""
    if request.config.getoption("loadgroup", default=False):
        assert request.node.nodeid.endswith("@browser")


def test_a_request_to_another_host_is_noticed(watched):
    guard, page = watched
    page.evaluate("fetch('http://127.0.0.1:9/pixel.gif').catch(() => {})")
    wait_for_fault(guard, page, "another host", "CSP")


def test_an_inline_script_and_an_inline_style_are_noticed(watched):
    guard, page = watched
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\" onclick=\"x\">')"
    )
    wait_for_fault(guard, page, "CSP")


def test_what_a_page_throws_is_noticed(watched):
    guard, page = watched
    page.evaluate("setTimeout(() => { throw new Error('broken on purpose'); })")
    wait_for_fault(guard, page, "broken on purpose")
    with pytest.raises(AssertionError):
        guard.require_quiet()
