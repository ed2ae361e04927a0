"""What every call is tried on with bad input: a shop, a member with money, and nothing changed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from app.core import codes
from tests.served import Client, Served, Shop

COUNTED = ("posting", "journal_entry", "payment", "top_up", "redemption", "gift", "refund", "lot")


@dataclass(frozen=True)
class Scene:
    """A shop, a member with money, and the money calls with bodies that would succeed."""

    world: Served
    shop: Shop
    member: Any
    client: Client
    payment: dict
    gift: dict

    def caller(self, call: str) -> Client:
        return self.shop.manager if call.startswith("/pos/") else self.client

    def body(self, call: str) -> dict[str, Any]:
        program = str(self.shop.program.id)
        return {
            "/api/v1/payments": {"pay_point": self.shop.pay_point.token, "amount_fen": 100},
            "/api/v1/payments/quote": {"pay_point": self.shop.pay_point.token, "amount_fen": 100},
            "/api/v1/top-ups": {"amount_fen": 100, "program_id": program},
            "/api/v1/gifts": {"amount_fen": 100, "message": "好"},
            "/pos/api/top-ups": {
                "card_no": self.payment["card_no"], "amount_fen": 100, "program_id": program,
            },
            "/pos/api/payments": {"payment_code": "281234567890123456", "amount_fen": 100},
            "/pos/api/payments/{}/refunds": {"amount_fen": 100, "reason": "退货"},
            "/api/v1/gifts/claim": {"claim_token": "x" * 24},
            "/api/v1/top-ups/redeem-code": {"code": codes.make_code()},
            "/pos/api/redemptions": {"code": codes.make_code()},
            "/pos/api/vouchers/lookup": {"code": codes.make_code()},
            "/pos/api/redemptions/{}/reverse": {"reason": "错"},
            "/pos/api/top-ups/{}/reverse": {"reason": "错"},
        }[call]  # fmt: skip

    def path(self, call: str) -> str:
        return call.format(self.payment["payment_no"])

    def post(self, call: str, body: object, **kwargs: Any) -> Any:
        return self.caller(call).post(self.path(call), body, **kwargs)


WITH_AMOUNT = (
    "/api/v1/payments", "/api/v1/payments/quote", "/api/v1/top-ups", "/api/v1/gifts",
    "/pos/api/top-ups", "/pos/api/payments", "/pos/api/payments/{}/refunds",
)  # fmt: skip
MONEY = (
    "/api/v1/payments", "/api/v1/top-ups", "/api/v1/gifts", "/api/v1/gifts/claim",
    "/api/v1/top-ups/redeem-code", "/pos/api/top-ups", "/pos/api/payments",
    "/pos/api/payments/{}/refunds", "/pos/api/redemptions", "/pos/api/redemptions/{}/reverse",
    "/pos/api/top-ups/{}/reverse",
)  # fmt: skip
EVERY = (*MONEY, "/api/v1/payments/quote", "/pos/api/vouchers/lookup")


@pytest.fixture(scope="module")
def scene(world: Served) -> Scene:
    shop = world.shop()
    member, client = world.rich(shop, 1000_00)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 500}
    payment = client.post("/api/v1/payments", body).json()
    payment["card_no"] = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    gift = client.post("/api/v1/gifts", {"amount_fen": 100, "message": ""}).json()
    return Scene(world, shop, member, client, payment, gift)


@pytest.fixture
def unchanged(world: Served):
    """At the end of the test nothing has been booked, begun or used."""
    counts = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in COUNTED)
    before = world.rows(counts)
    yield
    assert world.rows(counts) == before, COUNTED


def refused_as(answer, status: int, code: str) -> dict:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert len(answer.json()["detail"]) >= 4
    return answer.json()


def send_raw(scene: Scene, call: str, content: bytes, **headers: str) -> Any:
    sent = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex} | headers
    return scene.caller(call).send("POST", scene.path(call), data=content, headers=sent)
