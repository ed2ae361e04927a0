"""Merchants, stores, pay points and staff, as the desks of the consoles set them up."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pypdfium2
import pytest
import zxingcpp
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.core.actor import SYSTEM, Role
from app.core.clock import local_day, utc_now
from app.core.coordinates import CoordinateSystem
from app.models.people import Staff, StaffStatus
from app.models.plumbing import AuditRecord
from app.models.tenants import (
    Merchant,
    MerchantPapers,
    MerchantStatus,
    PayPoint,
    PayPointStatus,
    Store,
    StoreStatus,
)
from tests.views.conftest import Browser, csrf_token

_numbers = count(1)
_KEY = re.compile(r'name="request_key"[^>]*value="([^"]+)"')
_SECRET = re.compile(r'class="secret">([^<]+)<')


@pytest.fixture(scope="module")
def admin(make, signed_in) -> Browser:
    return signed_in(make.staff(Role.platform_admin))


def merchant_fields(**other: str) -> dict[str, str]:
    name = f"n{next(_numbers)}-{id(other)}"
    return {
        "code": name, "name": "锦里茶馆", "commission_bp": "0.65", "settlement_cycle": "weekly",
        "settlement_days": "2", "admin_name": "陈锦", "username": f"u.{name}", "password": "",
        "licence_no": "91510104MA6C8", "filing_no": "备 510100", **other,
    }  # fmt: skip


def filled(browser: Browser, path: str, fields: dict[str, str]) -> dict[str, str]:
    """The fields with the hidden ones of the form at that path."""
    page = browser.get(path).text
    found = _KEY.search(page)
    hidden = {"csrf_token": csrf_token(page)}
    return {**fields, **hidden, **({"request_key": found.group(1)} if found else {})}


def submit(browser: Browser, path: str, fields: dict[str, str]):
    return browser.client.post(path, data=filled(browser, path, fields))


def one(database, query):
    with database.unit_of_work(SYSTEM) as session:
        found = session.scalars(query).one()
        session.expunge(found)
        return found


def actions_on(database, subject: str, subject_id: int) -> list[str]:
    """What was done to it, oldest first; another kind of thing may have the same id."""
    with database.unit_of_work(SYSTEM) as session:
        query = select(AuditRecord.action).where(
            AuditRecord.subject_id == subject_id, AuditRecord.action.startswith(f"{subject}.")
        )
        return list(session.scalars(query.order_by(AuditRecord.id)))


def test_a_merchant_is_taken_on_and_its_administrator_comes_in(app, admin, database):
    fields = merchant_fields()
    answer = submit(admin, "/console/merchants/add/", fields)
    assert answer.status_code == 200, answer.text
    password = _SECRET.search(answer.text).group(1)
    merchant = one(database, select(Merchant).where(Merchant.code == fields["code"]))
    assert (merchant.commission_bp, merchant.settlement_days) == (65, 2)
    assert merchant.settlement_cycle.name == "weekly"
    newcomer = Browser(app.test_client())
    assert newcomer.sign_in(fields["username"], password).location == "/login/password/"
    assert newcomer.get("/console/").status_code == 302
    chosen = {"wanted": "tea-house-2027", "again": "tea-house-2027"}
    assert newcomer.post("/login/password/", chosen).location == "/console/"
    assert newcomer.get("/console/").status_code == 200
    assert "锦里茶馆" in newcomer.get("/console/").text


def test_the_same_form_sent_twice_takes_one_merchant_on_and_shows_one_password(admin, database):
    path = "/console/merchants/add/"
    fields = filled(admin, path, merchant_fields())
    first, second = (admin.client.post(path, data=fields) for _ in range(2))
    shown = {_SECRET.search(answer.text).group(1) for answer in (first, second)}
    assert len(shown) == 1
    one(database, select(Merchant).where(Merchant.code == fields["code"]))
    with database.unit_of_work(SYSTEM) as session:
        kept = session.execute(
            select(AuditRecord.detail).where(AuditRecord.action == "merchant.created")
        )
        assert not any(next(iter(shown)) in str(row) for row in kept)


@pytest.mark.parametrize(
    "wrong",
    [
        {"commission_bp": "100.01"},
        {"commission_bp": "abc"},
        {"code": "Not A Code"},
        {"settlement_days": "91"},
        {"settlement_cycle": "yearly"},
        {"licence_expires_on": "2026-02-30"},
        {"password": "short"},
        {"admin_name": ""},
    ],
)
def test_what_is_wrong_is_marked_what_was_typed_is_kept_and_nothing_is_made(admin, database, wrong):
    fields = merchant_fields(**wrong)
    answer = submit(admin, "/console/merchants/add/", fields)
    assert answer.status_code == 422
    assert "what-is-wrong" in answer.text
    assert 'value="91510104MA6C8"' in answer.text
    with database.unit_of_work(SYSTEM) as session:
        made = select(Merchant.id).where(Merchant.code == fields["code"])
        assert session.scalar(made) is None


def test_a_taken_user_name_makes_no_merchant_either(admin, make, database):
    taken = make.username(make.staff())
    fields = merchant_fields(username=f"{taken}")
    if len(taken) < 3:
        pytest.skip("the shape refuses it before the service does")
    assert submit(admin, "/console/merchants/add/", fields).status_code == 422
    with database.unit_of_work(SYSTEM) as session:
        made = select(Merchant.id).where(Merchant.code == fields["code"])
        assert session.scalar(made) is None


def test_papers_that_expire_are_warned_of(admin, make, database):
    merchant = make.merchant()
    today = local_day(utc_now())
    fields = {
        **merchant_fields(),
        "licence_expires_on": (today + timedelta(days=30)).isoformat(),
        "filing_expires_on": (today - timedelta(days=1)).isoformat(),
    }
    path = f"/console/merchants/edit/{merchant.id}"
    assert submit(admin, path, fields).location == f"/console/merchants/show/{merchant.id}"
    page = admin.get(f"/console/merchants/show/{merchant.id}").text
    assert page.count('class="notice"') == 2
    assert "还剩 30 天" in page
    assert "过期" in page
    fields["licence_expires_on"] = (today + timedelta(days=31)).isoformat()
    fields["filing_expires_on"] = ""
    submit(admin, path, fields)
    assert 'class="notice"' not in admin.get(f"/console/merchants/show/{merchant.id}").text
    kept = one(database, select(MerchantPapers).where(MerchantPapers.merchant_id == merchant.id))
    assert kept.filing_expires_on is None
    assert actions_on(database, "merchant", merchant.id).count("merchant.edited") == 2


def test_a_merchant_is_frozen_with_a_reason_and_trades_again(admin, make, database):
    merchant = make.merchant()
    freeze, thaw = (f"/console/merchants/{what}/{merchant.id}" for what in ("freeze", "thaw"))
    assert submit(admin, freeze, {"reason": ""}).status_code == 422
    for _ in range(2):  # Twice is once.
        assert submit(admin, freeze, {"reason": "投诉核实中"}).status_code == 302
    status = select(Merchant).where(Merchant.id == merchant.id)
    assert one(database, status).status is MerchantStatus.frozen
    submit(admin, thaw, {"reason": "已核实"})
    assert one(database, status).status is MerchantStatus.active
    wanted = ["merchant.created", "merchant.frozen", "merchant.active"]
    assert actions_on(database, "merchant", merchant.id) == wanted


def test_the_operator_is_no_merchant_to_edit_or_freeze(admin):
    for what in ("edit", "freeze", "thaw"):
        assert admin.get(f"/console/merchants/{what}/1").status_code == 404


STORE = {
    "code": "yi", "name": "一店", "city": "成都", "address": "武侯祠大街231号",
    "phone": "028-85551234", "position": "39.915, 116.404", "system": "bd09",
    "hours-0-days": "1", "hours-0-opens": "09:00",
    "hours-0-closes": "02:00",
}  # fmt: skip


@pytest.fixture
def owner(make, signed_in):
    """A merchant's administrator, with a store of theirs."""
    merchant = make.merchant()
    person = make.staff(Role.merchant_admin, merchant=merchant)
    return signed_in(person), merchant, make.store(merchant)


