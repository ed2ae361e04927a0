"""Devices: enrolled once, signed in on by PIN, revoked at once."""

from __future__ import annotations

from collections import Counter

import pytest

from app.core.actor import SYSTEM, Role
from app.core.clock import utc_now
from app.flows import terminals
from app.services.merchants import StoreNotFound
from app.services.terminals import revoke_terminal
from tests.factories import PASSWORD
from tests.served import at_once

PIN = "2580"


@pytest.fixture
def device(world, shop):
    return _enrol(world, shop)


def _invite(world, shop, name="前台平板"):
    manager = world.make.actor(shop.staff[1])
    return terminals.issue_enrolment_code(
        world.context, manager, store_id=shop.store.id, name=name
    ).code


def _enrol(world, shop):
    answer = world.stranger.post("/pos/api/terminals/enrol", {"code": _invite(world, shop)})
    assert answer.status_code == 201, answer.text
    return answer.json()


def _send(world, device, method, path, body=None):
    headers = {"Terminal-Token": device["terminal_token"]}
    return world.stranger.send(method, path, headers=headers, json=body)


def _switch(world, device, staff, pin=PIN):
    body = {"username": staff.name, "pin": pin}
    return _send(world, device, "POST", "/pos/api/sessions/pin", body)


def _with_pin(world, client):
    body = {"password": PASSWORD, "pin": PIN}
    answer = client.send("PUT", "/pos/api/me/pin", json=body)
    assert answer.status_code == 204, answer.text


def test_a_code_enrols_one_device_and_no_second(world, shop):
    code = _invite(world, shop)
    typed = code.lower().replace("-", " ")
    answers = at_once(
        [lambda: world.stranger.post("/pos/api/terminals/enrol", {"code": typed})] * 4
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 3}
    [made] = [answer.json() for answer in answers if answer.status_code == 201]
    assert made["store"]["id"] == str(shop.store.id)


def test_an_old_code_enrols_nothing(world, shop):
    code = _invite(world, shop)
    world.by_superuser("UPDATE one_time_secret SET expires_at = now() WHERE %s", True)
    answer = world.stranger.post("/pos/api/terminals/enrol", {"code": code})
    assert answer.json()["code"] == "enrolment_code_invalid"


def test_a_cashier_lets_no_device_in_and_a_manager_none_into_another_store(world, shop):
    from app.services.refusals import Forbidden

    cashier = world.make.actor(shop.staff[0])
    with pytest.raises(Forbidden):
        terminals.issue_enrolment_code(world.context, cashier, store_id=shop.store.id, name="x")
    manager = world.make.actor(shop.staff[1])
    other = world.make.store()
    with pytest.raises(StoreNotFound):
        terminals.issue_enrolment_code(world.context, manager, store_id=other.id, name="x")


def test_people_switch_by_pin_and_what_they_do_names_terminal_and_person(world, shop, device):
    _with_pin(world, shop.cashier)
    seen = _send(world, device, "GET", "/pos/api/terminals/current").json()
    assert {one["username"]: one["has_pin"] for one in seen["staff"]} == {
        shop.staff[0].name: True,
        shop.staff[1].name: False,
    }
    opened = _switch(world, device, shop.staff[0])
    assert opened.status_code == 201, opened.text
    till = world.with_token(opened.json()["access_token"])
    terminal_id = int(device["terminal"]["id"])
    assert till.get("/pos/api/me").json()["terminal_id"] == device["terminal"]["id"]
    _, client = world.rich(shop, 100_00)
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    till.post("/pos/api/top-ups", {"card_no": card_no, "amount_fen": 1_00})
    code = client.post("/api/v1/me/payment-code", key="").json()["code"]
    till.post("/pos/api/payments", {"payment_code": code, "amount_fen": 2_00})
    [paper] = world.make.vouchers(world.make.batch(issuer=shop.merchant, quantity=1))
    till.post("/pos/api/redemptions", {"code": paper})
    for table in ("top_up", "payment", "redemption"):
        rows = world.rows(
            f"SELECT terminal_id, staff_id FROM {table} WHERE terminal_id = :id", id=terminal_id
        )
        assert rows == [(terminal_id, shop.staff[0].id)], table
    noted = world.rows(
        "SELECT action FROM audit_record WHERE (detail->>'terminal_id')::bigint = :id ORDER BY id",
        id=terminal_id,
    )
    assert [row[0] for row in noted] == [
        "terminal.enrolled", "staff.signed_in", "top_up.cash", "payment.paid", "voucher.redeemed",
    ]  # fmt: skip


