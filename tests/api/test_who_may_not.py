"""Callers without a token, with another one's, frozen, closed or gone: nothing moves."""

from __future__ import annotations

import json
import uuid

import pytest

from app.core.actor import SYSTEM, Role
from app.core.clock import utc_now
from app.models.cards import Bearer
from app.models.people import StaffStatus
from app.models.tenants import MerchantStatus, StoreStatus
from app.models.vouchers import BatchKind
from app.services.people import erasures, staff
from app.services.stored_value import cards
from app.services.tenants import merchants
from tests.api.scene import EVERY, refused_as


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", EVERY)
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer x y", "Bearer " + "x" * 5000]
)
def test_a_call_without_a_good_token(scene, call, header):
    sent = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
    if header is not None:
        sent["Authorization"] = header
    content = json.dumps(scene.body(call)).encode()
    answer = scene.world.stranger.send("POST", scene.path(call), data=content, headers=sent)
    refused_as(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", EVERY)
def test_a_members_token_is_none_at_the_till_and_the_other_way_round(scene, call):
    wrong = scene.client if call.startswith("/pos/") else scene.shop.manager
    answer = wrong.post(scene.path(call), scene.body(call))
    refused_as(answer, 401, "unauthenticated")


@pytest.mark.parametrize("end", ["expired", "revoked"])
@pytest.mark.parametrize("call", EVERY)
def test_an_ended_token(scene, call, end):
    world = scene.world
    if call.startswith("/pos/"):
        client = world.as_staff(scene.shop.staff[1])
    else:
        client = world.as_member(scene.member)
    column = {"expired": "expires_at", "revoked": "revoked_at"}[end]
    world.by_superuser(
        f"UPDATE access_token SET {column} = now() - interval '1 second'"
        " WHERE token_digest = sha256(%s::bytea)",
        client.token.encode(),
    )
    refused_as(client.post(scene.path(call), scene.body(call)), 401, "unauthenticated")


@pytest.mark.parametrize("what", ["store", "merchant"])
def test_a_closed_store_and_a_frozen_merchant_take_nothing(world, what):
    shop = world.shop()
    _, client = world.rich(shop, 10_00)
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    [code] = world.make.vouchers(world.make.batch(issuer=shop.merchant, quantity=1))
    said = {"reason": "test", "actor": SYSTEM}
    with world.database.unit_of_work(SYSTEM) as session:
        if what == "store":
            merchants.set_store_status(
                session, store_id=shop.store.id, status=StoreStatus.closed, **said
            )
        else:
            merchants.set_merchant_status(
                session, merchant_id=shop.merchant.id, status=MerchantStatus.frozen, **said
            )
    pay = {"pay_point": shop.pay_point.token, "amount_fen": 100}
    refused_as(client.post("/api/v1/payments", pay), 409, "store_closed")
    cash = shop.cashier.post("/pos/api/top-ups", {"card_no": card_no, "amount_fen": 100})
    redeem = shop.cashier.post("/pos/api/redemptions", {"code": code})
    payment_code = client.post("/api/v1/me/payment-code", key="").json()["code"]
    charged = {"payment_code": payment_code, "amount_fen": 100}
    charge = shop.cashier.post("/pos/api/payments", charged)
    # A frozen merchant's staff is signed out; a closed store's is told.
    expected = (409, "store_closed") if what == "store" else (401, "unauthenticated")
    for answer in (cash, redeem, charge):
        refused_as(answer, *expected)
    assert world.balance(client) == 10_00


def test_a_frozen_card_pays_and_gives_nothing_but_may_receive(world, shop):
    _, client = world.rich(shop, 10_00)
    payment = client.post(
        "/api/v1/payments", {"pay_point": shop.pay_point.token, "amount_fen": 1_00}
    ).json()
    [card] = client.get("/api/v1/me/cards").json()["items"]
    with world.database.unit_of_work(SYSTEM) as session:
        cards.freeze_card(session, card_id=int(card["id"]), reason="test", actor=SYSTEM)
    assert world.balance(client) == 0
    body = {"pay_point": shop.pay_point.token, "amount_fen": 1_00}
    quote = client.post("/api/v1/payments/quote", body, key="").json()
    assert (quote["card_fen"], quote["wechat_fen"]) == (0, 1_00)
    gift = client.post("/api/v1/gifts", {"amount_fen": 1, "message": ""})
    refused_as(gift, 409, "gift_balance_short")
    named = client.post("/api/v1/gifts", {"amount_fen": 1, "message": "", "card_id": card["id"]})
    assert named.status_code in {404, 409}
    cash = {"card_no": card["card_no"], "amount_fen": 1_00}
    refused_as(shop.cashier.post("/pos/api/top-ups", cash), 409, "card_frozen")
    refund = {"amount_fen": 1_00, "reason": "退货"}
    address = f"/pos/api/payments/{payment['payment_no']}/refunds"
    assert shop.manager.post(address, refund).status_code == 201
    assert client.get("/api/v1/me/cards").json()["items"][0]["balance_fen"] == 10_00


def test_a_frozen_member_moves_no_money_but_may_look(world, shop):
    member, client = world.rich(shop, 10_00)
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    _, giver = world.rich(shop, 10_00)
    token = giver.post("/api/v1/gifts", {"amount_fen": 1, "message": ""}).json()["claim_token"]
    payment_code = client.post("/api/v1/me/payment-code", key="").json()["code"]
    world.by_superuser("UPDATE member SET status = 'frozen' WHERE id = %s", member.id)
    pay = {"pay_point": shop.pay_point.token, "amount_fen": 1}
    program = {"program_id": str(shop.program.id)}
    batch = world.make.batch(
        issuer=shop.merchant, kind=BatchKind.topup, program=shop.program, quantity=1,
        bearer=Bearer.platform,
    )  # fmt: skip
    [code] = world.make.vouchers(batch)
    for answer in (
        client.post("/api/v1/payments", pay),
        client.post("/api/v1/top-ups", {"amount_fen": 1, **program}),
        client.post("/api/v1/top-ups/redeem-code", {"code": code}),
        client.post("/api/v1/gifts", {"amount_fen": 1, "message": ""}),
        client.post("/api/v1/gifts/claim", {"claim_token": token}),
        client.post("/api/v1/me/payment-code", key=""),
        shop.cashier.post("/pos/api/top-ups", {"card_no": card_no, "amount_fen": 1}),
        shop.cashier.post("/pos/api/payments", {"payment_code": payment_code, "amount_fen": 1}),
    ):
        refused_as(answer, 403, "member_frozen")
    assert world.balance(client) == 10_00


def test_an_erased_members_token_is_refused(world, shop):
    member, client = world.rich(shop, 10_00)
    with world.database.unit_of_work(SYSTEM) as session:
        erasures.erase_member(session, member_id=member.id, actor=SYSTEM, now=utc_now())
    refused_as(client.get("/api/v1/me"), 401, "unauthenticated")
    pay = {"pay_point": shop.pay_point.token, "amount_fen": 1}
    refused_as(client.post("/api/v1/payments", pay), 401, "unauthenticated")


def test_a_dismissed_cashier_is_out_at_once(world, shop):
    assert shop.cashier.get("/pos/api/me").ok
    with world.database.unit_of_work(SYSTEM) as session:
        staff.set_staff_status(
            session, staff_id=shop.staff[0].id, status=StaffStatus.frozen, reason="left",
            actor=SYSTEM,
        )  # fmt: skip
    refused_as(shop.cashier.get("/pos/api/me"), 401, "unauthenticated")


@pytest.mark.parametrize(
    "role", [Role.merchant_finance, Role.merchant_admin, Role.auditor, Role.platform_admin]
)
def test_who_stands_at_no_till_uses_none(world, shop, role):
    if role in {Role.merchant_admin, Role.merchant_finance}:
        client = world.as_staff(world.make.staff(role, merchant=shop.merchant))
    else:
        client = world.as_staff(world.make.staff(role))
    [code] = world.make.vouchers(world.make.batch(issuer=shop.merchant, quantity=1))
    for path, body in (
        ("/pos/api/redemptions", {"code": code}),
        ("/pos/api/vouchers/lookup", {"code": code}),
        ("/pos/api/payments", {"payment_code": "28", "amount_fen": 1}),
        ("/pos/api/top-ups", {"card_no": "9", "amount_fen": 1}),
        ("/pos/api/payments/P1/refunds", {"amount_fen": 1, "reason": "x"}),
    ):
        answer = client.post(path, body)
        assert answer.status_code == 403, (path, answer.text)
        assert answer.json()["code"] in {"forbidden", "store_required"}


def test_a_cap_that_would_be_exceeded_is_said_before_any_money_is_asked_for(world):
    shop = world.shop(registered_cap_fen=100_00)
    _, client = world.rich(shop, 90_00)
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    batch = world.make.batch(
        issuer=shop.merchant, kind=BatchKind.topup, program=shop.program, quantity=1,
        face_value_fen=20_00, bearer=Bearer.platform,
    )  # fmt: skip
    [code] = world.make.vouchers(batch)
    program = str(shop.program.id)
    for answer in (
        client.post("/api/v1/top-ups", {"amount_fen": 10_01, "program_id": program}),
        shop.cashier.post("/pos/api/top-ups", {"card_no": card_no, "amount_fen": 10_01}),
        client.post("/api/v1/top-ups/redeem-code", {"code": code}),
    ):
        assert refused_as(answer, 409, "card_cap_exceeded")["room_fen"] == 10_00


def test_a_top_up_below_the_programs_minimum(world):
    shop = world.shop(min_top_up_fen=50_00)
    _, client = world.rich(shop, 0)
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    body = {"amount_fen": 49_99, "program_id": str(shop.program.id)}
    for answer in (
        client.post("/api/v1/top-ups", body),
        shop.cashier.post("/pos/api/top-ups", {"card_no": card_no, "amount_fen": 49_99}),
    ):
        assert refused_as(answer, 422, "top_up_below_minimum")["minimum_fen"] == 50_00


def test_the_language_is_the_callers(scene):
    chinese = scene.world.stranger.get("/api/v1/me").json()
    english = scene.world.stranger.send(
        "GET", "/api/v1/me", headers={"Accept-Language": "en"}
    ).json()
    assert english["detail"] == "Please sign in again."
    assert chinese["code"] == english["code"]
