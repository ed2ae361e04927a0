"""The public site in a browser: for everybody to use, small, quick, and right without a script."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Response, expect

from tests.browser.ground import TOGETHER

pytestmark = TOGETHER

CHECK = (Path(__file__).parent / "accessible.js").read_text(encoding="utf-8")
PAGES = ("/", "/goods/", "/solutions/", "/articles/", "/stores/", "/search?q=春熙路", "/search",
         "/stores/near?at=30.657,104.080", "/privacy", "/terms", "/v/", "/login/")  # fmt: skip


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark")])
def test_everybody_can_use_every_page(desk, width, scheme):
    page = desk.stranger(width=width, color_scheme=scheme)
    desk.guard.tolerate("Failed to load resource")
    paths = [*PAGES]
    page.goto("/goods/")
    paths.append(page.locator(".shelf a").first.get_attribute("href"))
    page.goto("/stores/")
    paths.append(page.locator(".stores a").first.get_attribute("href"))
    found = {}
    for path in paths:
        answer = page.goto(path)
        if answer.status == 200 and (wrong := page.evaluate(CHECK)):
            found[path] = wrong
    assert not found


def test_the_check_itself_sees_what_is_wrong(desk):
    """Else a check that finds nothing says nothing."""
    page = desk.stranger()
    page.goto("/goods/")
    page.evaluate(
        "() => { const main = document.querySelector('main');"
        " const img = document.createElement('img'); main.append(img);"
        " const p = document.createElement('p'); p.textContent = 'pale';"
        " p.style.color = '#ccc'; p.style.background = '#fff'; main.append(p);"
        " main.append(document.createElement('input'));"
        " const h = document.createElement('h5'); h.textContent = 'deep'; main.append(h); }"
    )
    said = " ".join(page.evaluate(CHECK))
    for word in ("without alt", "contrast", "no label", "skips a level"):
        assert word in said


def test_the_first_view_is_small_and_comes_from_us(desk):
    """All that a phone loads before it shows the home page, without pictures."""
    page = desk.stranger(width=390)
    answers: list[Response] = []

    def note(answer: Response) -> None:  # Playwright takes no method of a list.
        answers.append(answer)

    page.on("response", note)
    page.goto("/", wait_until="load")
    sizes = {
        answer.url: answer.request.sizes()["responseBodySize"]
        for answer in answers
        if answer.request.resource_type in {"document", "stylesheet", "script", "font"}
    }
    assert sizes
    assert sum(sizes.values()) < 60_000, sizes
    painted = page.evaluate(
        "() => new Promise((done) => { new PerformanceObserver((list) => {"
        " if (list.getEntriesByName('first-contentful-paint').length) done(true); })"
        ".observe({ type: 'paint', buffered: true }); setTimeout(() => done(false), 20000); })"
    )
    assert painted
    moved = page.evaluate(
        "() => new Promise((done) => { let sum = 0; new PerformanceObserver((list) => {"
        " for (const one of list.getEntries()) sum += one.value; })"
        ".observe({ type: 'layout-shift', buffered: true }); setTimeout(() => done(sum), 300); })"
    )
    assert moved < 0.1  # Lighthouse calls less than a tenth good.


def test_search_works_without_script_and_remembers_with_it(desk):
    bare = desk.stranger(width=390, java_script_enabled=False)
    bare.goto("/")
    bare.locator(".to-search").click()
    bare.fill("[name=q]", "cxl")
    bare.click(".search-form button")
    expect(bare.locator(".found a").first).to_contain_text("春熙路")
    page = desk.stranger(width=390)
    page.goto("/search?q=春熙路")
    page.goto("/search")
    expect(page.locator("[data-recent] a")).to_have_text("春熙路")
    page.click("[data-forget]")
    page.goto("/search")
    expect(page.locator("[data-recent]")).to_be_hidden()


def test_the_stores_around_come_first_for_who_says_where_she_is(desk):
    page = desk.stranger(width=390)
    page.goto("/stores/")
    nearest = page.get_by_role("button", name="离我最近")
    nearest.click()  # The browser has not been allowed to say.
    expect(page.get_by_role("status").filter(has_text="没有提供位置")).to_be_visible()
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation({"latitude": 30.65712, "longitude": 104.07934})
    nearest.click()
    expect(page.locator(".store-card .distance").first).to_contain_text("距您")
    assert page.url.endswith("?at=30.657%2C104.079")  # No nearer than a hundred metres.
    page.get_by_role("link", name="营业中", exact=True).click()
    expect(page.get_by_role("link", name="营业中", exact=True)).to_have_attribute(
        "aria-current", "true"
    )