def test_a_merchant_adds_a_store_with_hours_position_and_pay_point(owner, database):
    browser, merchant, _ = owner
    answer = submit(browser, "/console/stores/add/", STORE)
    assert answer.status_code == 302, answer.text
    store = one(database, select(Store).where(Store.merchant_id == merchant.id, Store.code == "yi"))
    assert (store.lat, store.lng) == (39.908657, 116.397627)
    assert store.coordinate_source is CoordinateSystem.bd09
    assert store.hours == [["1", "09:00", "02:00"]]
    one(database, select(PayPoint).where(PayPoint.store_id == store.id))
    page = browser.get(answer.location).text
    assert "周一 09:00–02:00" in page
    assert "BD-09" in page
    again = submit(browser, "/console/stores/add/", STORE)
    assert again.status_code == 422  # The code is taken.
    assert 'value="武侯祠大街231号"' in again.text


@pytest.mark.parametrize("strict", [True, False])
def test_a_new_store_begins_with_the_till_rules_of_the_installation(
    app, owner, database, monkeypatch, strict
):
    context = app.extensions["kaquan"]
    settings = replace(context.settings, strict_tills=strict)
    monkeypatch.setitem(app.extensions, "kaquan", replace(context, settings=settings))
    browser, merchant, _ = owner
    assert submit(browser, "/console/stores/add/", STORE).status_code == 302
    store = one(database, select(Store).where(Store.merchant_id == merchant.id, Store.code == "yi"))
    assert (store.shift_required, store.terminal_required) == (strict, strict)


