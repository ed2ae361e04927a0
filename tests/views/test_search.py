"""The search box finds what somebody may open, goes straight to one hit, and shows nothing else."""

from __future__ import annotations

import pytest

from app.core.actor import SYSTEM, Role
from app.models.people import Member
from app.models.sales import TopUp
from app.models.tenants import Merchant
from app.models.vouchers import Voucher


@pytest.fixture(scope="module")
def shop(app, make):
    """A merchant's store, a member with a card that was filled there, and a voucher."""
    store = make.store(name="河畔门店")
    with make.database.unit_of_work(SYSTEM) as session:
        merchant = session.get_one(Merchant, store.merchant_id)
    phone = make.phone()
    member = make.member(phone=phone)
    with make.database.unit_of_work(SYSTEM) as session:  # Under the key of this application.
        digest = app.extensions["kaquan"].keys.phone_digest(phone)
        session.get_one(Member, member.id).phone_digest = digest
    program = make.program(issuer=merchant)
    card = make.card(member, program, principal_fen=50_00)
    make.vouchers(make.batch(issuer=merchant, quantity=1))
    with make.database.unit_of_work(SYSTEM) as session:
        voucher = session.query(Voucher).order_by(Voucher.id.desc()).first()
        top_up = session.query(TopUp).filter(TopUp.card_id == card.id).one()
    return merchant, store, member, phone, card, voucher, top_up


def _search(browser, typed):
    return browser.post("/console/search/", {"q": typed}, form="/console/password/")


def test_one_hit_is_opened_at_once(make, signed_in, shop):
    merchant, store, member, phone, card, voucher, top_up = shop
    admin = signed_in(make.staff(Role.merchant_admin, merchant=merchant))
    for typed, page in (
        (phone, f"/console/members/show/{member.id}"),
        (f" +86 {phone[:3]} {phone[3:7]} {phone[7:]} ", f"/console/members/show/{member.id}"),
        (card.card_no, f"/console/cards/show/{card.id}"),
        (top_up.top_up_no.lower(), f"/console/top-ups/show/{top_up.id}"),
        (voucher.serial_no, f"/console/vouchers/show/{voucher.id}"),
        (store.name, f"/console/stores/show/{store.id}"),
    ):
        answer = _search(admin, typed)
        assert answer.status_code == 302, (typed, answer.text)
        assert answer.location == page


def test_nobody_finds_what_is_anothers(make, signed_in, shop):
    _, store, _, phone, card, voucher, top_up = shop
    stranger = signed_in(make.staff(Role.merchant_admin, merchant=make.merchant()))
    for typed in (phone, card.card_no, top_up.top_up_no, voucher.serial_no, store.name):
        answer = _search(stranger, typed)
        assert answer.status_code == 200
        assert "没有找到" in answer.text


def test_a_kind_that_a_role_may_not_open_is_not_looked_for(make, signed_in, shop):
    _, store, _, _, card, _, _ = shop
    assert (
        "没有找到" in _search(signed_in(make.staff(Role.store_manager, store)), card.card_no).text
    )
    editor = signed_in(make.staff(Role.content_editor))
    assert "没有找到" in _search(editor, card.card_no).text
    cashier = signed_in(make.staff(Role.cashier, store))
    assert _search(cashier, store.name).status_code == 403


def test_several_hits_stand_in_groups_and_a_phone_is_shown_nowhere(make, signed_in, shop):
    platform = signed_in(make.staff(Role.platform_admin))
    merchant, _, _, phone, *_ = shop
    other = make.merchant()
    first_letters = merchant.name[:2]
    assert other.name.startswith(first_letters)
    answer = _search(platform, first_letters)
    assert answer.status_code == 200
    assert merchant.name in answer.text
    assert "商户</h2>" in answer.text
    missing = _search(platform, f"{phone[:-1]}{(int(phone[-1]) + 5) % 10}")
    assert missing.status_code == 200
    assert phone[:-1] not in missing.text


def test_part_of_a_number_finds_nothing(make, signed_in, shop):
    *_, card, _, _ = shop
    platform = signed_in(make.staff(Role.platform_admin))
    answer = _search(platform, card.card_no[:-2])
    assert answer.status_code == 200
    assert "没有找到" in answer.text
    assert "想找什么" in _search(platform, "   ").text


@pytest.mark.parametrize("address", ["/console/search/", "/console/voucher-finder/"])
def test_a_nul_among_the_letters_is_not_there(signed_in, make, address):
    """For every form at once (web/sent_forms): no program of a person's sends one."""
    browser = signed_in(make.staff(Role.platform_admin))
    field = {"q": "V\0x", "typed": "V\0x", "request_key": "\0a"}
    answer = browser.post(address, field, form="/console/password/")
    assert answer.status_code in {200, 302}
