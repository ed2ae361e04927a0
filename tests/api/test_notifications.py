"""What WeChat tells us, over real HTTP: one effect or none, and never a lost fen."""

from __future__ import annotations

import base64
import json
import random
import secrets
import time
from collections import Counter
from functools import partial

import pytest
import requests

from app.wechat_simulator.signing import seal, signature_headers
from tests.served import Served, at_once
from tests.wechat_far_end import eventually

OURS, STRANGER = "wechatpay", "stranger"


@pytest.fixture(autouse=True)
def _sound_books(world: Served):
    yield
    world.require_sound_books()


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


def _status(payment):
    return payment["client"].get(f"/api/v1/payments/{payment['id']}").json()["status"]


def _outcomes(world, order_no):
    world.jobs.run()
    found = world.rows(
        "SELECT outcome FROM wechat_notification WHERE content->>'order_no' = :no ORDER BY id",
        no=order_no,
    )
    return [row[0] for row in found]


def _entries(world, payment):
    return world.one(
        "SELECT count(DISTINCT entry_id) FROM posting WHERE payment_id = :id", id=int(payment["id"])
    )


def test_the_same_message_100_times_at_once_is_kept_and_booked_once(world, messenger, pending):
    transaction = world.confirm_in_wechat(pending)
    body = messenger.body(messenger.told(pending["payment_no"], transaction, 7_00))
    answers = at_once([partial(messenger.post, body)] * 50)
    answers += at_once([partial(messenger.post, body)] * 50)
    assert {answer.status_code for answer in answers} == {204}
    assert _outcomes(world, pending["payment_no"]) == ["captured"]
    assert _status(pending) == "paid"
    assert _entries(world, pending) == 2  # Held, captured.


def test_100_different_messages_of_one_success_in_any_order_have_one_effect(
    world, messenger, pending
):
    transaction = world.confirm_in_wechat(pending)
    told = messenger.told(pending["payment_no"], transaction, 7_00)
    bodies = [messenger.body(told) for _ in range(50)] * 2
    random.shuffle(bodies)
    for half in (bodies[:50], bodies[50:]):
        answers = at_once([partial(messenger.post, body) for body in half])
        assert {answer.status_code for answer in answers} == {204}
    assert sorted(_outcomes(world, pending["payment_no"])) == ["captured"] + ["repeated"] * 49
    assert _entries(world, pending) == 2
    assert world.booked(payment_id=int(pending["id"]))["bank:wechat"] == 7_00


def test_wechat_that_repeats_itself_100_times_credits_once(world, shop):
    client = world.sign_in_member()
    body = {"amount_fen": 10_00, "program_id": str(shop.program.id)}
    top_up = client.post("/api/v1/top-ups", body).json()
    world.wish("repeated", order_no=top_up["top_up_no"], times=100)
    world.confirm_in_wechat(top_up)

    def all_heard():
        told = world.wechat.state(top_up["top_up_no"])["notifications"]
        return len(told) == 100 and all(one["state"] == "heard" for one in told)

    eventually(all_heard)
    world.jobs.run()
    assert world.balance(client) == 10_00
    assert world.booked(top_up_id=int(top_up["id"])) == {"bank:wechat": 10_00, "card": -10_00}


