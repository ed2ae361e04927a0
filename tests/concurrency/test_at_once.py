"""Many at once, over HTTP and with real commits: one effect, no lost fen, nobody stuck."""

from __future__ import annotations

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from app.models.cards import Bearer
from app.models.vouchers import BatchKind
from tests.served import at_once

MANY = 64


@pytest.fixture(autouse=True)
def _sound_books(world):
    yield
    world.require_sound_books()


def _statuses(answers):
    return Counter(answer.status_code for answer in answers)


def _codes(answers):
    return Counter(answer.json().get("code") for answer in answers)


def _pay(client, shop, amount_fen, key=None):
    body = {"pay_point": shop.pay_point.token, "amount_fen": amount_fen}
    return client.post("/api/v1/payments", body, key=key)


def test_64_clients_redeem_one_code_and_one_is_paid(world, shop):
    batch = world.make.batch(issuer=shop.merchant, face_value_fen=50_00, quantity=1)
    [code] = world.make.vouchers(batch)
    answers = at_once([partial(shop.cashier.post, "/pos/api/redemptions", {"code": code})] * MANY)
    assert _statuses(answers) == {201: 1, 409: MANY - 1}
    [done] = [a.json() for a in answers if a.status_code == 201]
    for refused in (a.json() for a in answers if a.status_code == 409):
        assert refused["code"] == "voucher_already_redeemed"
        assert refused["redeemed_at"] == done["redeemed_at"]
        assert refused["store"] == shop.store.name
    assert "voucher" not in world.booked(batch_id=batch.id)
    count = "SELECT count(*) FROM redemption WHERE batch_id = :id"
    assert world.one(count, id=batch.id) == 1


def test_64_clients_spend_100_fen_of_1000_and_10_pay_from_the_card(world, shop):
    _, client = world.rich(shop, 10_00)
    answers = at_once([partial(_pay, client, shop, 1_00)] * MANY)
    assert set(_statuses(answers)) <= {201, 503}, _codes(answers)
    told = [a.json() for a in answers if a.status_code == 201]
    paid = [one for one in told if one["status"] == "paid"]
    assert len(paid) == 10
    assert all((one["card_fen"], one["wechat_fen"]) == (1_00, 0) for one in paid)
    others = [one for one in told if one["status"] != "paid"]
    assert all((one["card_fen"], one["wechat_fen"]) == (0, 1_00) for one in others)
    assert all(one["wechat_pay"] for one in others)
    assert world.balance(client) == 0


def test_one_key_sent_64_times_at_once_has_one_effect(world, shop):
    _, client = world.rich(shop, 1000_00)
    key = uuid.uuid4().hex
    answers = at_once([partial(_pay, client, shop, 1_00, key)] * MANY)
    good = [a for a in answers if a.status_code == 201]
    rest = [a for a in answers if a.status_code != 201]
    assert good
    assert len({a.content for a in good}) == 1
    assert all((a.status_code, a.json()["code"]) == (409, "request_in_progress") for a in rest)
    later = _pay(client, shop, 1_00, key)
    assert (later.status_code, later.content) == (201, good[0].content)
    assert world.balance(client) == 999_00


def test_one_key_of_a_combined_payment_sent_at_once_makes_one_order(world, shop):
    member, client = world.rich(shop, 10_00)
    key = uuid.uuid4().hex
    answers = at_once([partial(_pay, client, shop, 30_00, key)] * 16)
    assert set(_statuses(answers)) <= {201, 409}
    good = [a for a in answers if a.status_code == 201]
    assert len({a.content for a in good}) == 1
    assert _pay(client, shop, 30_00, key).content == good[0].content
    assert world.one("SELECT count(*) FROM payment WHERE member_id = :id", id=member.id) == 1


@pytest.mark.parametrize("what", ["gift", "cash", "redeem", "refund", "top-up", "code"])
def test_one_key_at_once_has_one_effect_whatever_is_asked(world, shop, what):
    member, client = world.rich(shop, 100_00)
    call, counted = {
        "gift": _gift, "cash": _cash, "redeem": _redeem, "refund": _refund, "top-up": _top_up,
        "code": _top_up_code,
    }[what](world, shop, member, client)  # fmt: skip
    before = world.one(counted)
    key = uuid.uuid4().hex
    answers = at_once([partial(call, key=key)] * 16)
    assert set(_statuses(answers)) <= {201, 409}
    good = {a.content for a in answers if a.status_code == 201}
    assert len(good) == 1
    assert {a.json()["code"] for a in answers if a.status_code == 409} <= {"request_in_progress"}
    assert call(key=key).content == good.pop()
    assert world.one(counted) - before == 1


