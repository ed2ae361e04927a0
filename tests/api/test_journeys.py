"""What a member and a counter do, from the first call to the books, over HTTP."""

from __future__ import annotations

import uuid

import pytest

from app.core import codes
from app.queries.tenants import stores as store_queries
from tests.api.journeys import pay, story
from tests.factories import PASSWORD
from tests.served import Client, Served


@pytest.fixture(autouse=True)
def _sound_books(world: Served):
    yield
    world.require_sound_books()


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
    assert story(sender) == [("top_up", 100_00), ("gift_sent", -66_00)]
    assert story(receiver) == [("gift_received", 66_00)]
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
    assert story(sender)[1:] == [("gift_sent", -66_00), ("gift_revoked", 66_00)]
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
    assert story(sender)[1:] == [("gift_sent", -66_00), ("gift_returned", 66_00)]


def test_a_gift_over_the_receivers_cap_is_refused_and_stays_sent(world):
    shop = world.shop(registered_cap_fen=100_00)
    _, sender = world.rich(shop, 60_00)
    _, receiver = world.rich(shop, 50_00)
    gift = _send_gift(sender, 60_00)
    refused = receiver.post("/api/v1/gifts/claim", {"claim_token": gift["claim_token"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "card_cap_exceeded")
    [sent] = sender.get("/api/v1/me/gifts").json()["items"]
    assert (sent["status"], sent["claim_token"]) == ("sent", gift["claim_token"])
    pay(receiver, shop, 10_00, status="paid")
    again = receiver.post("/api/v1/gifts/claim", {"claim_token": gift["claim_token"]})
    assert again.status_code == 201


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


def test_stores_that_do_not_take_my_cards_are_left_out_when_asked(world):
    name = f"店{uuid.uuid4().int % 10**10}"
    mine, other = world.make.merchant(), world.make.merchant()
    world.make.store(other, name=f"{name}-近", lat=31.2, lng=121.5)
    for lat in (31.25, 31.30):
        world.make.store(mine, name=f"{name}-{lat}", lat=lat, lng=121.5)
    program = world.make.program(issuer=mine)
    member = world.make.member()
    world.make.card(member, program, principal_fen=1)
    query = {"lat": 31.2, "lng": 121.5, "q": name, "limit": 1, "accepts_my_cards": "true"}
    client = world.as_member(member)
    first = client.get("/api/v1/stores", **query).json()
    rest = client.get("/api/v1/stores", **query, cursor=first["next_cursor"]).json()
    assert [one["lat"] for one in first["items"] + rest["items"]] == [31.25, 31.3]
    assert rest["next_cursor"] is None
    assert world.stranger.get("/api/v1/stores", **query).json()["items"] == []
    unasked = client.get("/api/v1/stores", **{**query, "accepts_my_cards": "false"}).json()
    assert unasked["items"][0]["lat"] == 31.2
    # Nearest first, without words: by the merchants that take the card, wherever they are.
    nearest = {"lat": 31.2, "lng": 121.5, "limit": 100, "accepts_my_cards": "true"}
    around = client.get("/api/v1/stores", **nearest).json()["items"]
    assert [one["lat"] for one in around] == [31.25, 31.3]
    assert {one["merchant"] for one in around} == {mine.name}


def test_many_stores_that_take_my_cards_are_looked_for_around(world, monkeypatch):
    """A card that a whole group takes: the same answer by boxes as by merchants."""
    merchant = world.make.merchant()
    for lat in (-41.30, -41.29, -41.20):
        world.make.store(merchant, name="远方的店", lat=lat, lng=174.7)
    member = world.make.member()
    world.make.card(member, world.make.program(issuer=merchant), principal_fen=1)
    query = {"lat": -41.3, "lng": 174.7, "limit": 2, "accepts_my_cards": "true"}
    by_merchant = world.as_member(member).get("/api/v1/stores", **query).json()
    monkeypatch.setattr(store_queries, "_FEW", 1)
    by_boxes = world.as_member(member).get("/api/v1/stores", **query).json()
    assert [one["lat"] for one in by_boxes["items"]] == [-41.3, -41.29]
    assert by_boxes == by_merchant
