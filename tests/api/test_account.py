"""What a member does about her own account, and that nobody does it for another."""

from __future__ import annotations

import pytest

from app.core.actor import SYSTEM
from app.models.people import Member
from tests.served import Client, Served, Shop


@pytest.fixture
def owner(world: Served, shop: Shop) -> Client:
    return world.rich(shop, 100_00, bonus_fen=5_00)[1]


@pytest.fixture
def paid(owner: Client, shop: Shop) -> dict:
    body = {"pay_point": shop.pay_point.token, "amount_fen": 30_00}
    return owner.post("/api/v1/payments", body).json()


def _refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_programs_tell_their_tiers_and_where_they_are_good(world, shop):
    programs = world.stranger.get("/api/v1/programs").json()["items"]
    [own] = [one for one in programs if one["id"] == str(shop.program.id)]
    assert own["tiers"] == [{"threshold_fen": 300_00, "bonus_fen": 60_00}]
    assert own["accepted_by"] == [shop.merchant.name]


def test_one_store_tells_the_same_as_the_list(world, shop):
    one = world.stranger.get(f"/api/v1/stores/{shop.store.id}")
    assert one.json()["name"] == shop.store.name
    assert one.json()["distance_m"] is None
    _refused(world.stranger.get("/api/v1/stores/999999999"), 404, "store_not_found")


def test_a_payer_sees_the_first_letter_of_a_name_and_no_more(world, owner):
    phone, friend = world.phone(), world.sign_in_member()
    look_up = ("/api/v1/recipients/lookup", {"phone": phone})
    assert owner.post(*look_up, key="").json()["name_masked"] is None
    friend.send("PATCH", "/api/v1/me", json={"nickname": "王小明"})
    friend.post("/api/v1/me/phone", {"code": f"phone-{phone}"}, key="")
    found = owner.post(*look_up, key="").json()
    assert found == {"phone_masked": f"{phone[:3]}****{phone[7:]}", "name_masked": "王**"}


def test_a_lost_card_pays_nothing_any_more(world, shop, owner):
    [card] = owner.get("/api/v1/me/cards").json()["items"]
    address = f"/api/v1/me/cards/{card['id']}/report-lost"
    _refused(world.sign_in_member().post(address, key=""), 404, "card_not_found")
    assert owner.post(address, key="").json()["status"] == "lost"
    _refused(owner.post(address, key=""), 409, "card_state_conflict")
    quote = {"pay_point": shop.pay_point.token, "amount_fen": 1_00}
    assert owner.post("/api/v1/payments/quote", quote, key="").json()["card_fen"] == 0


def test_a_statement_of_one_card_knows_that_card_only(world, shop, owner, paid):
    other = world.make.program(issuer=shop.merchant)
    member_id = int(owner.get("/api/v1/me").json()["id"])
    [card] = owner.get("/api/v1/me/cards").json()["items"]
    with world.database.unit_of_work(SYSTEM) as session:
        world_member = session.get_one(Member, member_id)
    world.make.card(world_member, other, principal_fen=7_00)
    mine = owner.get("/api/v1/me/activities", card_id=card["id"]).json()["items"]
    assert mine[0]["balance_after_fen"] == 75_00
    everything = owner.get("/api/v1/me/activities").json()["items"]
    assert everything[0]["balance_after_fen"] == 82_00
    foreign = world.sign_in_member().get("/api/v1/me/activities", card_id=card["id"])
    assert foreign.json()["items"] == []


def test_a_refund_is_asked_for_once_seen_by_the_store_and_answered_by_the_refund(
    world, shop, owner, paid
):
    address = f"/api/v1/payments/{paid['id']}/refund-requests"
    wish = {"amount_fen": 10_00, "reason": "金额有误"}
    _refused(world.sign_in_member().post(address, wish, key=""), 404, "payment_not_found")
    too_much = owner.post(address, {**wish, "amount_fen": 30_01}, key="")
    _refused(too_much, 409, "refund_request_too_much")
    assert too_much.json()["refundable_fen"] == 30_00
    asked = owner.post(address, wish, key="").json()
    again = owner.post(address, {**wish, "amount_fen": 1_00}, key="").json()
    assert asked["status"] == "waiting"
    assert again["id"] == asked["id"]
    before = world.booked(payment_id=int(paid["id"]))
    refund = {"amount_fen": 10_00, "reason": "退"}
    shop.manager.post(f"/pos/api/payments/{paid['payment_no']}/refunds", refund)
    assert world.booked(payment_id=int(paid["id"])) != before
    [seen] = owner.get(address).json()["items"]
    assert seen["status"] == "refunded"
    assert seen["answered_at"] is not None
    [back] = owner.get("/api/v1/me/refunds").json()["items"]
    assert (back["amount_fen"], back["payment_no"]) == (10_00, paid["payment_no"])