def _gift(world, shop, member, client):
    call = partial(client.post, "/api/v1/gifts", {"amount_fen": 1, "message": ""})
    return call, f"SELECT count(*) FROM gift WHERE sender_id = {member.id}"


def _cash(world, shop, member, client):
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    call = partial(shop.cashier.post, "/pos/api/top-ups", {"card_no": card_no, "amount_fen": 1})
    return call, f"SELECT count(*) FROM top_up WHERE member_id = {member.id}"


def _redeem(world, shop, member, client):
    [code] = world.make.vouchers(world.make.batch(issuer=shop.merchant, quantity=1))
    call = partial(shop.cashier.post, "/pos/api/redemptions", {"code": code})
    return call, f"SELECT count(*) FROM redemption WHERE store_id = {shop.store.id}"


def _refund(world, shop, member, client):
    no = _pay(client, shop, 10_00).json()["payment_no"]
    body = {"amount_fen": 1, "reason": "退货"}
    call = partial(shop.manager.post, f"/pos/api/payments/{no}/refunds", body)
    return call, f"SELECT count(*) FROM refund WHERE member_id = {member.id}"


def _top_up(world, shop, member, client):
    body = {"amount_fen": 1, "program_id": str(shop.program.id)}
    call = partial(client.post, "/api/v1/top-ups", body)
    return call, f"SELECT count(*) FROM top_up WHERE payer_id = {member.id}"


def _top_up_code(world, shop, member, client):
    batch = world.make.batch(
        issuer=shop.merchant, kind=BatchKind.topup, program=shop.program, quantity=1,
        bearer=Bearer.platform,
    )  # fmt: skip
    [code] = world.make.vouchers(batch)
    call = partial(client.post, "/api/v1/top-ups/redeem-code", {"code": code})
    return call, f"SELECT count(*) FROM top_up WHERE member_id = {member.id}"


def test_64_refunds_at_once_never_exceed_the_payment(world, shop):
    _, client = world.rich(shop, 10_00)
    payment = _pay(client, shop, 10_00).json()
    address = f"/pos/api/payments/{payment['payment_no']}/refunds"
    body = {"amount_fen": 3_00, "reason": "退货"}
    answers = at_once([partial(shop.manager.post, address, body)] * MANY)
    assert _statuses(answers) == {201: 3, 409: MANY - 3}
    assert world.balance(client) == 9_00
    assert shop.manager.post(address, {"amount_fen": 1_00, "reason": "退货"}).status_code == 201
    assert world.balance(client) == 10_00
    assert world.booked(payment_id=int(payment["id"])) == {}


def test_64_refunds_of_a_combined_payment_never_exceed_either_tender(world, shop):
    _, client = world.rich(shop, 3_33)
    payment = _pay(client, shop, 10_00).json()
    world.confirm_in_wechat(payment)
    address = f"/api/v1/payments/{payment['id']}"
    world.jobs.run_until(lambda: client.get(address).json()["status"] == "paid")
    refunds = f"/pos/api/payments/{payment['payment_no']}/refunds"
    body = {"amount_fen": 70, "reason": "退货"}
    answers = at_once([partial(shop.manager.post, refunds, body)] * MANY)
    assert _statuses(answers) == {201: 14, 409: MANY - 14}
    last = shop.manager.post(refunds, {"amount_fen": 20, "reason": "退货"}).json()
    made = [a.json() for a in answers if a.status_code == 201] + [last]
    assert sum(one["card_fen"] for one in made) == 3_33
    assert sum(one["wechat_fen"] for one in made) == 6_67
    processing = "SELECT count(*) FROM refund WHERE payment_id = :id AND status = 'processing'"
    world.jobs.run_until(lambda: world.one(processing, id=int(payment["id"])) == 0)
    assert world.booked(payment_id=int(payment["id"])) == {}


