"""Whoever stands beyond the end of a list can be chosen: by typing, with a script or without."""

from __future__ import annotations

import html
import io
import re
import secrets

import pytest
from sqlalchemy import select

from app.core.actor import SYSTEM, Role
from app.models.cards import ProgramAcceptance
from app.models.contents import ContentItem
from app.models.tenants import Merchant, Store
from app.models.voucher_records import VoucherTask
from app.models.vouchers import BatchAcceptance, VoucherBatch
from app.services.publishing.search_index import index_store
from app.services.vouchers.batches import Acceptance
from app.services.vouchers.voucher_custody import hand_over
from app.services.vouchers.voucher_events import Holder
from app.views import choosing, roles
from app.views.listing import LISTS
from app.views.names import TARGETS
from app.views.vouchers import batch_page
from tests.views.test_paper import draft_fields, fill

NEW_BATCH = "/console/voucher-batches/new"
_PICKS = re.compile(r'name="(\w+)-picked" value="(\w+)"')


def named(word: str = "青禾") -> str:
    """A name that nothing else in the database has; without letters, for pages are Chinese."""
    return f"{word}{secrets.randbelow(10**12):012}"


def wrong(page: str) -> list[str]:
    return re.findall(r'id="(\w+)-wrong"', page)


def value_in(page: str, name: str) -> str:
    """What stands in an input."""
    found = re.search(rf'<input[^>]* name="{name}"[^>]*>', page)
    assert found is not None, f"there is no {name}"
    value = re.search(r' value="([^"]*)"', found.group(0))
    return html.unescape(value.group(1)) if value else ""


@pytest.fixture
def many(monkeypatch):
    """Three are many here, so that a test need not make two hundred."""
    monkeypatch.setattr(choosing, "FEW", 3)


@pytest.fixture(scope="module")
def admin(make, signed_in):
    return signed_in(make.staff(Role.platform_admin))


@pytest.fixture(scope="module")
def crowd(make) -> list[Store]:
    """Five merchants with a store each: more than a list may have here."""
    return [make.store(make.merchant(name=named()), name=named("门店")) for _ in range(5)]


def merchant_of(database, store) -> Merchant:
    with database.unit_of_work(SYSTEM) as session:
        return session.get_one(Merchant, store.merchant_id)


def drafted(answer, database) -> VoucherBatch:
    assert answer.status_code == 302, wrong(answer.text)
    with database.unit_of_work(SYSTEM) as session:
        return session.get_one(VoucherBatch, int(answer.location.rsplit("/", 1)[1]))


def typed(name: str, text: str, *, said: str = "") -> dict[str, str]:
    """A field as a browser without the script sends it."""
    return {name: "", f"{name}-typed": text, f"{name}-said": said}


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
    picks = [value for field, value in _PICKS.findall(asked.text) if field == "issuer_id"]
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
    assert ("issuer_id", str(store.merchant_id)) in _PICKS.findall(asked.text)


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


def test_a_list_is_narrowed_to_the_last_of_many(many, admin, crowd, make, database):
    last, path = crowd[-1], "/console/pay-points/list/"
    point = make.pay_point(last)
    page = admin.get(path).text
    assert 'data-choices="/console/choices/merchants/"' in page
    name = merchant_of(database, last).name
    meant = admin.get(path, query_string={**typed("merchant_id", name), "status": "active"})
    assert meant.status_code == 302
    assert meant.location.endswith(f"{path}?status=active&merchant_id={last.merchant_id}")
    narrowed = admin.get(meant.location).text
    assert f"商户：{name}" in narrowed
    assert value_in(narrowed, "merchant_id") == str(last.merchant_id)
    assert value_in(narrowed, "merchant_id-typed") == name
    assert point.token in narrowed
    # Sent again as it stands, and with another one in its place, and emptied.
    kept = {"merchant_id": str(last.merchant_id), "merchant_id-typed": name}
    same = admin.get(path, query_string={**kept, "merchant_id-said": name})
    assert same.location.endswith(f"{path}?merchant_id={last.merchant_id}")
    other = merchant_of(database, crowd[0])
    changed = {**kept, "merchant_id-said": name, "merchant_id-typed": other.name}
    assert admin.get(path, query_string=changed).location.endswith(f"?merchant_id={other.id}")
    emptied = {**kept, "merchant_id-said": name, "merchant_id-typed": ""}
    assert admin.get(path, query_string=emptied).location.endswith(path)


def test_a_filter_in_doubt_shows_what_fits_and_nobodys_rows(many, admin, make):
    name = named()
    stores = [make.store(make.merchant(name=name)) for _ in range(2)]
    path = "/console/stores/list/"
    page = admin.get(path, query_string=typed("merchant_id", name))
    if page.status_code == 302:  # The empty id is left out of the address first.
        page = admin.get(page.location)
    links = re.findall(rf'class="chip" href="{path}\?merchant_id=(\d+)"', page.text)
    assert links == [str(store.merchant_id) for store in stores]
    assert f"有多项符合“{name}”" in page.text
    assert "<tbody>" not in page.text
    nobody = admin.get(f"{path}?merchant_id-typed={named('没有')}")
    assert nobody.status_code == 200
    assert "没有找到" in nobody.text


def test_a_report_is_narrowed_by_a_typed_name(many, admin, crowd, database):
    merchant = merchant_of(database, crowd[-1])
    path = "/console/reports/?report=takings"
    meant = admin.get(f"{path}&merchant_id-typed={merchant.name}")
    assert meant.location.endswith(f"merchant_id={merchant.id}")
    page = admin.get(meant.location).text
    assert value_in(page, "merchant_id-typed") == merchant.name
    unknown = admin.get(f"{path}&merchant_id-typed={named('没有')}")
    assert (unknown.status_code, "没有找到" in unknown.text) == (200, True)
    assert "/console/saved-reports/add" in page
    assert "/console/saved-reports/add" not in unknown.text  # Saved, it would be everybody's.


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
