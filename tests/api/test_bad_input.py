"""What must be refused: the right status, a stable code, a sentence, and nothing changed."""

from __future__ import annotations

import http.client
import json
import uuid
from urllib.parse import urlsplit

import pytest

from tests.api.scene import EVERY, MONEY, WITH_AMOUNT, refused_as, send_raw


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", WITH_AMOUNT)
@pytest.mark.parametrize(
    "amount",
    [0, -1, 1.5, 1.0, "100", "", True, False, None, [100], {"fen": 100}, 10**12, 2**63, 2**64,
     -(2**63) - 1, 10**30, 1e30],
    ids=repr,
)  # fmt: skip
def test_an_amount_that_is_no_positive_whole_number_of_fen_in_its_limits(scene, call, amount):
    told = refused_as(
        scene.post(call, {**scene.body(call), "amount_fen": amount}), 422, "invalid_fields"
    )
    assert list(told["errors"]) == ["amount_fen"]
    assert all(told["errors"]["amount_fen"])


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", WITH_AMOUNT)
@pytest.mark.parametrize(
    ("literal", "status", "code"),
    [("NaN", 400, "invalid_json"), ("Infinity", 400, "invalid_json"),
     ("1e400", 422, "invalid_fields"), ("-0", 422, "invalid_fields"),
     ("0100", 400, "invalid_json"), ("9" * 5000, 400, "invalid_json")],
    ids=["NaN", "Infinity", "1e400", "-0", "0100", "5000 digits"],
)  # fmt: skip
def test_a_number_that_json_or_we_do_not_have(scene, call, literal, status, code):
    text = json.dumps({**scene.body(call), "amount_fen": "@"}).replace('"@"', literal)
    refused_as(send_raw(scene, call, text.encode()), status, code)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", EVERY)
def test_missing_fields_are_named(scene, call):
    told = refused_as(scene.post(call, {}), 422, "invalid_fields")
    required = {"amount_fen", "pay_point", "code", "reason", "payment_code", "claim_token", "phone"}
    assert set(told["errors"]) <= required
    assert told["errors"]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("call", "over"), [("/api/v1/payments", 10_000_001), ("/api/v1/top-ups", 5_000_001)]
)
def test_a_fen_above_the_limit(scene, call, over):
    refused_as(scene.post(call, {**scene.body(call), "amount_fen": over}), 422, "invalid_fields")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", EVERY)
@pytest.mark.parametrize(
    "content",
    [b"{", b"amount_fen=100", b"[]", b'[{"amount_fen": 1}]', b'"text"', b"1", b"null", b"true",
     b'{"amount_fen": 1', b"\xff\xfe{}", b'{"amount_fen": "\xff"}', b"[" * 100_000,
     b'{"a":' * 100_000, b'{"amount_fen": 1}{}', b"{'amount_fen': 1}",
     b'{"message": "\\ud800"}', b'{"\\udfff": 1, "amount_fen": 1}'],
    ids=lambda content: content[:16].decode("latin-1"),
)  # fmt: skip
def test_a_body_that_is_no_json_object(scene, call, content):
    refused_as(send_raw(scene, call, content), 400, "invalid_json")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", ["/api/v1/gifts", "/pos/api/payments"])
@pytest.mark.parametrize("depth", [100, 800, 850, 900, 920, 930, 940, 950, 960, 970, 980, 990])
def test_a_deeply_nested_field_is_never_our_failure(scene, call, depth):
    nested = b'{"amount_fen": 0, "x": ' + b"[" * depth + b"]" * depth + b"}"
    assert send_raw(scene, call, nested).status_code in {400, 422}


