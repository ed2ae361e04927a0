"""What typing finds: by name, number, pinyin; how many; and for whom."""

from __future__ import annotations

import pytest

from app.core.actor import SYSTEM, Role
from app.services.publishing.search_index import index_store
from app.services.vouchers.batches import Acceptance
from app.views import choosing, roles
from app.views.listing import LISTS
from app.views.names import TARGETS
from app.views.vouchers import batch_page
from tests.views.choosing.typing_in import (
    NEW_BATCH,
    named,
)


def test_stores_and_their_merchants_are_found_by_pinyin(admin, make, database):
    mark = named("")
    store = make.store(make.merchant(name=f"{mark}锦鲤茶坊"), name=f"{mark}望平街店")
    with database.unit_of_work(SYSTEM) as session:
        index_store(session, store_id=store.id)
    # Figures stand for themselves, and the first of each syllable is enough.
    found = admin.get(f"/console/choices/stores/?q={mark[0]}wpj").json["items"]
    assert str(store.id) in {one["value"] for one in found}
    found = admin.get(f"/console/choices/merchants/?q={mark[0]}jlcf").json["items"]
    assert str(store.merchant_id) in {one["value"] for one in found}


def test_several_words_are_looked_for_in_name_and_merchant(admin, make):
    merchant, place = make.merchant(name=named()), named("店")
    store = make.store(merchant, name=place)
    make.store(merchant, name=named("店"))
    found = admin.get("/console/choices/stores/", query_string={"q": f"{merchant.name} {place}"})
    assert [one["value"] for one in found.json["items"]] == [str(store.id)]


@pytest.mark.parametrize("typed_in", ["%", "_", "'", "\\", "&|!:*", "x" * 500, "９９９", "\0"])
def test_nothing_typed_breaks_it(admin, typed_in):
    for kind in ("merchants", "stores", "staff", "statements", "terminals", "batches"):
        answer = admin.get(f"/console/choices/{kind}/", query_string={"q": typed_in})
        assert answer.status_code == 200, kind
        assert len(answer.json["items"]) <= choosing.MOST_FOUND


def test_no_more_than_twenty_are_shown_and_more_is_said(admin, make):
    merchant = make.merchant(name=named())
    for number in range(choosing.MOST_FOUND + 1):
        make.store(merchant, name=f"{merchant.name}{number}")
    answer = admin.get(f"/console/choices/stores/?q={merchant.name}").json
    assert (len(answer["items"]), answer["more"]) == (choosing.MOST_FOUND, True)


def test_few_are_a_plain_list(monkeypatch, admin):
    monkeypatch.setattr(choosing, "FEW", 10**9)
    page = admin.get(NEW_BATCH).text
    assert '<select id="issuer_id" name="issuer_id"' in page
    assert "data-choices" not in page


def test_whoever_may_list_may_find_what_the_filters_ask_for(app):
    with app.test_request_context():
        for view in LISTS:
            for column in set(view.filter_columns) & TARGETS.keys():
                asked = choosing.choosing_for(column).url
                endpoint, _ = app.url_map.bind("x").match(asked)
                finds, _, method = endpoint.partition(".")
                for role in Role:
                    if roles.allows(role, "can_list", view.__name__):
                        assert roles.allows(role, f"can_{method}", finds), (view, column, role)


def test_a_batchs_page_says_how_many_more_redeem_it(make, signed_in, monkeypatch):
    monkeypatch.setattr(batch_page, "_MOST_ACCEPTORS", 2)
    admin = signed_in(make.staff(Role.platform_admin))
    merchants = [make.merchant(name=named()) for _ in range(5)]
    accepted = [Acceptance(merchant_id=one.id) for one in merchants]
    batch = make.batch(issuer=merchants[0], accepted_by=accepted)
    page = admin.get(f"/console/voucher-batches/show/{batch.id}").text
    assert "另有 3 项" in page
    assert merchants[-1].name not in page
