"""Whose rows are whose, over HTTP; and that no face climbs over the wall by itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from app.core.actor import Role
from tests.served import at_once

APP = Path(__file__).parent.parent.parent / "app"
FACES = ("api", "pos", "views")  # The site shows public things, and jobs are the system.
WALL_CLIMBERS = {"SYSTEM"}
REASON = {"reason": "错"}


@pytest.fixture
def business(world, shop):
    """A payment, a cash top-up, a redemption, a gift of one shop and one member."""
    member, client = world.rich(shop, 100_00)
    [card] = client.get("/api/v1/me/cards").json()["items"]
    pay = {"pay_point": shop.pay_point.token, "amount_fen": 10_00}
    batch = world.make.batch(issuer=shop.merchant, quantity=2)
    used, unused = world.make.vouchers(batch)
    cash = {"card_no": card["card_no"], "amount_fen": 1_00}
    program = {"amount_fen": 1_00, "program_id": str(shop.program.id)}
    return {
        "client": client,
        "member": member,
        "card": card,
        "payment": client.post("/api/v1/payments", pay).json(),
        "cash": shop.cashier.post("/pos/api/top-ups", cash).json(),
        "redemption": shop.cashier.post("/pos/api/redemptions", {"code": used}).json(),
        "code": unused,
        "used": used,
        "gift": client.post("/api/v1/gifts", {"amount_fen": 1_00, "message": ""}).json(),
        "top_up": client.post("/api/v1/top-ups", program).json(),
    }


@pytest.fixture(params=["another merchant's store", "another store of the same merchant"])
def stranger(request, world, shop):
    """The manager of a store that has no part in the business."""
    if request.param.startswith("another merchant"):
        return world.shop().manager
    return world.as_staff(world.make.staff(Role.store_manager, world.make.store(shop.merchant)))


def _not_there(answer, code):
    assert (answer.status_code, answer.json()["code"]) == (404, code)


def test_another_store_cannot_see_refund_or_reverse(world, business, stranger):
    before = world.one("SELECT count(*) FROM posting")
    payment_no = business["payment"]["payment_no"]
    _not_there(stranger.get(f"/pos/api/payments/{payment_no}"), "payment_not_found")
    refund = {"amount_fen": 1, "reason": "退货"}
    address = f"/pos/api/payments/{payment_no}/refunds"
    _not_there(stranger.post(address, refund), "payment_not_found")
    redemption_no = business["redemption"]["redemption_no"]
    undo = f"/pos/api/redemptions/{redemption_no}/reverse"
    _not_there(stranger.post(undo, REASON), "redemption_not_found")
    top_up_no = business["cash"]["top_up_no"]
    _not_there(stranger.post(f"/pos/api/top-ups/{top_up_no}/reverse", REASON), "top_up_not_found")
    assert world.one("SELECT count(*) FROM posting") == before


def test_another_merchant_cannot_look_up_or_redeem(world, business):
    foreign = world.shop().manager
    for code in (business["code"], business["used"]):
        looked = foreign.post("/pos/api/vouchers/lookup", {"code": code}, key="")
        _not_there(looked, "voucher_not_found")
        _not_there(foreign.post("/pos/api/redemptions", {"code": code}), "voucher_not_found")


def test_another_merchants_program_is_not_topped_up_here(world, shop, business):
    foreign = world.shop()
    by_card = {"card_no": business["card"]["card_no"], "amount_fen": 1_00}
    _not_there(foreign.cashier.post("/pos/api/top-ups", by_card), "program_not_found")
    named = {**by_card, "program_id": str(foreign.program.id)}
    _not_there(foreign.cashier.post("/pos/api/top-ups", named), "program_not_found")
    code = business["client"].post("/api/v1/me/payment-code", key="").json()["code"]
    other = {"payment_code": code, "amount_fen": 1_00, "program_id": str(shop.program.id)}
    _not_there(foreign.cashier.post("/pos/api/top-ups", other), "program_not_found")


def test_a_card_is_spent_only_where_its_program_is_accepted(world, business):
    foreign = world.shop()
    body = {"pay_point": foreign.pay_point.token, "amount_fen": 1_00}
    paid = business["client"].post("/api/v1/payments", body).json()
    assert (paid["card_fen"], paid["wechat_fen"]) == (0, 1_00)


def test_a_member_sees_and_moves_nothing_of_another(world, business):
    other = world.as_member(world.make.member())
    payment, gift, top_up = business["payment"], business["gift"], business["top_up"]
    _not_there(other.get(f"/api/v1/payments/{payment['id']}"), "payment_not_found")
    _not_there(other.post(f"/api/v1/payments/{payment['id']}/close", key=""), "payment_not_found")
    _not_there(other.get(f"/api/v1/top-ups/{top_up['id']}"), "top_up_not_found")
    _not_there(other.post(f"/api/v1/gifts/{gift['id']}/revoke"), "gift_not_found")
    from_their_card = {"amount_fen": 1, "message": "", "card_id": business["card"]["id"]}
    _not_there(other.post("/api/v1/gifts", from_their_card), "card_not_found")
    for path in ("cards", "activities", "payments", "gifts"):
        assert other.get(f"/api/v1/me/{path}").json()["items"] == []


def test_a_pending_payment_is_closed_by_its_member_only(world, shop):
    _, client = world.rich(shop, 1_00)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 2_00}
    payment = client.post("/api/v1/payments", body).json()
    other = world.as_member(world.make.member())
    close = f"/api/v1/payments/{payment['id']}/close"
    _not_there(other.post(close, key=""), "payment_not_found")
    assert client.get(f"/api/v1/payments/{payment['id']}").json()["status"] == "pending"


def test_scopes_do_not_leak_between_calls_on_one_connection(world, shop):
    clients = [world.rich(shop, fen)[1] for fen in (1_00, 2_00, 3_00)]

    def look(client):
        return [world.balance(client) for _ in range(10)]

    found = at_once([lambda c=client: look(c) for client in clients])
    assert found == [[1_00] * 10, [2_00] * 10, [3_00] * 10]


def _names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names}
    return names


def test_no_face_names_the_system_or_raises_a_scope():
    files = [path for face in FACES for path in (APP / face).rglob("*.py")]
    assert files
    climbing = {path.name: _names_in(path) & WALL_CLIMBERS for path in files}
    assert not {name: found for name, found in climbing.items() if found}