def test_a_deeply_nested_field_that_nobody_asked_for_does_not_break_a_payment(scene):
    body = json.dumps({**scene.body("/api/v1/payments"), "x": 0}).encode()
    seen = set()
    for depth in range(700, 1000, 3):
        nested = body.replace(b'"x": 0', b'"x": ' + b"[" * depth + b"]" * depth)
        seen.add(send_raw(scene, "/api/v1/payments", nested).status_code)
    assert seen <= {201, 400}


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", EVERY)
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"]
)
def test_a_wrong_content_type(scene, call, kind):
    body = json.dumps(scene.body(call)).encode()
    refused_as(send_raw(scene, call, body, **{"Content-Type": kind}), 415, "json_required")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("method", "path", "token"),
    [
        ("POST", "/api/v1/payments", True), ("POST", "/api/v1/payments", False),
        ("POST", "/api/v1/sessions", False), ("POST", "/pos/api/sessions", False),
        ("POST", "/api/v1/gifts", False), ("POST", "/pos/api/redemptions", False),
        ("POST", "/api/v1/nowhere", False), ("POST", "/wechat/pay/notify", False),
        ("PATCH", "/api/v1/me", True), ("GET", "/api/v1/me", False), ("PUT", "/api/v1/me", False),
    ],
)  # fmt: skip
def test_ten_megabytes_are_refused_without_a_broken_connection(scene, method, path, token):
    """The whole body is sent before anything is read, as a browser or a phone does it."""
    status, told = _send_all_first(scene, method, path, 10 * 1024 * 1024, token=token)
    assert (status, told["code"]) == (413, "body_too_large")
    assert told["detail"]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "path", ["/api/v1/me/payment-code", "/pos/api/payments/P1/refunds", "/api/v1/nowhere"]
)
def test_a_refusal_before_the_body_was_read_is_heard_all_the_same(scene, path):
    status, told = _send_all_first(scene, "POST", path, 1024 * 1024, token=False)
    assert status in {401, 404}
    assert told["detail"]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("path", "token"),
    [("/api/v1/payments", True), ("/api/v1/payments", False), ("/api/v1/sessions", False),
     ("/api/v1/nowhere", False)],
)  # fmt: skip
def test_ten_megabytes_in_chunks_are_refused_without_a_broken_connection(scene, path, token):
    where = urlsplit(scene.world.base_url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    if token:
        headers |= {
            "Authorization": f"Bearer {scene.client.token}",
            "Idempotency-Key": uuid.uuid4().hex,
        }
    try:
        pieces = (b" " * 65536 for _ in range(160))
        connection.request("POST", path, body=pieces, headers=headers, encode_chunked=True)
        answer = connection.getresponse()
        told = json.loads(answer.read())
    finally:
        connection.close()
    assert (answer.status, told["code"]) == (413, "body_too_large")


def test_a_small_body_in_chunks_is_a_body(scene):
    pieces = (bytes([one]) for one in json.dumps(scene.body("/api/v1/payments")).encode())
    headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
    answer = scene.client.send("POST", "/api/v1/payments", data=pieces, headers=headers)
    assert answer.status_code == 201


def _send_all_first(scene, method, path, length, *, token):
    where = urlsplit(scene.world.base_url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
    if token:
        headers["Authorization"] = f"Bearer {scene.client.token}"
    try:
        connection.request(method, path, body=b" " * length, headers=headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", MONEY)
def test_a_money_call_without_a_key(scene, call):
    refused_as(scene.post(call, scene.body(call), key=""), 400, "idempotency_key_required")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", ["/api/v1/payments", "/api/v1/gifts", "/pos/api/redemptions"])
@pytest.mark.parametrize("key", ["k" * 201, "two words", "\u00e9t\u00e9".encode(), "a\tb"])
def test_a_key_that_is_none(scene, call, key):
    sent = {"Content-Type": "application/json", "Idempotency-Key": key}
    content = json.dumps(scene.body(call)).encode()
    answer = scene.caller(call).send("POST", scene.path(call), data=content, headers=sent)
    refused_as(answer, 400, "idempotency_key_invalid")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", ["/api/v1/payments", "/api/v1/gifts"])
def test_an_empty_key(scene, call):
    sent = {"Content-Type": "application/json", "Idempotency-Key": ""}
    content = json.dumps(scene.body(call)).encode()
    answer = scene.caller(call).send("POST", scene.path(call), data=content, headers=sent)
    refused_as(answer, 400, "idempotency_key_required")


@pytest.mark.parametrize(
    "call", ["/api/v1/payments", "/api/v1/gifts", "/api/v1/top-ups", "/pos/api/top-ups",
             "/pos/api/payments/{}/refunds"],
)  # fmt: skip
def test_a_key_that_stands_for_another_body_or_call(scene, call):
    key = uuid.uuid4().hex
    first = scene.post(call, scene.body(call), key=key)
    assert first.status_code == 201, first.text
    before = scene.world.one("SELECT count(*) FROM journal_entry")
    other = {**scene.body(call), "amount_fen": 101}
    refused_as(scene.post(call, other, key=key), 422, "idempotency_key_reused")
    elsewhere = "/pos/api/redemptions" if call.startswith("/pos") else "/api/v1/gifts/claim"
    refused_as(scene.post(elsewhere, scene.body(elsewhere), key=key), 422, "idempotency_key_reused")
    assert scene.world.one("SELECT count(*) FROM journal_entry") == before
    assert scene.post(call, scene.body(call), key=key).content == first.content


def test_a_refusal_does_not_use_up_the_key(scene):
    key = uuid.uuid4().hex
    bad = {**scene.body("/api/v1/payments"), "pay_point": "nowhere"}
    refused_as(scene.post("/api/v1/payments", bad, key=key), 404, "pay_point_not_found")
    assert scene.post("/api/v1/payments", scene.body("/api/v1/payments"), key=key).ok