def test_five_wrong_pins_lock_the_person_on_that_terminal_until_the_password(world, shop, device):
    _with_pin(world, shop.cashier)
    person = shop.staff[0]
    codes = [_switch(world, device, person, "1379").json()["code"] for _ in range(6)]
    assert codes == ["pin_wrong"] * 4 + ["pin_locked"] * 2
    assert _switch(world, device, person).json()["code"] == "pin_locked"
    other = _enrol(world, shop)
    assert _switch(world, other, person).status_code == 201, "the other device is not locked"
    body = {"username": person.name, "password": PASSWORD}
    assert _send(world, device, "POST", "/pos/api/sessions", body).status_code == 201
    assert _switch(world, device, person).status_code == 201


def test_guesses_at_once_are_counted_one_by_one(world, shop, device):
    _with_pin(world, shop.cashier)
    answers = at_once([lambda: _switch(world, device, shop.staff[0], "1379")] * 7)
    assert Counter(a.json()["code"] for a in answers) == {"pin_wrong": 4, "pin_locked": 3}


def test_a_revoked_device_and_whoever_works_on_it_are_out_at_once(world, shop, device):
    _with_pin(world, shop.cashier)
    till = world.with_token(_switch(world, device, shop.staff[0]).json()["access_token"])
    assert till.get("/pos/api/me").status_code == 200
    with world.database.unit_of_work(SYSTEM) as session:
        revoke_terminal(
            session,
            terminal_id=int(device["terminal"]["id"]),
            reason="lost",
            actor=world.make.actor(shop.staff[1]),
            now=utc_now(),
        )
    assert till.get("/pos/api/me").status_code == 401
    assert _switch(world, device, shop.staff[0]).json()["code"] == "terminal_unknown"


def test_nobody_signs_in_on_another_stores_terminal(world, shop, device):
    stranger = world.make.staff(Role.cashier, world.make.store())
    body = {"username": stranger.name, "password": PASSWORD}
    answer = _send(world, device, "POST", "/pos/api/sessions", body)
    assert answer.json()["code"] == "not_of_this_terminal"
    _with_pin(world, world.as_staff(stranger))
    assert _switch(world, device, stranger).json()["code"] == "pin_wrong"


def test_a_store_may_take_money_on_its_own_terminals_only(world, shop, device):
    world.by_superuser("UPDATE store SET terminal_required = true WHERE id = %s", shop.store.id)
    _, client = world.rich(shop, 10_00)
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    top_up = {"card_no": card_no, "amount_fen": 1_00}
    calls = [
        ("/pos/api/top-ups", top_up),
        ("/pos/api/redemptions", {"code": world.make.vouchers(
            world.make.batch(issuer=shop.merchant, quantity=1))[0]}),
        ("/pos/api/payments", {"payment_code": client.post(
            "/api/v1/me/payment-code", key="").json()["code"], "amount_fen": 1}),
        ("/pos/api/shifts/open", {"opening_float_fen": 0}),
    ]  # fmt: skip
    for path, body in calls:
        refused = shop.cashier.post(path, body)
        assert (refused.status_code, refused.json()["code"]) == (403, "terminal_required"), path
    scanned = {"pay_point": shop.pay_point.token, "amount_fen": 1}
    assert client.post("/api/v1/payments", scanned).status_code == 201, "members need none"
    _with_pin(world, shop.cashier)
    till = world.with_token(_switch(world, device, shop.staff[0]).json()["access_token"])
    for path, body in calls:
        assert till.post(path, body).status_code == 201, path


@pytest.mark.parametrize("pin", ["123", "1234567", "1111", "1234", "9876", "12a4", "１２５８"])
def test_a_weak_pin_is_refused(shop, pin):
    answer = shop.cashier.send("PUT", "/pos/api/me/pin", json={"password": PASSWORD, "pin": pin})
    assert (answer.status_code, answer.json()["code"]) == (422, "pin_invalid")