def test_top_ups_are_listed_for_the_payer_and_for_the_receiver(world, shop):
    payer, receiver, phone = world.sign_in_member(), world.sign_in_member(), world.phone()
    receiver.post("/api/v1/me/phone", {"code": f"phone-{phone}"}, key="")
    body = {"amount_fen": 50_00, "phone": phone, "program_id": str(shop.program.id)}
    made = payer.post("/api/v1/top-ups", body).json()
    world.confirm_in_wechat(made)
    done = f"/api/v1/top-ups/{made['id']}"
    world.jobs.run_until(lambda: payer.get(done).json()["status"] == "credited")
    [paid] = payer.get("/api/v1/me/top-ups").json()["items"]
    [got] = receiver.get("/api/v1/me/top-ups").json()["items"]
    assert (paid["mine"], got["mine"]) == (False, True)
    assert paid["channel"] == "wechat"


def test_what_became_of_a_call_is_told_to_its_caller_only(world, shop, owner):
    body = {"pay_point": shop.pay_point.token, "amount_fen": 1_00}
    unknown = {"status": "unknown", "answer": None}
    assert owner.get("/api/v1/me/requests/lost-1").json() == unknown
    made = owner.post("/api/v1/payments", body, key="lost-1").json()
    told = owner.get("/api/v1/me/requests/lost-1").json()
    assert (told["status"], told["answer"]["id"]) == ("done", made["id"])
    assert world.sign_in_member().get("/api/v1/me/requests/lost-1").json() == unknown
    gift = owner.post("/api/v1/gifts", {"amount_fen": 1_00, "message": ""}, key="lost-2").json()
    sealed = owner.get("/api/v1/me/requests/lost-2").json()["answer"]
    assert sealed["claim_token"] == gift["claim_token"]


def test_a_call_that_wechat_still_holds_up_is_running(world, shop, owner):
    world.wish("prepay_hang")
    body = {"pay_point": shop.pay_point.token, "amount_fen": 500_00}
    with world.impatient():
        assert owner.post("/api/v1/payments", body, key="slow-1").status_code == 503
    assert owner.get("/api/v1/me/requests/slow-1").json()["status"] == "running"


def test_an_export_holds_what_is_ones_own(world, owner, paid):
    export = owner.get("/api/v1/me/export").json()
    assert [one["payment_no"] for one in export["payments"]] == [paid["payment_no"]]
    assert sum(one["remaining_fen"] for one in export["lots"]) == 75_00
    assert sum(one["amount_fen"] for one in export["changes"]) == 75_00
    assert world.sign_in_member().get("/api/v1/me/export").json()["payments"] == []


def test_erasing_needs_the_sum_that_is_given_up_and_ends_every_session(world, owner):
    wrong = owner.post("/api/v1/me/erasure", {"put_aside_fen": 1}, key="")
    _refused(wrong, 409, "balance_changed")
    assert owner.get("/api/v1/me").status_code == 200
    done = owner.post("/api/v1/me/erasure", {"put_aside_fen": 105_00}, key="")
    assert done.json() == {"put_aside_fen": 105_00}
    _refused(owner.get("/api/v1/me"), 401, "unauthenticated")
    world.require_sound_books()


def test_an_open_payment_stands_in_the_way_of_erasing(world, shop, owner):
    owner.post("/api/v1/payments", {"pay_point": shop.pay_point.token, "amount_fen": 500_00})
    answer = owner.post("/api/v1/me/erasure", {"put_aside_fen": 0}, key="")
    _refused(answer, 409, "member_has_open_business")


def test_the_demo_presses_pay_in_the_simulated_wechat(world, shop, owner):
    body = {"pay_point": shop.pay_point.token, "amount_fen": 500_00}
    made = owner.post("/api/v1/payments", body).json()
    press = {"package": made["wechat_pay"]["package"]}
    sheet = "/api/v1/demo/wechat-sheet"
    assert owner.post(sheet, {**press, "action": "cancel"}, key="").status_code == 200
    assert owner.post(sheet, {**press, "action": "pay"}, key="").status_code == 200
    done = f"/api/v1/payments/{made['id']}"
    world.jobs.run_until(lambda: owner.get(done).json()["status"] == "paid")
    unknown = {"package": "prepay_id=nothing", "action": "pay"}
    _refused(owner.post(sheet, unknown, key=""), 502, "wechat_refused")


def test_no_distance_is_told_without_a_position_and_no_store_is_lost_in_paging(world, shop):
    first = world.stranger.get("/api/v1/stores", limit=1).json()
    assert [one["distance_m"] for one in first["items"]] == [None]
    everything = world.stranger.get("/api/v1/stores", limit=100).json()["items"]
    paged = [first["items"][0]["id"]]
    cursor = first["next_cursor"]
    while cursor and len(paged) < len(everything):
        page = world.stranger.get("/api/v1/stores", limit=1, cursor=cursor).json()
        paged += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert paged == [one["id"] for one in everything]