def _altered(messenger: Messenger, payment: dict, what: str) -> requests.Response:
    told = messenger.told(payment["payment_no"], "4200000000000000000000000001", 7_00)
    body = messenger.body(told)
    headers = messenger.signed(body)
    another = base64.b64encode(secrets.token_bytes(256)).decode()
    changes = {
        "signature": {"Wechatpay-Signature": another},
        "no signature": {"Wechatpay-Signature": ""},
        "probe": {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + another},
        "serial": {"Wechatpay-Serial": "PUB_KEY_ID_0199999999992026112399999999"},
        "nonce": {"Wechatpay-Nonce": "another"},
        "timestamp": {"Wechatpay-Timestamp": str(int(time.time()) + 1)},
    }
    if what in changes:
        return messenger.post(body, headers | changes[what])
    if what == "stale":
        return messenger.post(body, messenger.signed(body, age_seconds=400))
    if what == "from the future":
        return messenger.post(body, messenger.signed(body, age_seconds=-400))
    if what == "body":
        return messenger.post(body + b" ", headers)
    if what == "sealed for another merchant":
        return messenger.post(messenger.body(told, apiv3_key=b"x" * 32))
    if what == "not sealed":
        return messenger.post(json.dumps({"id": "1", "resource": told}).encode())
    if what == "not JSON":
        return messenger.post(b"\xff\x00{")
    if what == "empty":
        return messenger.post(b"")
    other = {
        "mchid": {"mchid": "1900000002"},
        "appid": {"appid": "wx0000000000000002"},
        "currency": {"amount": {"total": 7_00, "currency": "USD"}},
        "text for an amount": {"amount": {"total": "700", "currency": "CNY"}},
        "contradiction": {"trade_state": "NOTPAY"},
    }[what]
    return messenger.post(messenger.body(told | other))


def _kept_of_nobody_else(world, payment):
    """What is kept and not known to be another order's, of which WeChat may tell meanwhile."""
    return world.rows(
        "SELECT id FROM wechat_notification n WHERE coalesce(content->>'order_no', '') = :no"
        " OR received_at > :begun AND NOT EXISTS (SELECT FROM payment p"
        " WHERE p.payment_no = n.content->>'order_no') AND NOT EXISTS (SELECT FROM top_up t"
        " WHERE t.top_up_no = n.content->>'order_no')",
        no=payment["payment_no"],
        begun=payment["created_at"],
    )


@pytest.mark.parametrize(
    "what",
    [
        "signature", "no signature", "probe", "serial", "nonce", "timestamp", "stale",
        "from the future", "body", "sealed for another merchant", "not sealed", "not JSON",
        "empty", "mchid", "appid", "currency", "text for an amount", "contradiction",
    ],
)  # fmt: skip
def test_a_message_that_is_wrong_in_one_part_is_refused_and_kept_nowhere(
    world, messenger, pending, what
):
    before = _kept_of_nobody_else(world, pending)
    answer = _altered(messenger, pending, what)
    assert 400 <= answer.status_code < 500
    assert answer.json()["code"] == "FAIL"
    world.jobs.run()
    assert _kept_of_nobody_else(world, pending) == before == []
    assert _status(pending) == "pending"
    assert world.booked(payment_id=int(pending["id"])) == {"card": 3_00, "held": -3_00}


@pytest.mark.parametrize(
    "scenario",
    [
        "forged_amount", "forged_mchid", "forged_appid", "forged_currency", "forged_signature",
        "forged_body", "forged_serial", "forged_stale", "probe",
    ],
)  # fmt: skip
def test_what_the_simulator_forges_changes_nothing_and_the_genuine_one_still_counts(
    world, messenger, pending, scenario
):
    answer = world.wechat.post("/_forge", order_no=pending["payment_no"], scenario=scenario)
    # A wrong amount is genuinely signed here: it is kept, and nothing is booked.
    assert answer.json()["status"] == (204 if scenario == "forged_amount" else 401)
    world.jobs.run()
    assert _status(pending) == "pending"
    transaction = world.confirm_in_wechat(pending)
    told = messenger.told(pending["payment_no"], transaction, 7_00)
    assert messenger.post(messenger.body(told)).status_code == 204
    world.jobs.run()
    assert _status(pending) == "paid"


def test_another_amount_than_we_asked_for_books_nothing(world, messenger, pending):
    for fen in (6_99, 7_01, 10_00, 0):
        told = messenger.told(pending["payment_no"], "4200000000000000000000000001", fen)
        assert messenger.post(messenger.body(told)).status_code in {204, 401}
    assert set(_outcomes(world, pending["payment_no"])) == {"amount_differs"}
    assert _status(pending) == "pending"


