"""Paper at the consoles: two people, what is shown before it is done, and whose paper it is."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.core.actor import SYSTEM, Role
from app.core.serials import make_serial
from app.models.tenants import Merchant
from app.models.voucher_records import VoucherHolding, VoucherImport, VoucherTask
from app.models.vouchers import BatchStatus, Voucher, VoucherBatch, VoucherStatus
from app.services.vouchers.batches import Acceptance
from app.services.vouchers.voucher_custody import hand_over
from app.services.vouchers.voucher_events import Holder, SerialRange
from tests.books import balance_fen

_HIDDEN = re.compile(r'name="(request_key|seen)"[^>]* value="([^"]*)"')


def fill(browser, path, fields, **options):
    """Post a form with the hidden fields that its page carries."""
    hidden = dict(_HIDDEN.findall(browser.get(path).text))
    return browser.post(path, {**hidden, **fields}, **options)


def confirm(browser, path, fields):
    """Post, read what will happen, and post again."""
    shown = browser.post(path, fields)
    assert shown.status_code == 200, shown.text
    seen = dict(_HIDDEN.findall(shown.text))
    return shown, browser.post(path, {**fields, "seen": seen["seen"]})


@pytest.fixture
def people(make, signed_in):
    return [signed_in(make.staff(role)) for role in (Role.platform_admin, Role.platform_finance)]


@pytest.fixture
def store(make):
    return make.store()


@pytest.fixture
def paper(make, database, store):
    """Twenty vouchers of the store's merchant, not active, in the platform's hands."""
    with database.unit_of_work(SYSTEM) as session:
        issuer = session.get_one(Merchant, store.merchant_id)
    batch = make.batch(issuer=issuer, quantity=20)
    make.vouchers(batch, activate=False)
    return batch


def read(database, model, **named):
    with database.unit_of_work(SYSTEM) as session:
        query = select(model)
        for name, value in named.items():
            query = query.where(getattr(model, name) == value)
        return session.scalars(query.order_by(model.id.desc())).first()


def serial(batch, number):
    return make_serial(batch.batch_no, number)


def draft_fields(store, **changed):
    return {
        "name": "节日礼券", "issuer_id": str(store.merchant_id), "kind": "payment",
        "program_id": "", "accepted_by": "", "quantity": "30", "face_value_fen": "100",
        "sale_price_fen": "95", "bearer": "platform", "expires_on": "",
        "days_from_activation": "1100", "title": "礼券", "support_phone": "", "colour": "",
        "terms": "", **changed,
    }  # fmt: skip


def test_one_person_drafts_and_another_one_approves(people, store, database):
    maker, checker = people
    path = "/console/voucher-batches/new"
    hidden = dict(_HIDDEN.findall(maker.get(path).text))
    answers = [maker.post(path, {**hidden, **draft_fields(store)}) for _ in range(2)]
    assert [a.status_code for a in answers] == [302, 302]
    assert answers[0].location == answers[1].location  # Sent twice: one batch.
    pk = int(answers[0].location.rsplit("/", 1)[1])
    approve = f"/console/voucher-batches/approve/{pk}"
    assert maker.post(approve).status_code == 422
    assert read(database, VoucherBatch, id=pk).status is BatchStatus.draft
    assert checker.post(approve).status_code == 302
    assert checker.post(f"/console/voucher-batches/generate/{pk}").status_code == 302
    again = checker.post(f"/console/voucher-batches/generate/{pk}")
    assert again.status_code == 422
    told = checker.get(f"/console/voucher-batches/progress/{pk}").json
    assert (told["status"], told["generated"], told["quantity"]) == ("generating", 0, 30)
    assert told["busy"]


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("quantity", "0"),
        ("quantity", "10000000"),
        ("quantity", "1.5"),
        ("sale_price_fen", "101"),
        ("face_value_fen", "0"),
        ("days_from_activation", "0"),
        ("expires_on", "2020-01-01"),
        ("colour", "red"),
        ("program_id", "999999999"),
    ],
)
def test_what_makes_no_sense_is_marked_at_its_field_and_kept(people, store, field, typed):
    answer = fill(people[0], "/console/voucher-batches/new", draft_fields(store, **{field: typed}))
    assert answer.status_code == 422
    wrong = re.findall(r'id="(\w+)-wrong"', answer.text)
    assert field in wrong
    assert "节日礼券" in answer.text


def test_a_range_is_shown_before_it_is_activated_and_activated_once(people, paper, database):
    path = f"/console/voucher-paper/activate/{paper.id}"
    fields = {"first": serial(paper, 2), "last": serial(paper, 4), "reason": "上架"}
    shown, done = confirm(people[0], path, fields)
    assert "3 张券将可用" in shown.text
    assert done.status_code == 302
    with database.unit_of_work(SYSTEM) as session:
        assert balance_fen(session, "voucher", batch_id=paper.id) == -300_00
    shown, again = confirm(people[0], path, fields)
    assert "0 张券将可用" in shown.text
    assert again.status_code == 422


def test_what_was_changed_after_it_was_shown_is_shown_again(people, paper, database):
    path = f"/console/voucher-paper/void/{paper.id}"
    fields = {"first": serial(paper, 1), "last": serial(paper, 1), "reason": "x"}
    seen = dict(_HIDDEN.findall(people[0].post(path, fields).text))
    wider = people[0].post(path, {**fields, "last": serial(paper, 9), "seen": seen["seen"]})
    assert wider.status_code == 200
    assert read(database, Voucher, serial_no=serial(paper, 1)).status is VoucherStatus.inactive


@pytest.mark.parametrize(
    ("first", "last", "field"), [("12345", "12345", "first"), ("9", "1", "last")]
)
def test_a_wrong_range_is_marked(people, paper, first, last, field):
    typed = {"first": first, "last": last, "reason": "x"}
    if first == "9":
        typed |= {"first": serial(paper, 9), "last": serial(paper, 1)}
    answer = people[0].post(f"/console/voucher-paper/freeze/{paper.id}", typed)
    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.text


def test_frozen_paper_is_released_by_two_people(people, paper, database):
    fields = {"first": "", "last": "", "reason": "失窃"}
    _, frozen = confirm(people[0], f"/console/voucher-paper/freeze/{paper.id}", fields)
    assert frozen.status_code == 302
    assert read(database, Voucher, serial_no=serial(paper, 5)).frozen
    confirm(people[0], f"/console/voucher-paper/unfreeze/{paper.id}", fields)
    task = read(database, VoucherTask, batch_id=paper.id)
    approve = f"/console/voucher-tasks/approve/{task.id}"
    assert people[0].post(approve).status_code == 422
    assert read(database, Voucher, serial_no=serial(paper, 5)).frozen
    assert people[1].post(approve).status_code == 302
    assert not read(database, Voucher, serial_no=serial(paper, 5)).frozen


def test_paper_goes_to_a_store_which_gives_it_back(people, paper, store, make, signed_in, database):
    path = f"/console/voucher-paper/hand-over/{paper.id}"
    given = people[0].post(
        path,
        {
            "first": serial(paper, 1),
            "last": serial(paper, 5),
            "taker": f"s{store.id}",
            "reason": "",
        },
    )
    assert given.status_code == 302
    manager = signed_in(make.staff(Role.store_manager, store))
    assert serial(paper, 1) in manager.get("/console/voucher-stock/list/").text
    foreign = manager.post(
        path,
        {"first": serial(paper, 6), "last": "", "taker": f"m{store.merchant_id}", "reason": ""},
    )
    assert foreign.status_code == 422  # In the platform's hands.
    elsewhere = manager.post(
        path, {"first": serial(paper, 1), "last": "", "taker": "m1", "reason": ""}
    )
    assert elsewhere.status_code == 422
    back = manager.post(
        path,
        {"first": serial(paper, 1), "last": "", "taker": f"m{store.merchant_id}", "reason": "多余"},
    )
    assert back.status_code == 302
    held = read(database, VoucherHolding, batch_id=paper.id, store_id=store.id)
    assert held.first_serial_no == serial(paper, 2)


@pytest.mark.parametrize("role", [Role.merchant_admin, Role.store_manager])
def test_a_stranger_finds_and_moves_nothing(paper, make, signed_in, role, database):
    other = make.store()
    if role is Role.merchant_admin:
        with database.unit_of_work(SYSTEM) as session:
            merchant = session.get_one(Merchant, other.merchant_id)
        person = make.staff(role, merchant=merchant)
    else:
        person = make.staff(role, other)
    browser = signed_in(person)
    for what in ("hand-over", "freeze", "unfreeze", "activate", "void"):
        path = f"/console/voucher-paper/{what}/{paper.id}"
        assert browser.get(path).status_code in {403, 404}
        posted = browser.post(path, {"reason": "x", "taker": "m1"}, form="/console/password/")
        assert posted.status_code in {403, 404}
    found = browser.post("/console/voucher-finder/", {"typed": serial(paper, 1)})
    assert found.location.endswith("/console/voucher-finder/")
    pk = read(database, Voucher, serial_no=serial(paper, 1)).id
    assert browser.get(f"/console/vouchers/show/{pk}").status_code == 404


def test_who_only_has_paper_in_hand_does_not_freeze_the_issuers(paper, make, signed_in, database):
    """An acceptor sees the batch whose paper it holds; what is done with it is the issuer's."""
    other = make.store()
    with database.unit_of_work(SYSTEM) as session:
        merchant = session.get_one(Merchant, other.merchant_id)
    shared = make.batch(
        issuer=make.merchant(), quantity=5,
        accepted_by=[Acceptance(merchant_id=other.merchant_id)],
    )  # fmt: skip
    make.vouchers(shared, activate=False)
    with database.unit_of_work(SYSTEM) as session:
        hand_over(
            session, batch_id=shared.id, serials=None,
            taker=Holder(merchant_id=other.merchant_id), actor=SYSTEM,
        )  # fmt: skip
    browser = signed_in(make.staff(Role.merchant_admin, merchant=merchant))
    assert browser.get(f"/console/voucher-batches/figures/{shared.id}").status_code == 200
    fields = {"first": "", "last": "", "reason": "x"}
    _, refused = confirm(browser, f"/console/voucher-paper/freeze/{shared.id}", fields)
    assert refused.status_code == 422
    assert not read(database, Voucher, batch_id=shared.id).frozen


