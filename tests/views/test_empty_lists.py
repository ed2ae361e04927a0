"""A list without rows says what to do next, and links only to where its reader may go."""

from __future__ import annotations

import re

import pytest

from app.core.actor import Role
from app.views import roles
from app.views.empty_states import NOTHING
from app.views.records import Records

_WAYS = re.compile(r'<p class="actions">(.*?)</p>', re.DOTALL)


def lists(app):
    views = app.extensions["appbuilder"].baseviews
    return {type(view).__name__: view for view in views if isinstance(view, Records)}


def test_every_list_has_words_for_when_it_is_empty_and_its_ways_on_are_lists(app):
    assert set(NOTHING) == set(lists(app))
    endpoints = {endpoint for each in NOTHING.values() for _, endpoint in each.links}
    for endpoint in endpoints:
        view, _, method = endpoint.partition(".")
        assert (f"can_{method}", view) in roles.declared(), endpoint


@pytest.mark.parametrize("role", [Role.merchant_admin, Role.merchant_finance, Role.store_manager])
def test_a_new_merchants_empty_lists_lead_on(app, make, signed_in, role):
    """A merchant of its own without any record; whoever may not go there gets no link."""
    store = make.store(make.merchant())
    person = make.staff(role, store) if role is Role.store_manager else make.staff(
        role, merchant=make.merchant()
    )  # fmt: skip
    browser = signed_in(person)
    seen = 0
    for name, view in lists(app).items():
        if not roles.allows(role, "can_list", name):
            continue
        page = browser.get(f"{view.route_base}/list/").text
        if "card nothing" not in page:
            continue
        seen += 1
        nothing = page.split("card nothing")[1]
        assert "这里还没有记录" in nothing, name
        for ways in _WAYS.findall(nothing):
            for url in re.findall(r'href="([^"]+)"', ways):
                assert browser.get(url).status_code == 200, (name, url)
    assert seen > 3
