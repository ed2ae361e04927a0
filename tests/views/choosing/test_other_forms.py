"""Other forms choose by typing, too: each offers what its reader may choose."""

from __future__ import annotations

import io
import re
import secrets

import pytest
from sqlalchemy import select

from app.core.actor import SYSTEM, Role
from app.models.cards import ProgramAcceptance
from app.models.contents import ContentItem
from app.models.voucher_records import VoucherTask
from app.services.vouchers.voucher_custody import hand_over
from app.services.vouchers.voucher_events import Holder
from tests.views.choosing.typing_in import (
    merchant_of,
    named,
    typed,
    wrong,
)
from tests.views.test_paper import fill


def test_old_cards_go_onto_the_last_of_many_programs(many, admin, make):
    merchant = make.merchant(name=named())
    program = [make.program(issuer=merchant) for _ in range(5)][-1]
    path = "/console/voucher-imports/new"
    assert 'data-choices="/console/choices/programs/"' in admin.get(path).text
    stem = make.phone()

    def bring(**fields):
        upload = io.BytesIO(f"卡号,卡密,余额\n{stem},AB{stem},88.50\n".encode())
        return admin.post(path, {**fields, "file": (upload, "旧卡.csv")})

    several = bring(**typed("program_id", program.name))  # All are called the same.
    assert several.status_code == 422
    assert "有多项符合" in several.text
    found = admin.get(f"/console/choices/programs/?q={program.code}%20{merchant.name}").json
    assert [one["value"] for one in found["items"]] == [str(program.id)]
    kept = {"program_id": str(program.id), "program_id-typed": program.name}
    assert bring(**kept, **{"program_id-said": program.name}).status_code == 302


def test_the_last_holders_paper_is_frozen(many, admin, make, database, crowd):
    owner = merchant_of(database, crowd[-1])
    batch = make.batch(issuer=owner, quantity=4)
    make.vouchers(batch, activate=False)
    path = "/console/voucher-paper/of-holder"
    with database.unit_of_work(SYSTEM) as session:
        for store in crowd:  # Somebody's paper each, so that there are many to choose from.
            other = make.batch(issuer=merchant_of(database, store), quantity=1)
            make.vouchers(other, activate=False)
            hand_over(
                session, batch_id=other.id, serials=None,
                taker=Holder(merchant_id=store.merchant_id), actor=SYSTEM,
            )  # fmt: skip
        hand_over(
            session, batch_id=batch.id, serials=None,
            taker=Holder(merchant_id=owner.id, store_id=crowd[-1].id), actor=SYSTEM,
        )  # fmt: skip
    assert 'data-choices="/console/choices/holders/"' in admin.get(path).text
    found = admin.get(f"/console/choices/holders/?q={owner.name}").json["items"]
    assert {"value": f"m{owner.id}", "name": f"{owner.name}（总部）", "about": owner.code} in found
    done = admin.post(path, {"kind": "freeze", "reason": "被盗", **typed("holder", crowd[-1].name)})
    assert done.status_code == 302
    with database.unit_of_work(SYSTEM) as session:
        task = select(VoucherTask).where(VoucherTask.batch_id == batch.id)
        assert session.scalars(task).one().quantity == 4


def test_paper_goes_into_the_hands_of_whom_the_batch_names_only(many, admin, make, crowd):
    issuer = make.merchant(name=named())
    stores = [make.store(issuer, name=named("门店")) for _ in range(5)]
    batch = make.batch(issuer=issuer, quantity=2)
    make.vouchers(batch, activate=False)
    address = f"/console/choices/takers/{batch.id}"
    found = admin.get(f"{address}?q={issuer.name}").json["items"]
    assert {one["value"] for one in found} == {f"m{issuer.id}", *(f"s{one.id}" for one in stores)}
    assert admin.get(f"{address}?q={crowd[0].name}").json["items"] == []
    assert [one["value"] for one in admin.get(f"{address}?q=退回").json["items"]] == ["m1"]
    path = f"/console/voucher-paper/hand-over/{batch.id}"
    foreign = admin.post(path, {"first": "", "last": "", "taker": f"s{crowd[0].id}"})
    assert wrong(foreign.text) == ["taker"]
    given = admin.post(path, {"first": "", "last": "", **typed("taker", stores[-1].name)})
    assert given.status_code == 302


def test_goods_are_offered_at_stores_found_by_typing(many, make, signed_in):
    merchant = make.merchant()
    mine = [make.store(merchant, name=named("门店")) for _ in range(5)]
    admin = signed_in(make.staff(Role.platform_admin))
    path = "/console/content/new?kind=goods"
    fields = {
        "title": named("礼盒"), "store_ids": [str(mine[0].id)],
        "store_ids-typed": mine[-1].name, "store_ids-said": "",
    }  # fmt: skip
    made = fill(admin, path, fields)
    assert made.status_code == 302, wrong(made.text)
    pk = made.location.rsplit("/", 1)[1]
    edit = admin.get(f"/console/content/{pk}/edit").text
    chips = re.findall(r'name="store_ids" value="(\d+)" checked', edit)
    assert chips == [str(mine[0].id), str(mine[-1].id)]