def test_a_gift_claimed_by_16_at_once_has_one_receiver(world, shop):
    _, sender = world.rich(shop, 50_00)
    gift = sender.post("/api/v1/gifts", {"amount_fen": 50_00, "message": ""}).json()
    clients = [world.sign_in_member() for _ in range(16)]
    body = {"claim_token": gift["claim_token"]}
    answers = at_once([partial(one.post, "/api/v1/gifts/claim", body) for one in clients])
    assert _statuses(answers) == {201: 1, 409: 15}
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"gift_already_claimed"}
    assert sorted(world.balance(one) for one in clients) == [0] * 15 + [50_00]


@pytest.mark.parametrize("attempt", range(4))
def test_claiming_against_revoking_has_one_winner(world, shop, attempt):
    _, sender = world.rich(shop, 50_00)
    gift = sender.post("/api/v1/gifts", {"amount_fen": 50_00, "message": ""}).json()
    receiver = world.sign_in_member()
    claim = partial(receiver.post, "/api/v1/gifts/claim", {"claim_token": gift["claim_token"]})
    revoke = partial(sender.post, f"/api/v1/gifts/{gift['id']}/revoke")
    answers = at_once([claim, revoke, claim, revoke])
    assert _statuses(answers) == {201: 1, 409: 3}
    assert world.balance(sender) + world.balance(receiver) == 50_00
    assert {world.balance(sender), world.balance(receiver)} == {0, 50_00}


def test_the_cap_holds_under_top_ups_at_once(world):
    shop = world.shop(registered_cap_fen=100_00, tiers={})
    _, client = world.rich(shop, 40_00)
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    cash = {"card_no": card_no, "amount_fen": 10_00}
    wechat = {"amount_fen": 10_00, "program_id": str(shop.program.id)}
    calls = [partial(shop.cashier.post, "/pos/api/top-ups", cash)] * 8
    calls += [partial(client.post, "/api/v1/top-ups", wechat)] * 8
    answers = at_once(calls)
    assert _statuses(answers) == {201: 6, 409: 10}
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"card_cap_exceeded"}


def test_the_cap_holds_for_a_phone_that_nobody_has_bound(world):
    shop = world.shop(registered_cap_fen=30_00, tiers={})
    phone = world.phone()
    body = {"amount_fen": 10_00, "program_id": str(shop.program.id), "phone": phone}
    payers = [world.sign_in_member() for _ in range(8)]
    answers = at_once([partial(one.post, "/api/v1/top-ups", body) for one in payers])
    assert _statuses(answers) == {201: 3, 409: 5}


def test_a_cashiers_daily_limit_holds_under_top_ups_at_once(world, shop):
    staff = world.make.staff(shop.staff[0].role, shop.store, daily_cash_limit_fen=100_00)
    till = world.as_staff(staff)
    cards = []
    for _ in range(4):
        _, client = world.rich(shop, 0)
        cards.append(client.get("/api/v1/me/cards").json()["items"][0]["card_no"])
    calls = [
        partial(till.post, "/pos/api/top-ups", {"card_no": card_no, "amount_fen": 30_00})
        for card_no in cards * 4
    ]
    answers = at_once(calls)
    assert _statuses(answers) == {201: 3, 409: 13}
    refused = [a.json() for a in answers if a.status_code == 409]
    assert {one["code"] for one in refused} == {"daily_cash_limit_exceeded"}
    assert {one["left_today_fen"] for one in refused} == {10_00}


@pytest.mark.parametrize("attempt", range(4))
def test_binding_a_phone_against_the_money_arriving_for_it(world, shop, attempt):
    phone, payer, receiver = world.phone(), world.sign_in_member(), world.sign_in_member()
    body = {"amount_fen": 10_00, "program_id": str(shop.program.id), "phone": phone}
    top_up = payer.post("/api/v1/top-ups", body).json()
    world.confirm_in_wechat(top_up)
    bind = partial(receiver.post, "/api/v1/me/phone", {"code": f"phone-{phone}"}, key="")
    [bound, _] = at_once([bind, partial(world.jobs.run_until, lambda: _booked(world, top_up))])
    assert bound.status_code == 200
    assert world.balance(receiver) == 10_00
    assert world.booked(top_up_id=int(top_up["id"])) == {"bank:wechat": 10_00, "card": -10_00}


def _booked(world, top_up):
    return bool(world.booked(top_up_id=int(top_up["id"])))


