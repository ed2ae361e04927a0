"""Devices: enrolled once, signed in on by PIN, revoked at once."""

from __future__ import annotations

from collections import Counter

import pyotp
import pytest

from app.core.actor import SYSTEM, Role
from app.core.clock import utc_now
from app.flows.tills import terminals
from app.services.people import appointments, second_factors
from app.services.people.appointments import Duty
from app.services.tenants.merchants import StoreNotFound
from app.services.tills.terminals import revoke_terminal
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


def _invite_to(world, manager, store):
    return terminals.issue_enrolment_code(
        world.context, manager, store_id=store.id, name="back office"
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


def test_guesses_at_once_are_counted_one_by_one_and_nobody_is_told_to_wait(world, shop, device):
    _with_pin(world, shop.cashier)
    answers = at_once([lambda: _switch(world, device, shop.staff[0], "1379")] * 16)
    assert Counter(a.json()["code"] for a in answers) == {"pin_wrong": 4, "pin_locked": 12}


def test_a_right_pin_among_many_wrong_ones_opens_only_until_the_fifth(world, shop, device):
    _with_pin(world, shop.cashier)
    pins = ["1379"] * 6 + [PIN] * 2 + ["1379"] * 6
    answers = at_once([lambda p=pin: _switch(world, device, shop.staff[0], p) for pin in pins])
    told = Counter(answer.json().get("code", "in") for answer in answers)
    assert set(told) <= {"in", "pin_wrong", "pin_locked"}
    assert told["in"] <= 2
    assert told["pin_locked"] >= 1, "six wrong ones follow each other without a right one between"


def test_a_password_that_was_handed_over_is_changed_before_a_pin_opens(world, shop, device):
    _with_pin(world, shop.cashier)
    person = shop.staff[0]
    world.by_superuser("UPDATE staff SET must_change_password = true WHERE id = %s", person.id)
    refused = _switch(world, device, person)
    assert (refused.status_code, refused.json()["code"]) == (403, "sign_in_unfinished")
    world.by_superuser("UPDATE staff SET must_change_password = false WHERE id = %s", person.id)
    assert _switch(world, device, person).status_code == 201


def _with_second_factor(world, person):
    with world.database.unit_of_work(SYSTEM) as session:
        secret = second_factors.begin_enrolment(
            session, staff_id=person.id, keys=world.context.keys
        )
        second_factors.confirm_enrolment(
            session, staff_id=person.id, code=pyotp.TOTP(secret).now(), keys=world.context.keys,
            actor=world.make.actor(person), now=utc_now(),
        )  # fmt: skip


def test_with_a_second_factor_the_pin_opens_on_an_enrolled_device_and_the_password_nowhere(
    world, shop, device
):
    person = shop.staff[1]
    _with_pin(world, shop.manager)
    _with_second_factor(world, person)
    body = {"username": person.name, "password": PASSWORD}
    for answer in (
        _send(world, device, "POST", "/pos/api/sessions", body),
        world.stranger.post("/pos/api/sessions", body),
    ):
        assert answer.json()["code"] == "sign_in_unfinished"
    assert _switch(world, device, person).status_code == 201


def _approve(till, person, **proof):
    body = {"action": "reverse_redemption", "number": "R1", "reason": "typed wrongly"}
    asked = till.post("/pos/api/approvals", body).json()["id"]
    approver = {"username": person.name, **proof}
    return till.post(f"/pos/api/approvals/{asked}/approve", {"approver": approver}).json()["code"]


def test_nobody_approves_by_a_word_that_somebody_else_could_give(world, shop, device):
    cashier, manager = shop.staff
    _with_pin(world, shop.cashier)
    _with_pin(world, shop.manager)
    till = world.with_token(_switch(world, device, cashier).json()["access_token"])
    world.by_superuser("UPDATE staff SET must_change_password = true WHERE id = %s", manager.id)
    assert _approve(till, manager, password=PASSWORD) == "sign_in_unfinished"
    assert _approve(till, manager, pin=PIN) == "sign_in_unfinished"
    world.by_superuser("UPDATE staff SET must_change_password = false WHERE id = %s", manager.id)
    _with_second_factor(world, manager)
    assert _approve(till, manager, password=PASSWORD) == "pin_instead"
    known = _approve(till, manager, pin=PIN)
    assert known == "redemption_not_found", "the word is taken; there is no such redemption"


def test_a_password_reset_takes_the_pin_and_the_failures_with_it(world, shop, device):
    _with_pin(world, shop.cashier)
    person, manager = shop.staff
    opened = _switch(world, device, person).json()["access_token"]
    with world.database.unit_of_work(SYSTEM) as session:
        appointments.reset_password(
            session, staff_id=person.id, actor=world.make.actor(manager), now=utc_now()
        )
    assert world.with_token(opened).get("/pos/api/me").status_code == 401
    assert _switch(world, device, person).json()["code"] == "pin_wrong"
    seen = _send(world, device, "GET", "/pos/api/terminals/current").json()
    assert {one["username"]: one["has_pin"] for one in seen["staff"]}[person.name] is False


def test_who_is_moved_to_another_store_leaves_the_pin_behind(world, shop, device):
    _with_pin(world, shop.cashier)
    person = shop.staff[0]
    opened = _switch(world, device, person).json()["access_token"]
    other = world.make.store(shop.merchant)
    head = world.make.actor(world.make.staff(Role.merchant_admin, merchant=shop.merchant))
    with world.database.unit_of_work(SYSTEM) as session:
        duty = Duty(
            name=person.name, role=Role.cashier, merchant_id=shop.merchant.id, store_id=other.id
        )
        appointments.reassign(session, staff_id=person.id, duty=duty, actor=head, now=utc_now())
    assert world.with_token(opened).get("/pos/api/me").status_code == 401
    assert _switch(world, device, person).json()["code"] == "pin_wrong"
    there = world.stranger.post(
        "/pos/api/terminals/enrol", {"code": _invite_to(world, head, other)}
    ).json()
    assert _switch(world, there, person).json()["code"] == "pin_wrong", "nor does it open there"
    _with_pin(world, world.as_staff(person))
    assert _switch(world, there, person).status_code == 201
    assert _switch(world, device, person).json()["code"] == "pin_wrong"


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
