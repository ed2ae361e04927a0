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

from tests.api.messages import Messenger, entries_of, outcomes_of, status_of
from tests.served import Served, at_once
from tests.wechat_far_end import eventually


@pytest.fixture(autouse=True)
def _sound_books(world: Served):
    yield
    world.require_sound_books()


def test_the_same_message_100_times_at_once_is_kept_and_booked_once(world, messenger, pending):
    transaction = world.confirm_in_wechat(pending)
    body = messenger.body(messenger.told(pending["payment_no"], transaction, 7_00))
    answers = at_once([partial(messenger.post, body)] * 50)
    answers += at_once([partial(messenger.post, body)] * 50)
    assert {answer.status_code for answer in answers} == {204}
    assert outcomes_of(world, pending["payment_no"]) == ["captured"]
    assert status_of(pending) == "paid"
    assert entries_of(world, pending) == 2  # Held, captured.


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
    assert sorted(outcomes_of(world, pending["payment_no"])) == ["captured"] + ["repeated"] * 49
    assert entries_of(world, pending) == 2
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
    assert status_of(pending) == "pending"
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
    assert status_of(pending) == "pending"
    transaction = world.confirm_in_wechat(pending)
    told = messenger.told(pending["payment_no"], transaction, 7_00)
    assert messenger.post(messenger.body(told)).status_code == 204
    world.jobs.run()
    assert status_of(pending) == "paid"


def test_another_amount_than_we_asked_for_books_nothing(world, messenger, pending):
    for fen in (6_99, 7_01, 10_00, 0):
        told = messenger.told(pending["payment_no"], "4200000000000000000000000001", fen)
        assert messenger.post(messenger.body(told)).status_code in {204, 401}
    assert set(outcomes_of(world, pending["payment_no"])) == {"amount_differs"}
    assert status_of(pending) == "pending"


@pytest.mark.parametrize("order_no", ["P0000000000000001", "T0000000000000001", "X1", "💰"])
def test_an_order_that_is_not_ours_is_noted_and_no_more(world, messenger, order_no):
    told = messenger.told(order_no, secrets.token_hex(14), 7_00)
    assert messenger.post(messenger.body(told)).status_code == 204
    assert "unknown_order" in outcomes_of(world, order_no)  # Other tests may have told of it, too.


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
    assert (status_of(pending), status_of(other)) == ("paid", "pending")


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
        outcomes.update(outcomes_of(world, pending["payment_no"]))
        return None not in outcomes

    world.jobs.run_until(all_processed)
    assert outcomes["late"] == 1
    # The refund that follows is told of, too, and may be quick.
    assert set(outcomes) - {"succeeded"} == {"late", "repeated"}
    refunds = "SELECT status FROM refund WHERE payment_id = :id"
    world.jobs.run_until(lambda: world.rows(refunds, id=int(pending["id"])) == [("succeeded",)])
    assert status_of(pending) == "closed"
    assert world.balance(pending["client"]) == 3_00
    assert world.booked(payment_id=int(pending["id"])) == {}


def test_a_success_while_we_are_closing_is_captured(world, messenger, pending):
    world.wish("close_error", order_no=pending["payment_no"], times=1)
    pending["client"].post(f"/api/v1/payments/{pending['id']}/close", key="")
    assert status_of(pending) == "closing"
    transaction = world.confirm_in_wechat(pending)
    told = messenger.told(pending["payment_no"], transaction, 7_00)
    messenger.post(messenger.body(told))
    world.jobs.run()
    assert status_of(pending) == "paid"
