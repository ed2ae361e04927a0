"""Records of what has closed are looked for, too: it is found by pinyin like what is open."""

from __future__ import annotations

import secrets

import pytest

from app.core import search_words
from app.core.actor import SYSTEM, Role
from app.models.tenants import Merchant, MerchantStatus, Store, StoreStatus


@pytest.fixture
def admin(make, signed_in):
    return signed_in(make.staff(Role.platform_admin))


def _found(browser, kind: str, typed: str) -> set[int]:
    answer = browser.get(f"/console/choices/{kind}/", query_string={"q": typed})
    assert answer.status_code == 200
    return {int(one["value"]) for one in answer.get_json()["items"]}


def _rare() -> str:
    """Four of characters that sound like nothing else here: ten thousand names."""
    return "".join(secrets.choice("鑫淼犇羴鱻矗骉麤猋飍") for _ in range(8))


@pytest.mark.parametrize("spelt", ["whole", "initials"])
def test_a_closed_store_and_a_frozen_merchant_are_found_by_their_sound(
    admin, make, database, spelt
):
    name = _rare()
    syllables = search_words.syllables(name)
    typed = "".join(syllables) if spelt == "whole" else "".join(one[0] for one in syllables)
    merchant = make.merchant()
    store = make.store(merchant, name=f"{name}店")
    with database.unit_of_work(SYSTEM) as session:
        session.get_one(Store, store.id).status = StoreStatus.closed
        owner = session.get_one(Merchant, merchant.id)
        owner.name, owner.status = f"{name}商行", MerchantStatus.frozen
    assert store.id in _found(admin, "stores", typed)
    assert merchant.id in _found(admin, "merchants", typed)
    assert store.id not in _found(admin, "stores", "zz" + typed)


def test_another_merchants_closed_store_is_found_by_nobody_else(make, signed_in, database):
    name = _rare()
    store = make.store(name=name)
    with database.unit_of_work(SYSTEM) as session:
        session.get_one(Store, store.id).status = StoreStatus.closed
    stranger = signed_in(make.staff(Role.merchant_admin, merchant=make.merchant()))
    assert store.id not in _found(stranger, "stores", search_words.sound(name))