def test_an_untouched_position_keeps_its_source_and_a_new_one_takes_its_own(owner, database):
    browser, merchant, _ = owner
    added = submit(browser, "/console/stores/add/", STORE).location
    path = added.replace("show", "edit")
    page = browser.get(path).text
    shown = re.search(r'name="position"[^>]*value="([^"]+)"', page).group(1)
    edited = {**STORE, "position": shown, "system": "gcj02", "name": "改名"}
    query = select(Store).where(Store.merchant_id == merchant.id, Store.code == "yi")
    assert submit(browser, path, edited).status_code == 302
    store = one(database, query)
    assert (store.name, store.coordinate_source) == ("改名", CoordinateSystem.bd09)
    submit(browser, path, {**edited, "position": "30.1, 104.1"})
    assert one(database, query).coordinate_source is CoordinateSystem.gcj02


@pytest.mark.parametrize(
    "wrong",
    [{"position": "here"}, {"hours-0-opens": ""}, {"hours-1-opens": "09:00"}, {"phone": "<b>"}],
)
def test_a_store_that_will_not_do_is_not_added(owner, wrong):
    answer = submit(owner[0], "/console/stores/add/", {**STORE, **wrong})
    assert answer.status_code == 422
    assert "what-is-wrong" in answer.text


def test_a_store_closes_with_a_reason_and_opens_again(owner, database):
    browser, _, store = owner
    for what, status in (("close", StoreStatus.closed), ("reopen", StoreStatus.open)):
        path = f"/console/stores/{what}/{store.id}"
        assert submit(browser, path, {"reason": "装修"}).status_code == 302
        assert one(database, select(Store).where(Store.id == store.id)).status is status


def test_a_pay_point_is_added_named_printed_and_retired(app, owner, database):
    browser, _, store = owner
    added = submit(browser, f"/console/pay-points/add/{store.id}", {"name": "8 号桌"})
    pk = int(added.location.rsplit("/", 1)[1])
    point = one(database, select(PayPoint).where(PayPoint.id == pk))
    for paper in ("a4", "a6"):
        poster = browser.get(f"/console/pay-points/poster/{pk}?paper={paper}")
        assert poster.content_type == "application/pdf"
        page = pypdfium2.PdfDocument(io.BytesIO(poster.data))[0]
        picture = page.render(scale=2).to_pil()
        seen = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
        assert [code.text for code in seen] == [f"http://127.0.0.1:8000/q/{point.token}"]
        assert "8 号桌" in page.get_textpage().get_text_bounded()
    assert browser.get(f"/console/pay-points/poster/{pk}?paper=a0").status_code == 404
    submit(browser, f"/console/pay-points/rename/{pk}", {"name": "9 号桌"})
    retire = f"/console/pay-points/retire/{pk}"
    assert submit(browser, retire, {"reason": "桌子没了"}).status_code == 302
    assert submit(browser, retire, {"reason": "再来一次"}).status_code == 422
    point = one(database, select(PayPoint).where(PayPoint.id == pk))
    assert (point.name, point.status) == ("9 号桌", PayPointStatus.retired)
    assert browser.get(f"/console/pay-points/poster/{pk}").status_code == 404
    wanted = ["pay_point.added", "pay_point.renamed", "pay_point.retired"]
    assert actions_on(database, "pay_point", pk)[-3:] == wanted