def test_a_merchant_finds_and_chooses_its_own_only(many, make, signed_in, crowd):
    merchant = make.merchant(name=named())
    stores = [make.store(merchant, name=named("门店")) for _ in range(5)]
    owner = signed_in(make.staff(Role.merchant_admin, merchant=merchant))
    theirs = crowd[0]
    for kind in ("stores", "acceptors", "own-takers", "merchants"):
        answer = owner.get(f"/console/choices/{kind}/?q={theirs.name}").json
        assert answer["items"] == [], kind
    narrowed = f"/console/choices/stores/?merchant={theirs.merchant_id}"
    assert owner.get(narrowed).json["items"] == []
    found = owner.get(f"/console/choices/stores/?q={stores[-1].name}").json["items"]
    # Whose it is goes without saying.
    assert found == [
        {"value": str(stores[-1].id), "name": stores[-1].name, "about": stores[-1].code}
    ]
    path = "/console/staff/add/"
    assert 'data-choices="/console/choices/stores/?merchant=' in owner.get(path).text
    person = {
        "name": "小王", "username": named("w"), "role": "cashier", "daily_cash_limit_fen": "",
        "password": secrets.token_hex(8),
    }  # fmt: skip
    foreign = fill(owner, path, {**person, "store_id": str(theirs.id)})
    assert wrong(foreign.text) == ["store_id"]
    named_foreign = fill(owner, path, {**person, **typed("store_id", theirs.name)})
    assert wrong(named_foreign.text) == ["store_id"]
    assert fill(owner, path, {**person, "store_id": str(stores[-1].id)}).status_code == 200


def test_the_platform_writes_for_the_last_of_many_merchants(many, make, signed_in, database):
    name = named()
    stores = [make.store(make.merchant(name=name)) for _ in range(2)]
    admin, path = signed_in(make.staff(Role.platform_admin)), "/console/content/new"
    assert 'data-choices="/console/choices/writers/"' in admin.get(f"{path}?kind=goods").text
    doubtful = admin.get(f"{path}?kind=goods&merchant-typed={name}").text
    assert f"merchant={stores[-1].merchant_id}" in doubtful
    assert 'name="title"' not in doubtful
    code = merchant_of(database, stores[-1]).code
    meant = admin.get(f"{path}?kind=goods&merchant-typed={code}").location
    assert meant.endswith(f"merchant={stores[-1].merchant_id}")
    made = fill(admin, meant, {"title": named("礼盒"), "store_ids": [str(stores[-1].id)]})
    assert made.status_code == 302, wrong(made.text)
    with database.unit_of_work(SYSTEM) as session:
        item = session.get_one(ContentItem, int(made.location.rsplit("/", 1)[1]))
        assert item.merchant_id == stores[-1].merchant_id


def test_a_card_is_taken_where_chips_and_typed_names_say(many, admin, crowd, make, database):
    """A page for a thousand merchants holds those that are chosen, and a field to find others."""
    first, second, third = crowd[:3]
    program = make.program(
        issuer=merchant_of(database, first), accepted_by=[merchant_of(database, first)]
    )
    path = f"/console/card-programs/{program.id}/accept"
    page = admin.get(path).text
    assert re.findall(r'name="accepted_by" value="(\d+)" checked', page) == [str(first.merchant_id)]
    assert merchant_of(database, second).name not in page
    chosen = {
        "accepted_by": [str(first.merchant_id), str(second.merchant_id)],
        "accepted_by-typed": merchant_of(database, third).name,
        "accepted_by-said": "",
    }
    assert fill(admin, path, chosen).status_code == 302
    with database.unit_of_work(SYSTEM) as session:
        taken = session.scalars(
            select(ProgramAcceptance.merchant_id).where(ProgramAcceptance.program_id == program.id)
        ).all()
    assert set(taken) == {store.merchant_id for store in (first, second, third)}


@pytest.mark.parametrize(
    "path",
    [
        "/console/card-programs/issuers", "/console/voucher-requests/merchants",
        "/console/content-order/merchants",
    ],
)  # fmt: skip
def test_one_of_many_merchants_is_allowed_by_its_name_and_again_not(
    many, admin, crowd, database, path
):
    merchant = merchant_of(database, crowd[-1])
    chip = f'name="allowed" value="{merchant.id}" checked'
    before = re.findall(r'name="allowed" value="(\d+)" checked', admin.get(path).text)
    assert str(merchant.id) not in before
    typed_too = {"allowed": before, "allowed-typed": merchant.name, "allowed-said": ""}
    assert fill(admin, path, typed_too).status_code == 302
    assert chip in admin.get(path).text
    assert fill(admin, path, {"allowed": before}).status_code == 302
    assert chip not in admin.get(path).text