@pytest.mark.parametrize("order_no", ["P0000000000000001", "T0000000000000001", "X1", "💰"])
def test_an_order_that_is_not_ours_is_noted_and_no_more(world, messenger, order_no):
    told = messenger.told(order_no, secrets.token_hex(14), 7_00)
    assert messenger.post(messenger.body(told)).status_code == 204
    assert "unknown_order" in _outcomes(world, order_no)  # Other tests may have told of it, too.


def test_a_transaction_of_another_order_pays_only_its_own(world, messenger, shop, pending):
    """Two orders of the same amount: what was paid for one is not taken for the other as well."""
    _, other_client = world.rich(shop, 3_00)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 10_00}
    other = {**other_client.post("/api/v1/payments", body).json(), "client": other_client}
    world.wish("lost", order_no=other["payment_no"])
    transaction = world.confirm_in_wechat(pending)
    genuine = messenger.body(messenger.told(pending["payment_no"], transaction, 7_00))
    assert messenger.post(genuine).status_code == 204
    world.jobs.run()
    twisted = messenger.body(messenger.told(other["payment_no"], transaction, 7_00))
    assert messenger.post(twisted).status_code == 204
    world.jobs.run()
    assert (_status(pending), _status(other)) == ("paid", "pending")


def test_a_success_after_our_close_goes_back_in_full(world, messenger, pending):
    world.wish("pay_after_close", order_no=pending["payment_no"])
    closed = pending["client"].post(f"/api/v1/payments/{pending['id']}/close", key="")
    assert closed.json()["status"] == "closed"
    transaction = world.confirm_in_wechat(pending)
    told = messenger.told(pending["payment_no"], transaction, 7_00)
    bodies = [messenger.body(told) for _ in range(8)]
    assert {a.status_code for a in at_once([partial(messenger.post, b) for b in bodies])} == {204}
    # WeChat itself tells of it, too, some time: look once, so that it cannot come between.
    outcomes: Counter[str | None] = Counter()

    def all_processed() -> bool:
        outcomes.clear()
        outcomes.update(_outcomes(world, pending["payment_no"]))
        return None not in outcomes

    world.jobs.run_until(all_processed)
    assert outcomes["late"] == 1
    # The refund that follows is told of, too, and may be quick.
    assert set(outcomes) - {"succeeded"} == {"late", "repeated"}
    refunds = "SELECT status FROM refund WHERE payment_id = :id"
    world.jobs.run_until(lambda: world.rows(refunds, id=int(pending["id"])) == [("succeeded",)])
    assert _status(pending) == "closed"
    assert world.balance(pending["client"]) == 3_00
    assert world.booked(payment_id=int(pending["id"])) == {}


def test_a_success_while_we_are_closing_is_captured(world, messenger, pending):
    world.wish("close_error", order_no=pending["payment_no"], times=1)
    pending["client"].post(f"/api/v1/payments/{pending['id']}/close", key="")
    assert _status(pending) == "closing"
    transaction = world.confirm_in_wechat(pending)
    told = messenger.told(pending["payment_no"], transaction, 7_00)
    messenger.post(messenger.body(told))
    world.jobs.run()
    assert _status(pending) == "paid"


# Refunds ------------------------------------------------------------------------------------------


@pytest.fixture
def refunding(world, messenger, shop, pending):
    """A whole refund of a paid combined payment that WeChat keeps under way, and silent."""
    transaction = world.confirm_in_wechat(pending)
    told = messenger.told(pending["payment_no"], transaction, 7_00)
    messenger.post(messenger.body(told))
    world.jobs.run()
    world.wish("refund_late", order_no=pending["payment_no"], delay_seconds=3600)
    address = f"/pos/api/payments/{pending['payment_no']}/refunds"
    body = {"amount_fen": 10_00, "reason": "退货"}
    refund = shop.manager.post(address, body).json()
    assert (refund["status"], refund["card_fen"]) == ("processing", 3_00)
    world.jobs.run()
    return refund