def test_paying_against_giving_never_spends_a_fen_twice(world, shop):
    _, client = world.rich(shop, 10_00)
    give = partial(client.post, "/api/v1/gifts", {"amount_fen": 1_00, "message": ""})
    answers = at_once([partial(_pay, client, shop, 1_00), give] * 12)
    assert set(_statuses(answers)) <= {201, 409}
    gifts = [a for a in answers[1::2] if a.status_code == 201]
    paid = [a for a in answers[::2] if a.json()["status"] == "paid"]
    assert len(gifts) + len(paid) == 10
    assert world.balance(client) == 0


@pytest.mark.parametrize("second", ["/pos/api/top-ups", "/pos/api/payments"])
def test_one_payment_code_at_two_counters_is_good_once(world, shop, second):
    member, client = world.rich(shop, 100_00)
    code = client.post("/api/v1/me/payment-code", key="").json()["code"]
    body = {"payment_code": code, "amount_fen": 1_00, "program_id": str(shop.program.id)}
    with ThreadPoolExecutor(2) as counters:
        # Both counters have read the code when the first of them is let on.
        with world.holding("member", member.id) as others_waiting:
            first = counters.submit(shop.cashier.post, "/pos/api/top-ups", body)
            others_waiting(1)
            other = counters.submit(shop.manager.post, second, body)
            if second == "/pos/api/top-ups":
                others_waiting(2)
        answers = [first.result(), other.result()]
    assert _statuses(answers) == {201: 1, 422: 1}
    assert answers[1].json()["code"] == "payment_code_invalid"


def test_one_printed_code_for_16_members_tops_up_one_card(world, shop):
    batch = world.make.batch(
        issuer=shop.merchant, kind=BatchKind.topup, program=shop.program, quantity=1,
        face_value_fen=50_00, bearer=Bearer.platform,
    )  # fmt: skip
    [code] = world.make.vouchers(batch)
    clients = [world.sign_in_member() for _ in range(16)]
    answers = at_once(
        [partial(one.post, "/api/v1/top-ups/redeem-code", {"code": code}) for one in clients]
    )
    assert _statuses(answers) == {201: 1, 409: 15}
    assert sum(world.balance(one) for one in clients) == 50_00


def test_a_first_sign_in_on_two_devices_makes_one_member(world):
    code = {"code": f"demo-{uuid.uuid4().hex}"}
    answers = at_once([partial(world.stranger.post, "/api/v1/sessions", code, key="")] * 8)
    assert _statuses(answers) == {201: 8}
    assert len({a.json()["member"]["id"] for a in answers}) == 1


# Locks in opposite orders -------------------------------------------------------------------------


def test_gifts_and_payments_over_the_same_cards_do_not_deadlock(world, shop):
    """A gift names its lots in spending order, a payment locks cards by id: one order for both."""
    group = world.make.program(accepted_by=[shop.merchant])
    receiver = world.make.member()
    # The receiver's group card is older than the shop's, which is spent first.
    for program in (group, shop.program):
        world.make.card(receiver, program, principal_fen=100_00)
    client = world.as_member(receiver)
    calls = []
    for _ in range(12):
        giver = world.make.member()
        for program in (group, shop.program):
            world.make.card(giver, program, principal_fen=1_00)
        claim = {"claim_token": _give(world.as_member(giver), 2_00)}
        calls += [
            partial(client.post, "/api/v1/gifts/claim", claim),
            partial(_pay, client, shop, 1_00),
            partial(client.post, "/api/v1/gifts", {"amount_fen": 1_00, "message": ""}),
        ]
    answers = at_once(calls)
    assert set(_statuses(answers)) == {201}, [a.text for a in answers if a.status_code != 201]
    assert world.balance(client) == 200_00


def _give(client, amount_fen):
    answer = client.post("/api/v1/gifts", {"amount_fen": amount_fen, "message": ""})
    assert answer.status_code == 201, answer.text
    return answer.json()["claim_token"]


def test_two_members_who_give_each_other_do_not_deadlock(world, shop):
    clients = [world.rich(shop, 100_00)[1] for _ in range(2)]
    given = [[_give(client, 1_00) for _ in range(8)] for client in clients]
    calls = []
    for mine, theirs in zip(*given, strict=True):
        calls += [
            partial(clients[0].post, "/api/v1/gifts/claim", {"claim_token": theirs}),
            partial(clients[1].post, "/api/v1/gifts/claim", {"claim_token": mine}),
            partial(_pay, clients[0], shop, 1),
            partial(_pay, clients[1], shop, 1),
        ]
    assert _statuses(at_once(calls)) == {201: len(calls)}
