"""Whoever stands beyond the end of a list can be chosen in a form: with a script or without."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from app.core.actor import SYSTEM
from app.models.vouchers import BatchAcceptance
from tests.views.choosing.typing_in import (
    NEW_BATCH,
    PICKS,
    drafted,
    merchant_of,
    named,
    typed,
    value_in,
    wrong,
)
from tests.views.test_paper import draft_fields, fill


def test_the_last_of_many_merchants_issues_a_batch(many, admin, crowd, database):
    page = admin.get(NEW_BATCH).text
    assert '<select id="issuer_id"' not in page
    assert 'data-choices="/console/choices/merchants/"' in page
    last = crowd[-1]
    name = merchant_of(database, last).name
    found = admin.get(f"/console/choices/merchants/?q={name}").json
    assert [one["value"] for one in found["items"]] == [str(last.merchant_id)]
    chosen = {"issuer_id": str(last.merchant_id), "issuer_id-typed": name, "issuer_id-said": name}
    made = drafted(fill(admin, NEW_BATCH, {**draft_fields(last), **chosen}), database)
    assert made.merchant_id == last.merchant_id


@pytest.mark.parametrize("number", [False, True])
def test_a_whole_name_or_number_is_as_good_as_chosen(many, admin, crowd, database, number):
    merchant = merchant_of(database, crowd[-1])
    fields = {
        **draft_fields(crowd[-1]),
        **typed("issuer_id", f"  {merchant.code.upper() if number else merchant.name} "),
    }
    assert drafted(fill(admin, NEW_BATCH, fields), database).merchant_id == merchant.id


def test_what_is_nobodys_name_is_refused_at_its_field_and_kept(many, admin, crowd):
    nobody = named("没有这家")
    answer = fill(admin, NEW_BATCH, {**draft_fields(crowd[0]), **typed("issuer_id", nobody)})
    assert answer.status_code == 422
    assert wrong(answer.text) == ["issuer_id"]
    assert f"没有找到“{nobody}”。请输入名称的一部分或编号" in answer.text
    assert value_in(answer.text, "issuer_id-typed") == nobody
    again = fill(
        admin, NEW_BATCH, {**draft_fields(crowd[0]), **typed("issuer_id", nobody, said=nobody)}
    )
    assert again.status_code == 422  # Sent once more it is still nobody's.


def test_of_several_that_fit_one_is_picked(many, admin, make, database):
    name = named()
    one, other = (make.store(make.merchant(name=name)) for _ in range(2))
    fields = {**draft_fields(one), **typed("issuer_id", name)}
    asked = fill(admin, NEW_BATCH, fields)
    assert asked.status_code == 422
    picks = [value for field, value in PICKS.findall(asked.text) if field == "issuer_id"]
    assert picks == [str(one.merchant_id), str(other.merchant_id)]
    unpicked = {**fields, **typed("issuer_id", name, said=name)}
    assert fill(admin, NEW_BATCH, unpicked).status_code == 422
    picked = {**unpicked, "issuer_id-picked": picks[1]}
    assert drafted(fill(admin, NEW_BATCH, picked), database).merchant_id == other.merchant_id


def test_a_part_of_a_name_is_never_taken_for_the_whole(many, admin, make):
    store = make.store(make.merchant(name=named()))
    name = merchant_of(make.database, store).name
    asked = fill(admin, NEW_BATCH, {**draft_fields(store), **typed("issuer_id", name[:-1])})
    assert asked.status_code == 422
    assert ("issuer_id", str(store.merchant_id)) in PICKS.findall(asked.text)


def test_what_was_chosen_stays_after_another_fields_error(many, admin, crowd, database):
    name = merchant_of(database, crowd[-1]).name
    chosen = {
        "issuer_id": str(crowd[-1].merchant_id), "issuer_id-typed": name, "issuer_id-said": name,
        "accepted_by": [f"m{crowd[0].merchant_id}", f"s{crowd[1].id}"],
    }  # fmt: skip
    answer = fill(admin, NEW_BATCH, {**draft_fields(crowd[0], quantity="0"), **chosen})
    assert wrong(answer.text) == ["quantity"]
    assert value_in(answer.text, "issuer_id") == str(crowd[-1].merchant_id)
    assert value_in(answer.text, "issuer_id-typed") == name
    chips = re.findall(r'name="accepted_by" value="(\w+)" checked', answer.text)
    assert chips == chosen["accepted_by"]


def test_an_emptied_field_chooses_nothing(many, admin, crowd):
    fields = {
        **draft_fields(crowd[0]),
        "issuer_id": str(crowd[0].merchant_id), "issuer_id-typed": "", "issuer_id-said": "青禾",
    }  # fmt: skip
    assert wrong(fill(admin, NEW_BATCH, fields).text) == ["issuer_id"]


@pytest.mark.parametrize("value", ["999999999999", "x", "-1", "9" * 30, "m1"])
def test_an_id_that_is_not_there_is_no_choice(many, admin, crowd, value):
    answer = fill(admin, NEW_BATCH, draft_fields(crowd[0], issuer_id=value))
    assert wrong(answer.text) == ["issuer_id"]


def test_chips_and_typed_names_together_say_who_redeems(many, admin, crowd, database):
    first, second, third = crowd[:3]
    fields = {
        **draft_fields(first),
        "accepted_by": [f"m{first.merchant_id}"],
        "accepted_by-typed": f"{merchant_of(database, second).name}；{third.name}",
        "accepted_by-said": "",
    }
    made = drafted(fill(admin, NEW_BATCH, fields), database)
    with database.unit_of_work(SYSTEM) as session:
        accepted = session.execute(
            select(BatchAcceptance.merchant_id, BatchAcceptance.store_id)
            .where(BatchAcceptance.batch_id == made.id)
            .order_by(BatchAcceptance.merchant_id)
        ).all()
    expected = [(first.merchant_id, None), (second.merchant_id, None)]
    assert accepted == [*expected, (third.merchant_id, third.id)]


def test_every_merchant_stays_one_tick(many, admin, crowd, database):
    assert re.search(r'type="checkbox" name="accepted_by" value="all"', admin.get(NEW_BATCH).text)
    made = drafted(fill(admin, NEW_BATCH, draft_fields(crowd[0], accepted_by="all")), database)
    with database.unit_of_work(SYSTEM) as session:
        accepted = session.scalars(
            select(BatchAcceptance.merchant_id).where(BatchAcceptance.batch_id == made.id)
        ).all()
    assert {store.merchant_id for store in crowd} <= set(accepted)
    assert 1 not in accepted