def test_a_voucher_tells_its_story_by_serial_and_by_code(app, people, make, database, store):
    with database.unit_of_work(SYSTEM) as session:
        issuer = session.get_one(Merchant, store.merchant_id)
    batch = make.batch(issuer=issuer, quantity=2)
    code, _ = replace(make, keys=app.extensions["kaquan"].keys).vouchers(batch)
    with database.unit_of_work(SYSTEM) as session:
        hand_over(
            session, batch_id=batch.id, taker=Holder(merchant_id=issuer.id, store_id=store.id),
            serials=SerialRange(first=serial(batch, 1), last=serial(batch, 1)), actor=SYSTEM,
        )  # fmt: skip
    for typed in (serial(batch, 1), code, f"https://x.example/v/{code}"):
        found = people[0].post("/console/voucher-finder/", {"typed": typed})
        story = people[0].get(found.location).text
        for word in ("起草", "已生成", "激活", "交接", store.name):
            assert word in story, word
    other = people[0].get(people[0].post("/console/voucher-finder/", {"typed": serial(batch, 2)})
                          .location).text  # fmt: skip
    assert "交接" not in other.split('class="story"')[1].split("</ol>")[0]


def test_old_cards_are_looked_at_first_and_taken_by_a_second_person(people, make, database):
    program = make.program(issuer=make.merchant())
    stem = make.phone()
    bad = f"卡号,卡密,余额\n{stem},AB{stem},1.005\n"
    good = f"卡号,卡密,余额\n{stem},AB{stem},88.50\n"
    path = "/console/voucher-imports/new"

    def bring(text):
        upload = (io.BytesIO(text.encode()), "旧卡.csv")
        return people[0].post(path, {"program_id": str(program.id), "file": upload})

    refused = bring(bad)
    assert refused.status_code == 422
    assert "余额不是" in refused.text
    kept = bring(good)
    assert kept.status_code == 302
    pk = int(kept.location.rsplit("/", 1)[1])
    take = f"/console/voucher-imports/take/{pk}"
    assert people[0].post(take).status_code == 422
    assert people[1].post(take).status_code == 302
    done = read(database, VoucherImport, id=pk)
    with database.unit_of_work(SYSTEM) as session:
        assert balance_fen(session, "voucher", batch_id=done.batch_id) == -88_50


def test_figures_agree_with_the_books(people, make):
    batch = make.batch(quantity=4)
    make.vouchers(batch)
    page = people[0].get(f"/console/voucher-batches/figures/{batch.id}").text
    assert "账实相符" in page
    assert "400.00" in page
