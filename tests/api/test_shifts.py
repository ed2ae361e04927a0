"""A drawer's cash, from the float to the count, by the ledger."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.served import at_once


def _open(client, fen=100_00):
    return client.post("/pos/api/shifts/open", {"opening_float_fen": fen})


def _cash(world, shop, till, fen):
    _, client = world.rich(shop, 0)
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    answer = till.post("/pos/api/top-ups", {"card_no": card_no, "amount_fen": fen})
    assert answer.status_code == 201, answer.text
    return answer.json()


def _close(client, fen, **more):
    return client.post("/pos/api/shifts/close", {"counted_fen": fen, **more})


def test_what_is_expected_is_the_float_and_the_cash_that_the_ledger_took(world, shop):
    _cash(world, shop, shop.cashier, 3_00)  # Before the shift: not its business.
    assert _open(shop.cashier).status_code == 201
    first = _cash(world, shop, shop.cashier, 20_00)
    _cash(world, shop, shop.cashier, 5_00)
    _cash(world, shop, shop.manager, 7_00)  # Another drawer.
    shift = shop.cashier.get("/pos/api/shifts/current").json()["shift"]
    assert (shift["report"], shift["expected_fen"]) == ("X", 125_00)
    assert [(one["kind"], one["count"], one["amount_fen"]) for one in shift["cash"]] == [
        ("top_up_cash", 2, 25_00)
    ]
    assert world.one("SELECT shift_id FROM top_up WHERE top_up_no = :no", no=first["top_up_no"])
    refused = _close(shop.cashier, 124_00)
    assert (refused.status_code, refused.json()["code"]) == (422, "difference_reason_required")
    assert (refused.json()["expected_fen"], refused.json()["difference_fen"]) == (125_00, -1_00)
    closed = _close(shop.cashier, 124_00, reason="找错零")
    assert closed.status_code == 201, closed.text
    told = closed.json()
    assert (told["report"], told["status"], told["difference_fen"]) == ("Z", "closed", -1_00)
    assert told["difference_reason"] == "找错零"
    assert shop.cashier.get("/pos/api/shifts/current").json()["shift"] is None
    again = shop.cashier.get(f"/pos/api/shifts/{told['id']}").json()
    assert again["expected_fen"] == 125_00


def test_a_reversal_takes_its_cash_out_of_the_drawer_that_pays_it_back(world, shop):
    top_up = _cash(world, shop, shop.cashier, 20_00)
    _open(shop.manager, 50_00)
    path = f"/pos/api/top-ups/{top_up['top_up_no']}/reverse"
    assert shop.manager.post(path, {"reason": "输错"}).status_code == 201
    shift = shop.manager.get("/pos/api/shifts/current").json()["shift"]
    assert shift["expected_fen"] == 30_00
    assert shift["cash"] == [
        {"kind": "top_up_cash_reversed", "tender": "cash", "count": 1, "amount_fen": -20_00}
    ]


def test_the_report_tells_the_other_tenders_too(world, shop):
    _open(shop.cashier)
    _, client = world.rich(shop, 100_00)
    code = client.post("/api/v1/me/payment-code", key="").json()["code"]
    shop.cashier.post("/pos/api/payments", {"payment_code": code, "amount_fen": 11_00})
    client.post("/api/v1/payments", {"pay_point": shop.pay_point.token, "amount_fen": 4_00})
    [paper] = world.make.vouchers(
        world.make.batch(issuer=shop.merchant, quantity=1, face_value_fen=50_00)
    )
    shop.cashier.post("/pos/api/redemptions", {"code": paper})
    shift = shop.cashier.get("/pos/api/shifts/current").json()["shift"]
    assert [(one["kind"], one["tender"], one["amount_fen"]) for one in shift["other"]] == [
        ("payment", "card", 11_00),
        ("redemption", "paper", 50_00),
    ]
    assert [(one["tender"], one["amount_fen"]) for one in shift["scanned"]] == [("card", 4_00)]
    assert shift["expected_fen"] == 100_00


def test_one_drawer_has_one_open_shift_however_many_ask_at_once(world, shop):
    answers = at_once([lambda: _open(shop.cashier) for _ in range(6)])
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 5}
    assert _open(shop.manager).status_code == 201, "another person's drawer is another one"


def test_a_key_gives_the_first_answer_again(shop):
    body = {"opening_float_fen": 1_00}
    first = shop.cashier.post("/pos/api/shifts/open", body, key="open-1")
    assert shop.cashier.post("/pos/api/shifts/open", body, key="open-1").json() == first.json()


def test_cash_taken_while_a_shift_is_closed_is_in_it_or_after_it(world, shop):
    """Whatever the order: the counted shift holds exactly what its report says."""
    _open(shop.cashier, 0)
    _, client = world.rich(shop, 0)
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    body = {"card_no": card_no, "amount_fen": 1_00}
    calls = [lambda: shop.cashier.post("/pos/api/top-ups", body) for _ in range(12)]
    calls.insert(6, lambda: _close(shop.cashier, 0, reason="抽查"))
    answers = at_once(calls)
    assert Counter(answer.status_code for answer in answers) == {201: 13}
    [closed] = [a.json() for a in answers if "counted_fen" in a.json()]
    [noted] = world.rows(
        "SELECT count(*), coalesce(sum(p.amount_fen), 0) FROM shift_entry e"
        " JOIN posting p ON p.entry_id = e.entry_id AND p.account = 'cash:store'"
        " WHERE e.shift_id = :id",
        id=int(closed["id"]),
    )
    assert noted == (closed["expected_fen"] // 1_00, closed["expected_fen"])
    linked = world.one("SELECT count(*) FROM top_up WHERE shift_id = :id", id=int(closed["id"]))
    assert linked == noted[0]


def test_a_store_may_ask_for_a_shift_before_any_cash(world, shop):
    world.by_superuser("UPDATE store SET shift_required = true WHERE id = %s", shop.store.id)
    _, client = world.rich(shop, 0)
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    body = {"card_no": card_no, "amount_fen": 1_00}
    refused = shop.cashier.post("/pos/api/top-ups", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "shift_required")
    _open(shop.cashier)
    assert shop.cashier.post("/pos/api/top-ups", body).status_code == 201


def test_a_drawer_is_handed_over_with_what_was_counted(world, shop):
    _open(shop.cashier, 10_00)
    _cash(world, shop, shop.cashier, 5_00)
    successor = {"username": shop.staff[1].name, "password": "correct-horse-2026"}
    body = {"counted_fen": 15_00, "successor": {**successor, "password": "wrong-horse-2026"}}
    assert shop.cashier.post("/pos/api/shifts/hand-over", body).status_code == 401
    body["successor"] = successor
    told = shop.cashier.post("/pos/api/shifts/hand-over", body)
    assert told.status_code == 201, told.text
    assert told.json()["closed"]["difference_fen"] == 0
    assert told.json()["opened"]["opening_float_fen"] == 15_00
    mine = shop.manager.get("/pos/api/shifts/current").json()["shift"]
    assert mine["id"] == told.json()["opened"]["id"]


def test_another_stores_shift_is_not_there(world, shop):
    opened = _open(shop.cashier).json()
    stranger = world.shop()
    assert stranger.manager.get(f"/pos/api/shifts/{opened['id']}").status_code == 409
    body = {"counted_fen": 100_00, "shift_id": opened["id"]}
    assert stranger.manager.post("/pos/api/shifts/close", body).status_code == 409
    assert _close(shop.manager, 100_00, shift_id=opened["id"]).status_code == 201


@pytest.mark.parametrize("fen", [-1, 1.5, "100", None, True, 10**12])
def test_a_float_is_a_whole_number_of_fen(shop, fen):
    assert _open(shop.cashier, fen).status_code == 422
