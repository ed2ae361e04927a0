"""What a member and a counter do, from the first call to the books, over HTTP."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from app.core import codes
from app.models.cards import Bearer
from app.models.vouchers import BatchKind
from tests.factories import PASSWORD
from tests.served import TIER_BONUS_FEN, TIER_FEN, Client, Served, Shop


@pytest.fixture(autouse=True)
def _sound_books(world: Served):
    yield
    world.require_sound_books()


def _story(client: Client, *, page: int = 3) -> list[tuple[str, int]]:
    """All activities, oldest first, read page by page; each balance must follow from the last."""
    items, cursor = [], None
    while True:
        query = {"limit": page} | ({"cursor": cursor} if cursor else {})
        told = client.get("/api/v1/me/activities", **query).json()
        items += told["items"]
        cursor = told["next_cursor"]
        if cursor is None:
            break
        assert len(told["items"]) == page
    assert len({item["id"] for item in items}) == len(items)
    balance = 0
    for item in reversed(items):
        balance += item["amount_fen"]
        assert item["balance_after_fen"] == balance, items
        assert item["title"]
        assert item["reference"]
    if items:
        cards = client.get("/api/v1/me/cards").json()["items"]
        assert balance == sum(card["balance_fen"] for card in cards)
    return [(item["type"], item["amount_fen"]) for item in reversed(items)]


def _pay(client: Client, shop: Shop, amount_fen: int, *, status: str) -> dict:
    body = {"pay_point": shop.pay_point.token, "amount_fen": amount_fen}
    answer = client.post("/api/v1/payments", body)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["status"] == status
    assert told["card_fen"] + told["wechat_fen"] == told["amount_fen"] == amount_fen
    return told


def _payment(client: Client, payment: dict) -> dict:
    answer = client.get(f"/api/v1/payments/{payment['id']}")
    assert answer.status_code == 200
    return answer.json()


def _is(client: Client, payment: dict, status: str) -> bool:
    return _payment(client, payment)["status"] == status


def _combined(world: Served, shop: Shop, card_fen: int, amount_fen: int):
    member, client = world.rich(shop, card_fen)
    payment = _pay(client, shop, amount_fen, status="pending")
    assert (payment["card_fen"], payment["wechat_fen"]) == (card_fen, amount_fen - card_fen)
    assert set(payment["wechat_pay"]) == {
        "timeStamp", "nonceStr", "package", "signType", "paySign",
    }  # fmt: skip
    assert world.balance(client) == 0
    return member, client, payment


# Signing in ---------------------------------------------------------------------------------------


def test_signing_in_twice_is_the_same_member(world):
    name = uuid.uuid4().hex
    first, second = (world.sign_in_member(name) for _ in range(2))
    assert first.get("/api/v1/me").json() == second.get("/api/v1/me").json()
    assert first.token != second.token


def test_a_session_ends_when_the_member_says_so(world):
    client = world.sign_in_member()
    assert client.send("DELETE", "/api/v1/sessions/current").status_code == 204
    assert client.get("/api/v1/me").status_code == 401


def test_a_bound_phone_is_shown_masked_and_is_nobody_elses(world):
    phone = world.phone()
    client = world.sign_in_member()
    answer = client.post("/api/v1/me/phone", {"code": f"phone-{phone}"}, key="")
    assert answer.status_code == 200
    assert answer.json()["phone_masked"] == f"{phone[:3]}****{phone[-4:]}"
    other = world.sign_in_member().post("/api/v1/me/phone", {"code": f"phone-{phone}"}, key="")
    assert (other.status_code, other.json()["code"]) == (409, "phone_already_bound")


def test_a_member_changes_the_profile(world):
    client = world.sign_in_member()
    changed = client.send("PATCH", "/api/v1/me", json={"nickname": "小王"})
    assert changed.status_code == 200
    assert client.get("/api/v1/me").json()["nickname"] == "小王"


def test_staff_signs_in_and_sees_the_counter(world, shop):
    staff = shop.staff[0]
    client = world.sign_in_staff(world.make.username(staff), PASSWORD)
    me = client.get("/pos/api/me").json()
    assert me["merchant"] == {"code": shop.merchant.code, "name": shop.merchant.name}
    assert me["store"] == {"id": str(shop.store.id), "name": shop.store.name}
    assert me["role"] == "cashier"
    assert me["pay_point"]["url"].endswith(f"/q/{me['pay_point']['token']}")


# Top-ups ------------------------------------------------------------------------------------------


def _begin_top_up(client: Client, shop: Shop, amount_fen: int, **more: object) -> dict:
    body = {"amount_fen": amount_fen, "program_id": str(shop.program.id), **more}
    answer = client.post("/api/v1/top-ups", body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "pending"
    return answer.json()


def _top_up_is(client: Client, top_up: dict, status: str) -> bool:
    return client.get(f"/api/v1/top-ups/{top_up['id']}").json()["status"] == status


def test_a_wechat_top_up_of_300_yuan_gives_60_more(world, shop):
    client = world.sign_in_member()
    top_up = _begin_top_up(client, shop, TIER_FEN)
    assert top_up["bonus_fen"] == TIER_BONUS_FEN
    assert world.balance(client) == 0
    world.confirm_in_wechat(top_up)
    world.jobs.run_until(lambda: _top_up_is(client, top_up, "credited"))
    [card] = client.get("/api/v1/me/cards").json()["items"]
    assert (card["principal_fen"], card["bonus_fen"]) == (TIER_FEN, TIER_BONUS_FEN)
    assert card["balance_fen"] == TIER_FEN + TIER_BONUS_FEN
    assert world.booked(top_up_id=int(top_up["id"])) == {
        "bank:wechat": TIER_FEN,
        "bonus-borne:merchant": TIER_BONUS_FEN,
        "card": -TIER_FEN - TIER_BONUS_FEN,
    }
    assert _story(client) == [("top_up", TIER_FEN + TIER_BONUS_FEN)]


def test_a_fen_below_the_tier_gives_no_bonus(world, shop):
    client = world.sign_in_member()
    assert _begin_top_up(client, shop, TIER_FEN - 1)["bonus_fen"] == 0


def test_a_top_up_for_an_unbound_phone_arrives_when_it_is_bound(world, shop):
    phone, payer = world.phone(), world.sign_in_member()
    top_up = _begin_top_up(payer, shop, 88_00, phone=phone)
    world.confirm_in_wechat(top_up)
    world.jobs.run_until(lambda: _top_up_is(payer, top_up, "paid"))
    booked = {"bank:wechat": 88_00, "pending:top-up": -88_00}
    assert world.booked(top_up_id=int(top_up["id"])) == booked
    assert world.balance(payer) == 0
    receiver = world.sign_in_member()
    receiver.post("/api/v1/me/phone", {"code": f"phone-{phone}"}, key="")
    assert world.balance(receiver) == 88_00
    assert world.booked(top_up_id=int(top_up["id"])) == {"bank:wechat": 88_00, "card": -88_00}
    assert _story(receiver) == [("top_up", 88_00)]
    assert _story(payer) == []


def test_a_top_up_for_a_bound_phone_goes_to_that_member(world, shop):
    phone = world.phone()
    receiver = world.as_member(world.make.member(phone=phone))
    payer = world.sign_in_member()
    top_up = _begin_top_up(payer, shop, 10_00, phone=phone)
    world.confirm_in_wechat(top_up)
    world.jobs.run_until(lambda: _top_up_is(payer, top_up, "credited"))
    assert (world.balance(payer), world.balance(receiver)) == (0, 10_00)


def test_a_top_up_paid_after_we_closed_it_goes_back(world, shop):
    client = world.sign_in_member()
    top_up = _begin_top_up(client, shop, 20_00)
    world.wish("pay_after_close", order_no=top_up["top_up_no"])
    world.age("top_up", top_up["id"], 3600)
    world.jobs.run_task("settle_orders")
    assert _top_up_is(client, top_up, "closed")
    world.confirm_in_wechat(top_up)
    world.jobs.run_until(lambda: _refund_states(world, "top_up_id", top_up) == ["succeeded"])
    assert world.booked(top_up_id=int(top_up["id"])) == {}
    assert world.balance(client) == 0


def _refund_states(world: Served, column: str, subject: dict) -> list[str]:
    found = world.rows(
        f"SELECT status FROM refund WHERE {column} = :id ORDER BY id", id=int(subject["id"])
    )
    return [row[0] for row in found]


def test_a_lost_top_up_notification_is_made_up_for(world, shop):
    client = world.sign_in_member()
    world.wish("lost")
    top_up = _begin_top_up(client, shop, 15_00)
    world.confirm_in_wechat(top_up)
    world.age("top_up", top_up["id"], 25)
    world.jobs.run_task("settle_orders")
    assert _top_up_is(client, top_up, "credited")
    assert world.balance(client) == 15_00


@pytest.mark.parametrize("typed", [codes.grouped, str.lower, "  {}  ".format])
def test_a_printed_top_up_code_is_principal_as_far_as_it_was_sold(world, shop, typed):
    batch = world.make.batch(
        issuer=shop.merchant, kind=BatchKind.topup, program=shop.program, quantity=1,
        face_value_fen=100_00, sale_price_fen=80_00, bearer=Bearer.platform,
    )  # fmt: skip
    [code] = world.make.vouchers(batch)
    client = world.sign_in_member()
    answer = client.post("/api/v1/top-ups/redeem-code", {"code": typed(code)})
    assert answer.status_code == 201, answer.text
    assert answer.json()["credited_fen"] == 100_00
    assert answer.json()["card"]["balance_fen"] == 100_00
    [card] = client.get("/api/v1/me/cards").json()["items"]
    assert (card["principal_fen"], card["bonus_fen"]) == (80_00, 20_00)
    assert world.booked(top_up_id=int(answer.json()["id"])) == {"voucher": 100_00, "card": -100_00}
    assert _story(client) == [("top_up", 100_00)]
    again = client.post("/api/v1/top-ups/redeem-code", {"code": code})
    assert (again.status_code, again.json()["code"]) == (409, "voucher_already_redeemed")


def test_cash_by_phone_by_payment_code_and_by_card_number(world, shop):
    phone = world.phone()
    member = world.make.member(phone=phone)
    client = world.as_member(member)
    program = {"program_id": str(shop.program.id)}
    first = shop.cashier.post("/pos/api/top-ups", {"phone": phone, "amount_fen": 100_00, **program})
    assert first.status_code == 201, first.text
    told = first.json()
    assert told["status"] == "credited"
    assert told["member"]["phone_masked"] == f"{phone[:3]}****{phone[-4:]}"
    shown = client.post("/api/v1/me/payment-code", key="")
    assert shown.status_code == 201
    by_code = {"payment_code": shown.json()["code"], "amount_fen": 50_00, **program}
    assert shop.cashier.post("/pos/api/top-ups", by_code).status_code == 201
    again = shop.cashier.post("/pos/api/top-ups", by_code)
    assert (again.status_code, again.json()["code"]) == (422, "payment_code_invalid")
    by_card = {"card_no": told["card"]["card_no"], "amount_fen": TIER_FEN}
    third = shop.cashier.post("/pos/api/top-ups", by_card)
    assert third.json()["credited_fen"] == TIER_FEN + TIER_BONUS_FEN
    total = 150_00 + TIER_FEN + TIER_BONUS_FEN
    assert third.json()["card"]["balance_fen"] == world.balance(client) == total
    assert world.booked(top_up_id=int(told["id"])) == {"cash:store": 100_00, "card": -100_00}
    assert [kind for kind, _ in _story(client, page=2)] == ["top_up"] * 3


def test_a_manager_reverses_a_cash_top_up_while_it_is_whole(world, shop):
    _, client = world.rich(shop, 0)
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    body = {"card_no": card_no, "amount_fen": TIER_FEN}
    first, second = (shop.cashier.post("/pos/api/top-ups", body).json() for _ in range(2))
    reason = {"reason": "typed one zero too many"}
    undo = f"/pos/api/top-ups/{first['top_up_no']}/reverse"
    assert shop.cashier.post(undo, reason).status_code == 403
    done = shop.manager.post(undo, reason)
    assert (done.status_code, done.json()["status"]) == (201, "reversed")
    assert world.booked(top_up_id=int(first["id"])) == {}
    assert shop.manager.post(undo, reason).json()["code"] == "top_up_not_reversible"
    _pay(client, shop, 1, status="paid")
    spent = shop.manager.post(f"/pos/api/top-ups/{second['top_up_no']}/reverse", reason)
    assert (spent.status_code, spent.json()["code"]) == (409, "top_up_spent")
    whole = TIER_FEN + TIER_BONUS_FEN
    assert _story(client) == [
        ("top_up", whole), ("top_up", whole), ("top_up_reversed", -whole), ("payment", -1),
    ]  # fmt: skip


# Paying from the card -----------------------------------------------------------------------------


def test_scan_and_pay_from_the_card(world, shop):
    _, client = world.rich(shop, 100_00)
    seen = client.get(f"/api/v1/pay-points/{shop.pay_point.token}").json()
    assert seen["store"]["id"] == str(shop.store.id)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 28_50}
    quote = client.post("/api/v1/payments/quote", body, key="").json()
    assert (quote["card_fen"], quote["wechat_fen"]) == (28_50, 0)
    assert [line["amount_fen"] for line in quote["lines"]] == [28_50]
    payment = _pay(client, shop, 28_50, status="paid")
    assert payment["wechat_pay"] is None
    assert world.booked(payment_id=int(payment["id"])) == {
        "card": 28_50, "payable:merchant": -28_33, "income:commission": -17,
    }  # fmt: skip
    assert world.balance(client) == 71_50
    assert _payment(client, payment)["paid_at"] == payment["paid_at"]
    assert shop.cashier.get(f"/pos/api/payments/{payment['payment_no']}").json()["status"] == "paid"
    assert _story(client) == [("top_up", 100_00), ("payment", -28_50)]


def test_bonus_that_is_spent_is_charged_to_its_bearer(world, shop):
    _, client = world.rich(shop, 10_00)
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    shop.cashier.post("/pos/api/top-ups", {"card_no": card_no, "amount_fen": TIER_FEN})
    amount = 10_00 + TIER_FEN + TIER_BONUS_FEN
    payment = _pay(client, shop, amount, status="paid")
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


# Card and WeChat together -------------------------------------------------------------------------


def test_a_combined_payment_is_captured_when_wechat_confirms(world, shop):
    _, client, payment = _combined(world, shop, 30_00, 100_00)
    held = {"card": 30_00, "held": -30_00}
    assert world.booked(payment_id=int(payment["id"])) == held
    world.confirm_in_wechat(payment)
    world.jobs.run_until(lambda: _is(client, payment, "paid"))
    assert world.booked(payment_id=int(payment["id"])) == {
        "card": 30_00,
        "bank:wechat": 70_00,
        "payable:merchant": -99_40,
        "income:commission": -60,
    }
    assert _story(client) == [("top_up", 30_00), ("payment", -30_00)]
    assert _payment(client, payment)["wechat_pay"] is None


def test_a_payment_without_any_card_is_all_wechats(world, shop):
    client = world.sign_in_member()
    payment = _pay(client, shop, 9_99, status="pending")
    assert (payment["card_fen"], payment["wechat_fen"]) == (0, 9_99)
    world.confirm_in_wechat(payment)
    world.jobs.run_until(lambda: _is(client, payment, "paid"))
    assert world.booked(payment_id=int(payment["id"])) == {
        "bank:wechat": 9_99, "payable:merchant": -9_93, "income:commission": -6,
    }  # fmt: skip


def test_closing_releases_the_held_part_at_once(world, shop):
    _, client, payment = _combined(world, shop, 30_00, 100_00)
    closed = client.post(f"/api/v1/payments/{payment['id']}/close", key="")
    assert (closed.status_code, closed.json()["status"]) == (200, "closed")
    assert world.balance(client) == 30_00
    assert world.booked(payment_id=int(payment["id"])) == {}
    again = client.post(f"/api/v1/payments/{payment['id']}/close", key="")
    assert (again.status_code, again.json()["status"]) == (200, "closed")
    assert _story(client) == [("top_up", 30_00), ("payment", -30_00), ("payment_closed", 30_00)]
    too_late = world.wechat.post("/_user/pay", prepay_id=payment["wechat_pay"]["package"])
    assert too_late.status_code == 409


def test_closing_that_finds_it_paid_captures_it(world, shop):
    _, client, payment = _combined(world, shop, 30_00, 100_00)
    world.wish("lost", order_no=payment["payment_no"])
    world.confirm_in_wechat(payment)
    closed = client.post(f"/api/v1/payments/{payment['id']}/close", key="")
    assert (closed.status_code, closed.json()["status"]) == (200, "paid")
    assert world.booked(payment_id=int(payment["id"]))["bank:wechat"] == 70_00


def test_a_close_that_wechat_does_not_answer_is_finished_by_the_job(world, shop):
    _, client, payment = _combined(world, shop, 30_00, 100_00)
    world.wish("close_error", order_no=payment["payment_no"], times=1)
    closed = client.post(f"/api/v1/payments/{payment['id']}/close", key="")
    assert (closed.status_code, closed.json()["status"]) == (200, "closing")
    assert world.balance(client) == 0
    world.age("payment", payment["id"], 25)
    world.jobs.run_task("settle_orders")
    assert _is(client, payment, "closed")
    assert world.balance(client) == 30_00


def test_a_refused_prepay_gives_the_held_part_back_at_once(world, shop):
    member, client = world.rich(shop, 30_00)
    # WeChat knows no such payer: the member has no identity in our mini-program.
    world.by_superuser("UPDATE member_identity SET openid = '' WHERE member_id = %s", member.id)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 40_00}
    answer = client.post("/api/v1/payments", body)
    assert (answer.status_code, answer.json()["code"]) == (502, "wechat_refused")
    assert world.balance(client) == 30_00
    assert _story(client)[-1] == ("payment_closed", 30_00)


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
    world.jobs.run_until(lambda: _is(client, again.json(), "paid"))


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
    assert _is(client, payment, "closed")
    assert world.balance(client) == 30_00
    over = client.post("/api/v1/payments", body, key=key)
    assert (over.status_code, over.json()["code"]) == (409, "payment_closed")


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
    world.jobs.run_until(lambda: _is(client, again.json(), "paid"))


def test_paid_after_closing_goes_back_and_the_card_part_stays_released(world, shop):
    _, client, payment = _combined(world, shop, 30_00, 100_00)
    world.wish("pay_after_close", order_no=payment["payment_no"])
    client.post(f"/api/v1/payments/{payment['id']}/close", key="")
    world.confirm_in_wechat(payment)
    world.jobs.run_until(lambda: _refund_states(world, "payment_id", payment) == ["succeeded"])
    assert _is(client, payment, "closed")
    assert world.balance(client) == 30_00
    assert world.booked(payment_id=int(payment["id"])) == {}
    through = world.one(
        "SELECT sum(abs(amount_fen))::bigint FROM posting"
        " WHERE payment_id = :id AND account = 'unapplied:wechat'",
        id=int(payment["id"]),
    )
    assert through == 2 * 70_00
    assert world.wechat.state(payment["payment_no"])["refunds"][0]["refund_fen"] == 70_00


def test_a_lost_notification_is_made_up_for_by_the_job(world, shop):
    _, client, payment = _combined(world, shop, 30_00, 100_00)
    world.wish("lost", order_no=payment["payment_no"])
    world.confirm_in_wechat(payment)
    world.jobs.run()
    assert _is(client, payment, "pending")
    world.age("payment", payment["id"], 25)
    world.jobs.run_task("settle_orders")
    assert _is(client, payment, "paid")


def test_a_payment_that_ran_out_of_time_is_closed_at_wechat_first(world, shop):
    _, client, payment = _combined(world, shop, 30_00, 100_00)
    world.age("payment", payment["id"], 16 * 60)
    world.jobs.run_task("settle_orders")
    assert _is(client, payment, "closed")
    assert world.wechat.state(payment["payment_no"])["order"]["state"] == "CLOSED"
    assert world.balance(client) == 30_00


# Paper --------------------------------------------------------------------------------------------


def test_a_voucher_is_looked_up_redeemed_once_and_reversed(world, shop):
    batch = world.make.batch(issuer=shop.merchant, face_value_fen=50_00, quantity=1)
    [code] = world.make.vouchers(batch)
    seen = shop.cashier.post("/pos/api/vouchers/lookup", {"code": code}, key="").json()
    assert (seen["status"], seen["redeemable"], seen["redemption"]) == ("active", True, None)
    done = shop.cashier.post("/pos/api/redemptions", {"code": codes.grouped(code)})
    assert done.status_code == 201, done.text
    assert (done.json()["face_value_fen"], done.json()["serial_no"]) == (50_00, seen["serial_no"])
    payable = "SELECT sum(amount_fen)::bigint FROM posting WHERE account = :a AND store_id = :s"
    assert world.one(payable, a="payable:merchant", s=shop.store.id) == -49_70
    again = shop.cashier.post("/pos/api/redemptions", {"code": code})
    assert (again.status_code, again.json()["code"]) == (409, "voucher_already_redeemed")
    assert again.json()["redeemed_at"] == done.json()["redeemed_at"]
    assert again.json()["store"] == shop.store.name
    no = done.json()["redemption_no"]
    reason = {"reason": "wrong customer"}
    assert shop.cashier.post(f"/pos/api/redemptions/{no}/reverse", reason).status_code == 403
    undone = shop.manager.post(f"/pos/api/redemptions/{no}/reverse", reason)
    assert (undone.status_code, undone.json()["status"]) == (201, "reversed")
    assert world.one(payable, a="payable:merchant", s=shop.store.id) == 0
    twice = shop.manager.post(f"/pos/api/redemptions/{no}/reverse", reason)
    assert twice.json()["code"] == "redemption_not_reversible"
    assert shop.cashier.post("/pos/api/redemptions", {"code": code}).status_code == 201


# Refunds ------------------------------------------------------------------------------------------


def _refund(shop: Shop, payment: dict, amount_fen: int) -> dict:
    address = f"/pos/api/payments/{payment['payment_no']}/refunds"
    answer = shop.manager.post(address, {"amount_fen": amount_fen, "reason": "退货"})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_whole_refund_undoes_a_card_payment(world, shop):
    _, client = world.rich(shop, 100_00)
    payment = _pay(client, shop, 33_33, status="paid")
    refund = _refund(shop, payment, 33_33)
    assert (refund["status"], refund["card_fen"], refund["wechat_fen"]) == ("succeeded", 33_33, 0)
    assert _payment(client, payment)["status"] == "refunded"
    assert world.booked(payment_id=int(payment["id"])) == {}
    assert world.balance(client) == 100_00
    assert [kind for kind, _ in _story(client)] == ["top_up", "payment", "refund"]


def test_partial_refunds_are_split_over_both_tenders_and_the_last_takes_the_remainders(world, shop):
    _, client, payment = _combined(world, shop, 33_33, 100_00)
    world.confirm_in_wechat(payment)
    world.jobs.run_until(lambda: _is(client, payment, "paid"))
    parts = [_refund(shop, payment, fen) for fen in (10_01, 50_00, 39_99)]
    assert all(p["card_fen"] + p["wechat_fen"] == p["amount_fen"] for p in parts)
    assert [p["card_fen"] for p in parts] == [3_33, 16_66, 13_34]
    assert sum(p["card_fen"] for p in parts) == 33_33
    assert world.balance(client) == 33_33
    states = ["succeeded"] * 3
    world.jobs.run_until(lambda: _refund_states(world, "payment_id", payment) == states)
    assert _is(client, payment, "refunded")
    assert world.booked(payment_id=int(payment["id"])) == {}
    address = f"/pos/api/payments/{payment['payment_no']}/refunds"
    more = shop.manager.post(address, {"amount_fen": 1, "reason": "退货"})
    assert (more.status_code, more.json()["code"]) == (409, "refund_exceeds_payment")
    assert more.json()["refundable_fen"] == 0


def test_a_pending_payment_has_nothing_to_refund(world, shop):
    _, _, payment = _combined(world, shop, 1_00, 2_00)
    address = f"/pos/api/payments/{payment['payment_no']}/refunds"
    refused = shop.manager.post(address, {"amount_fen": 1, "reason": "退货"})
    assert (refused.status_code, refused.json()["code"]) == (409, "payment_not_paid")


# Gifts --------------------------------------------------------------------------------------------


def _send_gift(client: Client, amount_fen: int) -> dict:
    answer = client.post("/api/v1/gifts", {"amount_fen": amount_fen, "message": "生日快乐"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "sent"
    return answer.json()


def test_a_gift_goes_from_one_member_to_another(world, shop):
    _, sender = world.rich(shop, 100_00)
    receiver = world.sign_in_member()
    gift = _send_gift(sender, 66_00)
    assert world.balance(sender) == 34_00
    assert world.booked(gift_id=int(gift["id"])) == {"card": 66_00, "gift": -66_00}
    seen = world.stranger.get(f"/api/v1/gifts/{gift['claim_token']}/preview").json()
    assert (seen["status"], seen["amount_fen"], seen["message"]) == ("sent", 66_00, "生日快乐")
    own = sender.post("/api/v1/gifts/claim", {"claim_token": gift["claim_token"]})
    assert (own.status_code, own.json()["code"]) == (409, "gift_is_yours")
    claimed = receiver.post("/api/v1/gifts/claim", {"claim_token": gift["claim_token"]})
    assert (claimed.status_code, claimed.json()["status"]) == (201, "claimed")
    assert world.balance(receiver) == 66_00
    assert world.booked(gift_id=int(gift["id"])) == {}
    [received] = receiver.get("/api/v1/me/gifts", box="received").json()["items"]
    [sent] = sender.get("/api/v1/me/gifts", box="sent").json()["items"]
    assert received["status"] == sent["status"] == "claimed"
    assert "claim_token" not in received
    late = world.sign_in_member().post("/api/v1/gifts/claim", {"claim_token": gift["claim_token"]})
    assert (late.status_code, late.json()["code"]) == (409, "gift_already_claimed")
    assert _story(sender) == [("top_up", 100_00), ("gift_sent", -66_00)]
    assert _story(receiver) == [("gift_received", 66_00)]
    # Given on once, and no more.
    on = _send_gift(receiver, 66_00)
    third = world.sign_in_member()
    third.post("/api/v1/gifts/claim", {"claim_token": on["claim_token"]})
    refused = third.post("/api/v1/gifts", {"amount_fen": 1, "message": ""})
    assert (refused.status_code, refused.json()["code"]) == (409, "gift_balance_short")


def test_a_gift_taken_back_is_an_event_of_its_own(world, shop):
    _, sender = world.rich(shop, 100_00)
    gift = _send_gift(sender, 66_00)
    back = sender.post(f"/api/v1/gifts/{gift['id']}/revoke")
    assert (back.status_code, back.json()["status"]) == (201, "revoked")
    assert world.balance(sender) == 100_00
    assert _story(sender)[1:] == [("gift_sent", -66_00), ("gift_revoked", 66_00)]
    claim = world.sign_in_member().post("/api/v1/gifts/claim", {"claim_token": gift["claim_token"]})
    assert (claim.status_code, claim.json()["code"]) == (409, "gift_ended")
    assert sender.post(f"/api/v1/gifts/{gift['id']}/revoke").json()["code"] == "gift_ended"


def test_a_gift_that_nobody_claims_returns_after_a_day(world, shop):
    _, sender = world.rich(shop, 100_00)
    gift = _send_gift(sender, 66_00)
    world.age("gift", gift["id"], 24 * 3600 + 60)
    claim = world.sign_in_member().post("/api/v1/gifts/claim", {"claim_token": gift["claim_token"]})
    assert (claim.status_code, claim.json()["code"]) == (409, "gift_ended")
    world.jobs.run_task("return_expired_gifts")
    assert world.balance(sender) == 100_00
    assert _story(sender)[1:] == [("gift_sent", -66_00), ("gift_returned", 66_00)]


def test_a_gift_over_the_receivers_cap_is_refused_and_stays_sent(world):
    shop = world.shop(registered_cap_fen=100_00)
    _, sender = world.rich(shop, 60_00)
    _, receiver = world.rich(shop, 50_00)
    gift = _send_gift(sender, 60_00)
    refused = receiver.post("/api/v1/gifts/claim", {"claim_token": gift["claim_token"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "card_cap_exceeded")
    [sent] = sender.get("/api/v1/me/gifts").json()["items"]
    assert (sent["status"], sent["claim_token"]) == ("sent", gift["claim_token"])
    _pay(receiver, shop, 10_00, status="paid")
    again = receiver.post("/api/v1/gifts/claim", {"claim_token": gift["claim_token"]})
    assert again.status_code == 201


# Once ---------------------------------------------------------------------------------------------


def test_the_same_key_and_body_is_the_same_answer_byte_for_byte(world, shop):
    _, client = world.rich(shop, 100_00)
    key = uuid.uuid4().hex
    body = {"pay_point": shop.pay_point.token, "amount_fen": 10_00}
    first, second = (client.post("/api/v1/payments", body, key=key) for _ in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    gift_key = uuid.uuid4().hex
    gift = {"amount_fen": 10_00, "message": ""}
    one, two = (client.post("/api/v1/gifts", gift, key=gift_key) for _ in range(2))
    assert one.status_code == 201
    assert one.content == two.content
    assert world.balance(client) == 80_00


def test_a_key_of_one_member_is_nothing_to_another(world, shop):
    key = uuid.uuid4().hex
    body = {"pay_point": shop.pay_point.token, "amount_fen": 10_00}
    ids = set()
    for _ in range(2):
        _, client = world.rich(shop, 10_00)
        ids.add(client.post("/api/v1/payments", body, key=key).json()["id"])
    assert len(ids) == 2


def test_nearest_stores_come_first_and_say_whether_they_take_my_cards(world):
    name = f"店{uuid.uuid4().int % 10**10}"
    merchant = world.make.merchant()
    for lat in (31.30, 31.20, 31.25):
        world.make.store(merchant, name=f"{name}-{lat}", lat=lat, lng=121.5)
    program = world.make.program(issuer=merchant)
    member = world.make.member()
    world.make.card(member, program, principal_fen=1)
    query = {"lat": 31.2, "lng": 121.5, "q": name, "limit": 2}
    first = world.as_member(member).get("/api/v1/stores", **query).json()
    rest = world.as_member(member).get("/api/v1/stores", **query, cursor=first["next_cursor"])
    found = first["items"] + rest.json()["items"]
    assert [one["lat"] for one in found] == [31.2, 31.25, 31.3]
    assert found[0]["distance_m"] == 0
    assert all(one["accepts_my_cards"] for one in found)
    assert not any(
        one["accepts_my_cards"]
        for one in world.stranger.get("/api/v1/stores", **query).json()["items"]
    )
