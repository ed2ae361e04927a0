"""Afterwards at the till: today's list, receipts, and a manager's word at a cashier's screen."""

from __future__ import annotations

from collections import Counter

from app.core.actor import Role
from tests.factories import PASSWORD
from tests.served import at_once


def _day_at(world, shop):
    """A payment, a redemption, a cash top-up and a refund, in this order."""
    _, client = world.rich(shop, 100_00)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 12_00}
    paid = client.post("/api/v1/payments", body).json()["payment_no"]
    [code] = world.make.vouchers(world.make.batch(issuer=shop.merchant, quantity=1))
    redeemed = shop.cashier.post("/pos/api/redemptions", {"code": code}).json()
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    cash = shop.cashier.post("/pos/api/top-ups", {"card_no": card_no, "amount_fen": 5_00}).json()
    path = f"/pos/api/payments/{paid}/refunds"
    refund = shop.cashier.post(path, {"amount_fen": 2_00, "reason": "退货"}).json()
    numbers = [paid, redeemed["redemption_no"], cash["top_up_no"], refund["refund_no"]]
    return numbers, redeemed["serial_no"]


def _listed(client, **query):
    answer = client.get("/pos/api/records", **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _numbers(told):
    return [item["number"] for item in told["items"]]


def test_todays_list_is_whole_by_pages_and_by_filters(world, shop):
    numbers, serial_no = _day_at(world, shop)
    assert _numbers(_listed(shop.cashier)) == numbers[::-1]
    paged, cursor = [], None
    for _ in range(4):
        told = _listed(shop.cashier, limit=1, **({"cursor": cursor} if cursor else {}))
        paged, cursor = paged + _numbers(told), told["next_cursor"]
    assert (paged, cursor) == (numbers[::-1], None)
    assert _numbers(_listed(shop.cashier, kind="redemption")) == [numbers[1]]
    assert _numbers(_listed(shop.cashier, status="partly_refunded")) == [numbers[0]]
    assert numbers[2] in _numbers(_listed(shop.cashier, q=numbers[2][-4:]))
    assert _numbers(_listed(shop.cashier, q=numbers[2].lower())) == [numbers[2]]
    assert _numbers(_listed(shop.cashier, q=serial_no)) == [numbers[1]]
    assert _numbers(_listed(shop.cashier, day="2026-01-01")) == []
    assert shop.cashier.get("/pos/api/records", q="%%%%").status_code == 422


def test_a_receipt_tells_what_it_was_and_where(world, shop):
    numbers, _ = _day_at(world, shop)
    told = shop.cashier.get(f"/pos/api/receipts/{numbers[0]}").json()
    assert (told["amount_fen"], told["card_fen"], told["refunded_fen"]) == (12_00, 12_00, 2_00)
    assert told["store"]["name"] == shop.store.name
    assert told["member_name"] == "小李"
    assert shop.cashier.get(f"/pos/api/receipts/{numbers[2]}").json()["cash_fen"] == 5_00


def test_another_stores_records_and_receipts_are_not_there(world, shop):
    numbers, _ = _day_at(world, shop)
    stranger = world.shop()
    assert _listed(stranger.manager)["items"] == []
    for number in numbers:
        assert stranger.manager.get(f"/pos/api/receipts/{number}").status_code == 404
        assert _listed(stranger.manager, q=number)["items"] == []


def _asked(shop, action, number):
    body = {"action": action, "number": number, "reason": "输错了"}
    answer = shop.cashier.post("/pos/api/approvals", body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def _approver(staff, password=PASSWORD):
    return {"approver": {"username": staff.name, "password": password}}


def test_a_manager_approves_at_the_cashiers_till_and_both_are_kept(world, shop):
    numbers, _ = _day_at(world, shop)
    cashier, manager = shop.staff
    asked = _asked(shop, "reverse_redemption", numbers[1])
    path = f"/pos/api/approvals/{asked}/approve"
    assert shop.cashier.post(path, _approver(manager, "not-the-password")).status_code == 401
    assert shop.cashier.post(path, _approver(cashier)).status_code == 403
    other_manager = world.make.staff(Role.store_manager, world.make.store())
    assert shop.cashier.post(path, _approver(other_manager)).status_code == 401
    done = shop.cashier.post(path, _approver(manager))
    assert (done.status_code, done.json()["status"]) == (201, "approved")
    kept = world.rows(
        "SELECT a.asked_by_id, a.approved_by_id, r.reversed_by_id FROM approval a"
        " JOIN redemption r ON r.redemption_no = a.number WHERE a.id = :id",
        id=int(asked),
    )
    assert kept == [(cashier.id, manager.id, manager.id)]
    assert shop.cashier.post(path, _approver(manager)).json()["code"] == "approval_decided"
    world.require_sound_books()


def test_what_cannot_be_done_stays_undecided(world, shop):
    asked = _asked(shop, "reverse_top_up", "T0000000000000000")
    path = f"/pos/api/approvals/{asked}/approve"
    assert shop.cashier.post(path, _approver(shop.staff[1])).status_code == 404
    assert world.one("SELECT status FROM approval WHERE id = :id", id=int(asked)) == "asked"
    assert shop.cashier.post(f"/pos/api/approvals/{asked}/withdraw").status_code == 201


def test_the_cash_of_an_approved_reversal_leaves_the_cashiers_drawer(world, shop):
    shop.cashier.post("/pos/api/shifts/open", {"opening_float_fen": 0})
    numbers, _ = _day_at(world, shop)
    asked = _asked(shop, "reverse_top_up", numbers[2])
    path = f"/pos/api/approvals/{asked}/approve"
    answers = at_once([lambda: shop.cashier.post(path, _approver(shop.staff[1]))] * 3)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 2}
    shift = shop.cashier.get("/pos/api/shifts/current").json()["shift"]
    assert shift["expected_fen"] == 0
    assert [line["amount_fen"] for line in shift["cash"]] == [5_00, -5_00]


def test_another_stores_request_is_not_there(world, shop):
    numbers, _ = _day_at(world, shop)
    asked = _asked(shop, "reverse_redemption", numbers[1])
    stranger = world.shop()
    for verb in ("approve", "withdraw"):
        path = f"/pos/api/approvals/{asked}/{verb}"
        answer = stranger.manager.post(path, _approver(stranger.staff[1]))
        assert answer.status_code == 404, verb
