"""What a till asks before it takes money: whom, how much, and what the papers cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.served import TIER_BONUS_FEN, TIER_FEN


@pytest.fixture
def till(shop):
    return shop.cashier


def test_a_cashier_sees_a_masked_member_and_the_bonus(world, shop, till):
    _, client = world.rich(shop, 1000)
    code = client.post("/api/v1/me/payment-code").json()["code"]
    for _ in range(2):  # Looking does not use the code up.
        seen = till.post("/pos/api/top-ups/lookup", {"payment_code": code})
        assert seen.status_code == 200, seen.text
    assert set(seen.json()["member"]) == {"nickname", "phone_masked"}
    tiers = [tier for program in seen.json()["programs"] for tier in program["tiers"]]
    assert {"threshold_fen": TIER_FEN, "bonus_fen": TIER_BONUS_FEN} in tiers


def test_nobody_is_found_under_a_wrong_number(till):
    seen = till.post("/pos/api/top-ups/lookup", {"phone": "13900000000"})
    assert (seen.status_code, seen.json()["code"]) == (404, "member_not_found")
    both = till.post("/pos/api/top-ups/lookup", {"phone": "13900000000", "card_no": "1"})
    assert both.status_code == 422


def test_the_price_is_told_and_nothing_is_held(world, shop, till):
    batch = world.make.batch(
        issuer=shop.merchant, quantity=3, face_value_fen=50_00, sale_price_fen=45_00
    )
    world.make.vouchers(batch, activate=False)
    serials = world.make.stock(batch, shop.store)
    asked = {"serials": serials[:2]}
    for _ in range(2):
        seen = till.post("/pos/api/voucher-sales/quote", asked)
        assert seen.status_code == 200, seen.text
        assert (seen.json()["quantity"], seen.json()["amount_fen"]) == (2, 90_00)
    other = world.shop().cashier.post("/pos/api/voucher-sales/quote", asked)
    assert (other.status_code, other.json()["code"]) == (409, "paper_not_in_stock")


def test_a_code_is_drawn_for_staff_only(world, till):
    undocumented = replace(till, documents=None)  # They compare JSON, and this is a picture.
    drawn = undocumented.get("/pos/api/qr.svg", text="https://kaquan.example/q/abc")
    assert drawn.headers["Content-Type"].startswith("image/svg+xml")
    assert drawn.text.startswith("<svg")
    assert world.stranger.get("/pos/api/qr.svg", text="x").status_code == 401
