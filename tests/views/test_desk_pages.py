"""The desks' pages themselves: Chinese throughout, and no other host unless a map's is set."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from app.core.actor import Role
from tests.views.test_records import ENGLISH, words_of

# Names of systems and examples of what is typed.
NAMES = re.compile(r"GCJ-02|BD-09|WGS-84|TOTP|laojie[\w.-]*|n\d+[\w-]*")


@pytest.fixture
def pages(make) -> list[str]:
    store = make.store()
    point = make.pay_point(store)
    person = make.staff(Role.cashier, store)
    return [
        "/console/merchants/add/",
        *(f"/console/merchants/{p}/{store.merchant_id}" for p in ("edit", "freeze", "thaw")),
        "/console/stores/add/",
        *(f"/console/stores/{p}/{store.id}" for p in ("edit", "close", "reopen", "show")),
        f"/console/pay-points/add/{store.id}",
        *(f"/console/pay-points/{p}/{point.id}" for p in ("rename", "retire", "show")),
        "/console/staff/add/",
        *(
            f"/console/staff/{p}/{person.id}"
            for p in ("edit", "password", "suspend", "reinstate", "second-factor/reset", "show")
        ),
        "/console/second-factor/",
    ]


def test_no_english_is_left_on_a_desks_chinese_page(make, signed_in, pages):
    browser = signed_in(make.staff())
    for path in pages:
        answer = browser.get(path)
        assert answer.status_code == 200, path
        shown = re.sub(r'<dd class="code">.*?</dd>', " ", answer.text)  # Public tokens.
        left = ENGLISH.findall(NAMES.sub(" ", words_of(shown)))
        assert not left, (path, left[:8])
        assert " style=" not in answer.text, path
        assert " onclick=" not in answer.text, path


def test_the_map_asks_no_other_host_unless_one_is_set(app, make, signed_in, monkeypatch):
    browser, path = signed_in(make.staff()), "/console/stores/add/"
    plain = browser.get(path)
    assert "data-tiles" not in plain.text
    assert "https:" not in plain.headers["Content-Security-Policy"]
    context = app.extensions["kaquan"]
    tiles = "https://{s}.tiles.example/{z}/{x}/{y}.png"
    with_tiles = replace(context, settings=replace(context.settings, map_tile_url=tiles))
    monkeypatch.setitem(app.extensions, "kaquan", with_tiles)
    with_map = browser.get(path)
    assert f'data-tiles="{tiles}"' in with_map.text
    policy = with_map.headers["Content-Security-Policy"]
    assert "img-src 'self' data: https://*.tiles.example;" in policy
    assert "https:" not in browser.get("/console/").headers["Content-Security-Policy"]
