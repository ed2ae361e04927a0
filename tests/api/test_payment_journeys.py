"""A member pays: from the card, by WeChat, by both; and it is closed, lost, late or refunded."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from tests.api.journeys import begin_combined, is_now, pay, payment_of, refund_states, story
from tests.served import TIER_BONUS_FEN, TIER_FEN, Served, Shop


@pytest.fixture(autouse=True)
def _sound_books(world: Served):
    yield
    world.require_sound_books()


def test_scan_and_pay_from_the_card(world, shop):
    _, client = world.rich(shop, 100_00)
    seen = client.get(f"/api/v1/pay-points/{shop.pay_point.token}").json()
    assert seen["store"]["id"] == str(shop.store.id)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 28_50}
    quote = client.post("/api/v1/payments/quote", body, key="").json()
    assert (quote["card_fen"], quote["wechat_fen"]) == (28_50, 0)
    assert [line["amount_fen"] for line in quote["lines"]] == [28_50]
    payment = pay(client, shop, 28_50, status="paid")
    assert payment["wechat_pay"] is None
    assert world.booked(payment_id=int(payment["id"])) == {
        "card": 28_50, "payable:merchant": -28_33, "income:commission": -17,
    }  # fmt: skip
    assert world.balance(client) == 71_50
    assert payment_of(client, payment)["paid_at"] == payment["paid_at"]
    assert shop.cashier.get(f"/pos/api/payments/{payment['payment_no']}").json()["status"] == "paid"
    assert story(client) == [("top_up", 100_00), ("payment", -28_50)]


def test_the_first_answer_says_what_a_later_look_says(world, shop):
    """One is written by PostgreSQL, the other here; each sheet is signed for itself."""
    _, client = world.rich(shop, 10_00)
    for fen in (3_00, 9_00):
        body = {"pay_point": shop.pay_point.token, "amount_fen": fen}
        first = client.post("/api/v1/payments", body).json()
        later = payment_of(client, first)
        sheets = [told.pop("wechat_pay") or {} for told in (first, later)]
        assert first == later
        assert [set(sheet) for sheet in sheets] == [set(sheets[0])] * 2
        assert sheets[0].get("package") == sheets[1].get("package")


def test_bonus_that_is_spent_is_charged_to_its_bearer(world, shop):
    _, client = world.rich(shop, 10_00)
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    shop.cashier.post("/pos/api/top-ups", {"card_no": card_no, "amount_fen": TIER_FEN})
    amount = 10_00 + TIER_FEN + TIER_BONUS_FEN
    payment = pay(client, shop, amount, status="paid")
    commission = (amount * 60 + 5000) // 10000
    assert world.booked(payment_id=int(payment["id"])) == {
        "card": amount,
        "payable:merchant": commission - amount + TIER_BONUS_FEN,
        "income:commission": -commission,
        "bonus-borne:merchant": -TIER_BONUS_FEN,
    }
    assert world.balance(client) == 0


def test_a_cashier_charges_the_code_on_the_phone_once(world, shop):
    _, client = world.rich(shop, 50_00)
    code = client.post("/api/v1/me/payment-code", key="").json()["code"]
    body = {"payment_code": f"{code[:4]} {code[4:]}", "amount_fen": 20_00}
    paid = shop.cashier.post("/pos/api/payments", body)
    assert (paid.status_code, paid.json()["status"]) == (201, "paid")
    assert world.balance(client) == 30_00
    again = shop.cashier.post("/pos/api/payments", body)
    assert (again.status_code, again.json()["code"]) == (422, "payment_code_invalid")
    assert world.balance(client) == 30_00


def test_what_a_cashier_charges_beyond_the_card_the_member_pays_on_the_phone(world, shop):
    _, client = world.rich(shop, 5_00)
    code = client.post("/api/v1/me/payment-code", key="").json()["code"]
    begun = shop.cashier.post("/pos/api/payments", {"payment_code": code, "amount_fen": 20_00})
    assert (begun.status_code, begun.json()["status"]) == (201, "pending")
    assert not begun.json().get("wechat_pay")
    [pending] = client.get("/api/v1/me/payments", status="pending").json()["items"]
    assert (pending["card_fen"], pending["wechat_fen"]) == (5_00, 15_00)
    world.confirm_in_wechat(pending)
    no = pending["payment_no"]
    world.jobs.run_until(
        lambda: shop.cashier.get(f"/pos/api/payments/{no}").json()["status"] == "paid"
    )
    assert client.get("/api/v1/me/payments", status="pending").json()["items"] == []


def test_a_combined_payment_is_captured_when_wechat_confirms(world, shop):
    _, client, payment = begin_combined(world, shop, 30_00, 100_00)
    held = {"card": 30_00, "held": -30_00}
    assert world.booked(payment_id=int(payment["id"])) == held
    world.confirm_in_wechat(payment)
    world.jobs.run_until(lambda: is_now(client, payment, "paid"))
    assert world.booked(payment_id=int(payment["id"])) == {
        "card": 30_00,
        "bank:wechat": 70_00,
        "payable:merchant": -99_40,
        "income:commission": -60,
    }
    assert story(client) == [("top_up", 30_00), ("payment", -30_00)]
    assert payment_of(client, payment)["wechat_pay"] is None


def test_a_payment_without_any_card_is_all_wechats(world, shop):
    client = world.sign_in_member()
    payment = pay(client, shop, 9_99, status="pending")
    assert (payment["card_fen"], payment["wechat_fen"]) == (0, 9_99)
    world.confirm_in_wechat(payment)
    world.jobs.run_until(lambda: is_now(client, payment, "paid"))
    assert world.booked(payment_id=int(payment["id"])) == {
        "bank:wechat": 9_99, "payable:merchant": -9_93, "income:commission": -6,
    }  # fmt: skip


def test_closing_releases_the_held_part_at_once(world, shop):
    _, client, payment = begin_combined(world, shop, 30_00, 100_00)
    closed = client.post(f"/api/v1/payments/{payment['id']}/close", key="")
    assert (closed.status_code, closed.json()["status"]) == (200, "closed")
    assert world.balance(client) == 30_00
    assert world.booked(payment_id=int(payment["id"])) == {}
    again = client.post(f"/api/v1/payments/{payment['id']}/close", key="")
    assert (again.status_code, again.json()["status"]) == (200, "closed")
    assert story(client) == [("top_up", 30_00), ("payment", -30_00), ("payment_closed", 30_00)]
    too_late = world.wechat.post("/_user/pay", prepay_id=payment["wechat_pay"]["package"])
    assert too_late.status_code == 409


def test_closing_that_finds_it_paid_captures_it(world, shop):
    _, client, payment = begin_combined(world, shop, 30_00, 100_00)
    world.wish("lost", order_no=payment["payment_no"])
    world.confirm_in_wechat(payment)
    closed = client.post(f"/api/v1/payments/{payment['id']}/close", key="")
    assert (closed.status_code, closed.json()["status"]) == (200, "paid")
    assert world.booked(payment_id=int(payment["id"]))["bank:wechat"] == 70_00


def test_a_close_that_wechat_does_not_answer_is_finished_by_the_job(world, shop):
    _, client, payment = begin_combined(world, shop, 30_00, 100_00)
    world.wish("close_error", order_no=payment["payment_no"], times=1)
    closed = client.post(f"/api/v1/payments/{payment['id']}/close", key="")
    assert (closed.status_code, closed.json()["status"]) == (200, "closing")
    assert world.balance(client) == 0
    world.age("payment", payment["id"], 25)
    world.jobs.run_task("settle_orders")
    assert is_now(client, payment, "closed")
    assert world.balance(client) == 30_00


def test_a_refused_prepay_gives_the_held_part_back_at_once(world, shop):
    member, client = world.rich(shop, 30_00)
    # WeChat knows no such payer: the member has no identity in our mini-program.
    world.by_superuser("UPDATE member_identity SET openid = '' WHERE member_id = %s", member.id)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 40_00}
    key = uuid.uuid4().hex
    answer = client.post("/api/v1/payments", body, key=key)
    assert (answer.status_code, answer.json()["code"]) == (502, "wechat_refused")
    assert world.balance(client) == 30_00
    assert story(client)[-1] == ("payment_closed", 30_00)
    _requires_to_stay_closed(client, body, key)


def test_a_failed_prepay_may_be_tried_again_under_the_same_key(world, shop):
    _, client = world.rich(shop, 30_00)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 40_00}
    key = uuid.uuid4().hex
    world.wish("prepay_error", times=1)
    failed = client.post("/api/v1/payments", body, key=key)
    assert (failed.status_code, failed.json()["code"]) == (503, "wechat_unavailable")
    again = client.post("/api/v1/payments", body, key=key)
    assert (again.status_code, again.json()["status"]) == (201, "pending")
    third = client.post("/api/v1/payments", body, key=key)
    assert third.content == again.content
    held = "SELECT count(*) FROM payment WHERE member_id = :id"
    assert world.one(held, id=int(client.get("/api/v1/me").json()["id"])) == 1
    world.confirm_in_wechat(again.json())
    world.jobs.run_until(lambda: is_now(client, again.json(), "paid"))


def test_a_failed_prepay_that_nobody_tries_again_gives_the_held_part_back(world, shop):
    _, client = world.rich(shop, 30_00)
    world.wish("prepay_error", times=1)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 40_00}
    key = uuid.uuid4().hex
    assert client.post("/api/v1/payments", body, key=key).status_code == 503
    [payment] = client.get("/api/v1/me/payments").json()["items"]
    assert (payment["status"], payment["wechat_pay"]) == ("pending", None)
    world.age("payment", payment["id"], 45)
    world.jobs.run_task("settle_orders")
    assert is_now(client, payment, "closed")
    assert world.balance(client) == 30_00
    _requires_to_stay_closed(client, body, key)


def test_a_hanging_wechat_is_not_waited_for_and_the_order_is_found_again(world, shop):
    _, client = world.rich(shop, 30_00)
    world.wish("prepay_hang", times=1, delay_seconds=20)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 40_00}
    key = uuid.uuid4().hex
    with world.impatient():
        hung = client.post("/api/v1/payments", body, key=key)
    assert (hung.status_code, hung.json()["code"]) == (503, "wechat_unavailable")
    assert hung.elapsed < timedelta(seconds=20)
    # WeChat had made the order: the same number with the same parameters is the same order.
    again = client.post("/api/v1/payments", body, key=key)
    assert (again.status_code, again.json()["status"]) == (201, "pending")
    world.confirm_in_wechat(again.json())
    world.jobs.run_until(lambda: is_now(client, again.json(), "paid"))


def test_paid_after_closing_goes_back_and_the_card_part_stays_released(world, shop):
    _, client, payment = begin_combined(world, shop, 30_00, 100_00)
    world.wish("pay_after_close", order_no=payment["payment_no"])
    client.post(f"/api/v1/payments/{payment['id']}/close", key="")
    world.confirm_in_wechat(payment)
    world.jobs.run_until(lambda: refund_states(world, "payment_id", payment) == ["succeeded"])
    assert is_now(client, payment, "closed")
    assert world.balance(client) == 30_00
    assert world.booked(payment_id=int(payment["id"])) == {}
    through = world.one(
        "SELECT sum(abs(amount_fen))::bigint FROM posting"
        " WHERE payment_id = :id AND account = 'unapplied:wechat'",
        id=int(payment["id"]),
    )
    assert through == 2 * 70_00
    assert world.wechat.state(payment["payment_no"])["refunds"][0]["refund_fen"] == 70_00
    [back] = client.get("/api/v1/me/refunds").json()["items"]
    assert back["reason"] == "关闭之后才付款成功，已原路退回"


def test_a_lost_notification_is_made_up_for_by_the_job(world, shop):
    _, client, payment = begin_combined(world, shop, 30_00, 100_00)
    world.wish("lost", order_no=payment["payment_no"])
    world.confirm_in_wechat(payment)
    world.jobs.run()
    assert is_now(client, payment, "pending")
    world.age("payment", payment["id"], 25)
    world.jobs.run_task("settle_orders")
    assert is_now(client, payment, "paid")


def test_a_payment_that_ran_out_of_time_is_closed_at_wechat_first(world, shop):
    _, client, payment = begin_combined(world, shop, 30_00, 100_00)
    world.age("payment", payment["id"], 16 * 60)
    world.jobs.run_task("settle_orders")
    assert is_now(client, payment, "closed")
    assert world.wechat.state(payment["payment_no"])["order"]["state"] == "CLOSED"
    assert world.balance(client) == 30_00


def _refund(shop: Shop, payment: dict, amount_fen: int) -> dict:
    address = f"/pos/api/payments/{payment['payment_no']}/refunds"
    answer = shop.manager.post(address, {"amount_fen": amount_fen, "reason": "退货"})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_whole_refund_undoes_a_card_payment(world, shop):
    _, client = world.rich(shop, 100_00)
    payment = pay(client, shop, 33_33, status="paid")
    refund = _refund(shop, payment, 33_33)
    assert (refund["status"], refund["card_fen"], refund["wechat_fen"]) == ("succeeded", 33_33, 0)
    assert payment_of(client, payment)["status"] == "refunded"
    assert world.booked(payment_id=int(payment["id"])) == {}
    assert world.balance(client) == 100_00
    assert [kind for kind, _ in story(client)] == ["top_up", "payment", "refund"]


def test_partial_refunds_are_split_over_both_tenders_and_the_last_takes_the_remainders(world, shop):
    _, client, payment = begin_combined(world, shop, 33_33, 100_00)
    world.confirm_in_wechat(payment)
    world.jobs.run_until(lambda: is_now(client, payment, "paid"))
    parts = [_refund(shop, payment, fen) for fen in (10_01, 50_00, 39_99)]
    assert all(p["card_fen"] + p["wechat_fen"] == p["amount_fen"] for p in parts)
    assert [p["card_fen"] for p in parts] == [3_33, 16_66, 13_34]
    assert sum(p["card_fen"] for p in parts) == 33_33
    assert world.balance(client) == 33_33
    states = ["succeeded"] * 3
    world.jobs.run_until(lambda: refund_states(world, "payment_id", payment) == states)
    assert is_now(client, payment, "refunded")
    assert world.booked(payment_id=int(payment["id"])) == {}
    address = f"/pos/api/payments/{payment['payment_no']}/refunds"
    more = shop.manager.post(address, {"amount_fen": 1, "reason": "退货"})
    assert (more.status_code, more.json()["code"]) == (409, "refund_exceeds_payment")
    assert more.json()["refundable_fen"] == 0


def test_a_pending_payment_has_nothing_to_refund(world, shop):
    _, _, payment = begin_combined(world, shop, 1_00, 2_00)
    address = f"/pos/api/payments/{payment['payment_no']}/refunds"
    refused = shop.manager.post(address, {"amount_fen": 1, "reason": "退货"})
    assert (refused.status_code, refused.json()["code"]) == (409, "payment_not_paid")


def _requires_to_stay_closed(client, body: dict, key: str) -> None:
    """The same key, sent again and again at once: closed, never as if it were still under way."""
    for _ in range(3):
        over = client.post("/api/v1/payments", body, key=key)
        assert (over.status_code, over.json()["code"]) == (409, "payment_closed")