def _tell_refund(world, messenger, refund, state, *, fen=7_00):
    told = messenger.refund_told(refund["refund_no"], refund["payment_no"], state, fen)
    answer = messenger.post(messenger.body(told, f"REFUND.{state}"))
    world.jobs.run()
    return answer.status_code


def _refunds(world, refund):
    return world.rows(
        "SELECT status, refund_no FROM refund WHERE order_no = :no ORDER BY id",
        no=refund["payment_no"],
    )


def _owed(world, pending):
    return world.booked(payment_id=int(pending["id"])).get("refunds:wechat", 0)


def test_a_refund_that_wechat_has_made_is_booked_once(world, messenger, pending, refunding):
    assert _owed(world, pending) == -7_00
    for _ in range(3):
        assert _tell_refund(world, messenger, refunding, "SUCCESS") == 204
    assert [state for state, _ in _refunds(world, refunding)] == ["succeeded"]
    assert _owed(world, pending) == 0
    assert world.booked(payment_id=int(pending["id"])) == {}


def test_an_abnormal_refund_is_parked_and_may_still_succeed(world, messenger, pending, refunding):
    _tell_refund(world, messenger, refunding, "ABNORMAL")
    assert [state for state, _ in _refunds(world, refunding)] == ["abnormal"]
    assert _owed(world, pending) == -7_00
    _tell_refund(world, messenger, refunding, "SUCCESS")
    assert [state for state, _ in _refunds(world, refunding)] == ["succeeded"]
    assert _owed(world, pending) == 0


def test_a_closed_refund_is_asked_for_again_under_a_new_number(world, shop, messenger, pending):
    transaction = world.confirm_in_wechat(pending)
    told = messenger.told(pending["payment_no"], transaction, 7_00)
    messenger.post(messenger.body(told))
    world.jobs.run()
    world.wish("refund_closed", order_no=pending["payment_no"], times=1)
    address = f"/pos/api/payments/{pending['payment_no']}/refunds"
    refund = shop.manager.post(address, {"amount_fen": 10_00, "reason": "退货"}).json()

    def states():
        return [state for state, _ in _refunds(world, refund)]

    world.jobs.run_until(lambda: states() == ["closed", "succeeded"])
    numbers = {no for _, no in _refunds(world, refund)}
    assert len(numbers) == 2
    at_wechat = world.wechat.state(pending["payment_no"])["refunds"]
    assert {one["refund_no"] for one in at_wechat} == numbers
    assert world.booked(payment_id=int(pending["id"])) == {}


def test_a_refund_of_another_amount_or_of_nobody_books_nothing(
    world, messenger, pending, refunding
):
    _tell_refund(world, messenger, refunding, "SUCCESS", fen=6_00)
    assert _owed(world, pending) == -7_00
    unknown = {**refunding, "refund_no": "F0000000000000001"}
    assert _tell_refund(world, messenger, unknown, "SUCCESS") == 204
    other_order = {**refunding, "payment_no": "P0000000000000001"}
    _tell_refund(world, messenger, other_order, "SUCCESS")
    assert _owed(world, pending) == -7_00


def test_a_refund_that_nobody_told_us_of_is_asked_about(world, shop, messenger, pending):
    transaction = world.confirm_in_wechat(pending)
    told = messenger.told(pending["payment_no"], transaction, 7_00)
    messenger.post(messenger.body(told))
    world.jobs.run()
    world.wish("refund_lost", order_no=pending["payment_no"])
    address = f"/pos/api/payments/{pending['payment_no']}/refunds"
    refund = shop.manager.post(address, {"amount_fen": 10_00, "reason": "退货"}).json()
    world.jobs.run()

    def done():
        return world.wechat.state(pending["payment_no"])["refunds"][0]["state"] == "SUCCESS"

    eventually(done)
    world.by_superuser(
        "UPDATE refund SET created_at = created_at - interval '1 minute' WHERE id = %s",
        int(refund["id"]),
    )
    world.jobs.run_task("settle_refunds")
    assert [state for state, _ in _refunds(world, refund)] == ["succeeded"]
