"""WeChat's messages written by hand, and a payment that they are about."""

from __future__ import annotations

import json
import secrets
import time

import pytest
import requests

from app.wechat_simulator.signing import seal, signature_headers
from tests.served import Served


class Messenger:
    """Writes WeChat's messages by hand, with WeChat's own keys, to say what WeChat would not."""

    def __init__(self, world: Served) -> None:
        self.world = world
        self.settings = world.context.settings.wechat
        running = world.wechat_keys
        self.key = running.wechatpay

    def told(self, order_no: str, transaction_id: str, fen: int, **other: object) -> dict:
        return {
            "mchid": self.settings.mchid,
            "appid": self.settings.mini_appid,
            "out_trade_no": order_no,
            "transaction_id": transaction_id,
            "trade_state": "SUCCESS",
            "success_time": "2026-11-23T12:00:00+08:00",
            "payer": {"openid": "oPayer"},
            "amount": {"total": fen, "payer_total": fen, "currency": "CNY"},
        } | other

    def refund_told(self, refund_no: str, order_no: str, state: str, fen: int) -> dict:
        return {
            "mchid": self.settings.mchid,
            "out_trade_no": order_no,
            "transaction_id": "4200001",
            "out_refund_no": refund_no,
            "refund_id": f"5030{secrets.token_hex(8)}",
            "refund_status": state,
            "amount": {"total": fen, "refund": fen, "payer_total": fen, "payer_refund": fen},
        }

    def body(
        self, told: dict, event: str = "TRANSACTION.SUCCESS", *, event_id: str | None = None,
        apiv3_key: bytes | None = None,
    ) -> bytes:  # fmt: skip
        kind = "refund" if event.startswith("REFUND") else "transaction"
        envelope = {
            "id": event_id or secrets.token_hex(16),
            "create_time": "2026-11-23T12:00:00+08:00",
            "resource_type": "encrypt-resource",
            "event_type": event,
            "resource": seal(apiv3_key or self.settings.apiv3_key, kind, told),
        }
        return json.dumps(envelope).encode()

    def signed(self, body: bytes, *, age_seconds: int = 0) -> dict[str, str]:
        stamp = int(time.time()) - age_seconds
        key_id = self.settings.public_key_id
        return signature_headers(self.key, key_id, body, timestamp=stamp)

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> requests.Response:
        sent = {"Content-Type": "application/json", **(headers or self.signed(body))}
        address = self.world.base_url + "/wechat/pay/notify"
        return requests.post(address, data=body, headers=sent, timeout=30)


@pytest.fixture
def messenger(world):
    return Messenger(world)


@pytest.fixture
def pending(world, shop):
    """A combined payment, 3 yuan of it held, 7 asked of WeChat; WeChat tells nobody by itself."""
    _, client = world.rich(shop, 3_00)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 10_00}
    payment = client.post("/api/v1/payments", body).json()
    assert payment["status"] == "pending"
    world.wish("lost", order_no=payment["payment_no"])
    return {**payment, "client": client}


def status_of(payment):
    return payment["client"].get(f"/api/v1/payments/{payment['id']}").json()["status"]


def outcomes_of(world, order_no):
    world.jobs.run()
    found = world.rows(
        "SELECT outcome FROM wechat_notification WHERE content->>'order_no' = :no ORDER BY id",
        no=order_no,
    )
    return [row[0] for row in found]


def entries_of(world, payment):
    return world.one(
        "SELECT count(DISTINCT entry_id) FROM posting WHERE payment_id = :id", id=int(payment["id"])
    )
