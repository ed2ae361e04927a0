"""Money comes onto a card: by WeChat, in cash, by a printed code; for oneself and for others."""

from __future__ import annotations

import pytest

from app.core import codes
from app.models.cards import Bearer
from app.models.vouchers import BatchKind
from tests.api.journeys import pay, refund_states, story
from tests.served import TIER_BONUS_FEN, TIER_FEN, Client, Served, Shop


@pytest.fixture(autouse=True)
def _sound_books(world: Served):
    yield
    world.require_sound_books()


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
    assert story(client) == [("top_up", TIER_FEN + TIER_BONUS_FEN)]


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
    assert story(receiver) == [("top_up", 88_00)]
    assert story(payer) == []


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
    world.jobs.run_until(lambda: refund_states(world, "top_up_id", top_up) == ["succeeded"])
    assert world.booked(top_up_id=int(top_up["id"])) == {}
    assert world.balance(client) == 0


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
    assert story(client) == [("top_up", 100_00)]
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
    assert [kind for kind, _ in story(client, page=2)] == ["top_up"] * 3


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
    pay(client, shop, 1, status="paid")
    spent = shop.manager.post(f"/pos/api/top-ups/{second['top_up_no']}/reverse", reason)
    assert (spent.status_code, spent.json()["code"]) == (409, "top_up_spent")
    whole = TIER_FEN + TIER_BONUS_FEN
    assert story(client) == [
        ("top_up", whole), ("top_up", whole), ("top_up_reversed", -whole), ("payment", -1),
    ]  # fmt: skip