def person_fields(**other: str) -> dict[str, str]:
    name = f"p{next(_numbers)}.{id(other)}"
    return {"name": "小王", "username": name, "role": "cashier", "store_id": "",
            "daily_cash_limit_fen": "500", **other}  # fmt: skip


def test_a_merchant_adds_edits_suspends_and_reinstates_a_cashier(app, make, owner, database):
    browser, merchant, store = owner
    second = make.store(merchant)
    fields = person_fields(store_id=str(store.id))
    shown = submit(browser, "/console/staff/add/", fields)
    assert shown.status_code == 200, shown.text
    password = _SECRET.search(shown.text).group(1)
    query = select(Staff).where(Staff.merchant_id == merchant.id, Staff.role == Role.cashier)
    person = one(database, query)
    assert (person.store_id, person.daily_cash_limit_fen) == (store.id, 500_00)
    moved = {**fields, "store_id": str(second.id), "daily_cash_limit_fen": ""}
    assert submit(browser, f"/console/staff/edit/{person.id}", moved).status_code == 302
    person = one(database, query)
    assert (person.store_id, person.daily_cash_limit_fen) == (second.id, None)
    reset = submit(browser, f"/console/staff/password/{person.id}", {})
    assert _SECRET.search(reset.text).group(1) != password
    assert Browser(app.test_client()).sign_in(fields["username"], password).status_code == 401
    for what, status in (("suspend", StaffStatus.frozen), ("reinstate", StaffStatus.active)):
        done = submit(browser, f"/console/staff/{what}/{person.id}", {"reason": "请假"})
        assert done.status_code == 302
        assert one(database, query).status is status


def test_a_role_without_its_place_is_refused_in_the_form(owner):
    answer = submit(owner[0], "/console/staff/add/", person_fields())
    assert answer.status_code == 422
    assert "小王" in answer.text


@pytest.mark.parametrize("role", ["platform_admin", "auditor"])
def test_a_merchant_cannot_give_a_platform_role(owner, role):
    assert submit(owner[0], "/console/staff/add/", person_fields(role=role)).status_code == 422


def test_a_merchant_cannot_name_another_merchants_store(make, owner):
    foreign = person_fields(store_id=str(make.store().id))
    assert submit(owner[0], "/console/staff/add/", foreign).status_code == 422


def test_a_manager_adds_cashiers_of_the_own_store_only(make, signed_in, database):
    store = make.store()
    manager = make.staff(Role.store_manager, store, daily_cash_limit_fen=300_00)
    browser = signed_in(manager)
    add = "/console/staff/add/"
    assert submit(browser, add, person_fields()).status_code == 422  # 500 is more than 300.
    other = make.store(one(database, select(Merchant).where(Merchant.id == store.merchant_id)))
    fields = person_fields(daily_cash_limit_fen="300", store_id=str(other.id), merchant_id="1")
    assert submit(browser, add, fields).status_code == 200
    query = select(Staff).where(Staff.store_id == store.id, Staff.role == Role.cashier)
    cashier = one(database, query)
    assert cashier.merchant_id == store.merchant_id
    user = one(database, select(User).where(User.id == cashier.user_id))
    assert user.created_by_fk == user.changed_by_fk == manager.user_id
    higher = person_fields(role="store_manager", daily_cash_limit_fen="1")
    assert submit(browser, add, higher).status_code == 422


def test_nobody_opens_the_desk_of_themselves_or_of_who_is_above_them(make, signed_in):
    store = make.store()
    manager = make.staff(Role.store_manager, store)
    browser = signed_in(manager)
    for pk in (manager.id, make.staff(Role.store_manager, store).id):
        for what in ("edit", "password", "suspend", "reinstate"):
            path = f"/console/staff/{what}/{pk}"
            assert browser.get(path).status_code == 403
            assert browser.post(path, {"reason": "x"}, form="/console/password/").status_code == 403
