"""What the gate lets through, and that nothing else comes in or breaks it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from app.gateways.wechat.notifications import (
    NotificationKeys,
    NotificationRejected,
    open_notification,
)
from app.services.ports import OrderState, RefundState
from app.wechat_simulator.signing import seal, signature_headers

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
WECHAT = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEY_ID = "PUB_KEY_ID_0119000000012026112300000001"
APIV3_KEY = b"0123456789abcdef0123456789abcdef"
KEYS = NotificationKeys(
    public_keys={KEY_ID: WECHAT.public_key()},
    apiv3_key=APIV3_KEY,
    mchid="1900000001",
    appids=frozenset({"wx1"}),
)
TRANSACTION: dict[str, Any] = {
    "mchid": "1900000001",
    "appid": "wx1",
    "out_trade_no": "T1",
    "transaction_id": "4200001",
    "trade_state": "SUCCESS",
    "success_time": "2026-11-23T12:00:00+08:00",
    "payer": {"openid": "oPayer"},
    "amount": {"total": 100, "payer_total": 80, "currency": "CNY"},
}
REFUND: dict[str, Any] = {
    "mchid": "1900000001",
    "out_trade_no": "T1",
    "transaction_id": "4200001",
    "out_refund_no": "R1",
    "refund_id": "5030001",
    "refund_status": "SUCCESS",
    "success_time": "2026-11-23T12:00:00+08:00",
    "amount": {"total": 100, "refund": 30, "payer_total": 100, "payer_refund": 30},
}


def _body(
    told: dict[str, Any], event: str = "TRANSACTION.SUCCESS", key: bytes = APIV3_KEY
) -> bytes:
    kind = "refund" if event.startswith("REFUND") else "transaction"
    envelope = {
        "id": "event-1",
        "create_time": "2026-11-23T12:00:00+08:00",
        "resource_type": "encrypt-resource",
        "event_type": event,
        "resource": seal(key, kind, told),
    }
    return json.dumps(envelope).encode()


def _headers(
    body: bytes, *, key: rsa.RSAPrivateKey = WECHAT, key_id: str = KEY_ID, age_seconds: int = 0
) -> dict[str, str]:
    stamp = int(NOW.timestamp()) - age_seconds
    return signature_headers(key, key_id, body, timestamp=stamp)


def _reason(headers: dict[str, str], body: bytes) -> str:
    with pytest.raises(NotificationRejected) as rejected:
        open_notification(headers, body, keys=KEYS, now=NOW)
    return rejected.value.reason


def _signed_reason(body: bytes) -> str:
    return _reason(_headers(body), body)


def test_a_payment_is_read_whole() -> None:
    body = _body(TRANSACTION)
    told = open_notification(_headers(body), body, keys=KEYS, now=NOW)
    assert (told.event_id, told.kind, told.order_no) == ("event-1", "transaction", "T1")
    assert (told.state, told.amount_fen, told.currency) == (OrderState.SUCCESS, 100, "CNY")
    assert (told.transaction_id, told.payer_openid) == ("4200001", "oPayer")
    assert told.succeeded_at == NOW


@pytest.mark.parametrize("state", ["SUCCESS", "ABNORMAL", "CLOSED"])
def test_a_refund_is_read_whole(state: str) -> None:
    body = _body(REFUND | {"refund_status": state}, f"REFUND.{state}")
    told = open_notification(_headers(body), body, keys=KEYS, now=NOW)
    assert (told.kind, told.state) == ("refund", RefundState(state))
    assert (told.refund_no, told.refund_id, told.refund_fen) == ("R1", "5030001", 30)
    assert (told.order_no, told.amount_fen, told.appid) == ("T1", 100, None)


def test_the_case_of_header_names_does_not_matter() -> None:
    body = _body(TRANSACTION)
    headers = {name.upper(): value for name, value in _headers(body).items()}
    assert open_notification(headers, body, keys=KEYS, now=NOW).order_no == "T1"


def test_the_signature_type_may_be_missing() -> None:
    body = _body(TRANSACTION)
    headers = _headers(body)
    del headers["Wechatpay-Signature-Type"]
    assert open_notification(headers, body, keys=KEYS, now=NOW).order_no == "T1"


@pytest.mark.parametrize("name", ["Serial", "Timestamp", "Nonce", "Signature"])
def test_every_header_is_needed(name: str) -> None:
    body = _body(TRANSACTION)
    headers = _headers(body)
    del headers[f"Wechatpay-{name}"]
    assert _reason(headers, body) == f"missing_wechatpay_{name.lower()}"
    assert _reason(headers | {f"Wechatpay-{name}": "é"}, body).startswith("malformed")
    assert _reason(headers | {f"Wechatpay-{name}": "x" * 5000}, body).startswith("malformed")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("Wechatpay-Serial", KEY_ID + " ", "unknown_serial"),
        ("Wechatpay-Serial", KEY_ID.lower(), "unknown_serial"),
        ("Wechatpay-Signature", "WECHATPAY/SIGNTEST/abcd", "signature_probe"),
        ("Wechatpay-Signature", "!!!", "bad_signature"),
        ("Wechatpay-Signature", base64.b64encode(bytes(256)).decode(), "bad_signature"),
        ("Wechatpay-Nonce", "another", "bad_signature"),
        ("Wechatpay-Timestamp", str(int(NOW.timestamp()) + 1), "bad_signature"),
        ("Wechatpay-Timestamp", "1e9", "malformed_timestamp"),
        ("Wechatpay-Timestamp", "-1", "malformed_timestamp"),
        ("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3", "unknown_signature_type"),
    ],
)
def test_an_altered_header_is_rejected(name: str, value: str, reason: str) -> None:
    body = _body(TRANSACTION)
    assert _reason(_headers(body) | {name: value}, body) == reason


@pytest.mark.parametrize("age_seconds", [301, -301, 86400])
def test_an_old_or_future_message_is_rejected(age_seconds: int) -> None:
    body = _body(TRANSACTION)
    assert _reason(_headers(body, age_seconds=age_seconds), body) == "stale_timestamp"
    within = _headers(body, age_seconds=300)
    assert open_notification(within, body, keys=KEYS, now=NOW).order_no == "T1"


def test_an_unknown_serial_is_refused_before_anything_else() -> None:
    body = _body(TRANSACTION)
    foreign = _headers(
        body, key=STRANGER, key_id="5157F09EFDC096DE15EBE81A47057A72", age_seconds=9999
    )
    assert _reason(foreign, body) == "unknown_serial"


def test_another_key_under_our_serial_is_rejected() -> None:
    body = _body(TRANSACTION)
    assert _reason(_headers(body, key=STRANGER), body) == "bad_signature"


def test_one_byte_more_is_rejected() -> None:
    body = _body(TRANSACTION)
    assert _reason(_headers(body), body + b" ") == "bad_signature"


def test_another_merchants_sealed_message_is_rejected() -> None:
    assert _signed_reason(_body(TRANSACTION, key=bytes(32))) == "undecipherable"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mchid": "1900000002"}, "foreign_mchid"),
        ({"appid": "wx2"}, "foreign_appid"),
        ({"appid": None}, "malformed"),
        ({"amount": {"total": 100, "currency": "USD"}}, "foreign_currency"),
        ({"amount": {"total": "100", "currency": "CNY"}}, "malformed"),
        ({"amount": {"total": True, "currency": "CNY"}}, "malformed"),
        ({"amount": {"total": 1.0, "currency": "CNY"}}, "malformed"),
        ({"amount": {"total": -1, "currency": "CNY"}}, "malformed"),
        ({"amount": {"total": 10**30, "currency": "CNY"}}, "malformed"),
        ({"amount": {"total": 100}}, "malformed"),
        ({"amount": [100]}, "malformed"),
        ({"trade_state": "NOTPAY"}, "contradictory_state"),
        ({"trade_state": "PAID"}, "malformed"),
        ({"trade_state": ["SUCCESS"]}, "malformed"),
        ({"out_trade_no": ""}, "malformed"),
        ({"out_trade_no": "T\x001"}, "malformed"),
        ({"out_trade_no": "T\ud800"}, "malformed"),
        ({"success_time": "yesterday"}, "malformed"),
        ({"success_time": "2026-11-23T12:00:00"}, "malformed"),
        ({"payer": "oPayer"}, "malformed"),
    ],
)
def test_a_genuine_signature_does_not_excuse_the_content(
    change: dict[str, Any], reason: str
) -> None:
    assert _signed_reason(_body(TRANSACTION | change)) == reason


@pytest.mark.parametrize(
    ("event", "told"),
    [("REFUND.SUCCESS", TRANSACTION), ("TRANSACTION.SUCCESS", REFUND)],
)
def test_a_message_of_the_other_kind_is_malformed(event: str, told: dict[str, Any]) -> None:
    assert _signed_reason(_body(told, event)) == "malformed"


def test_an_event_of_another_product_is_rejected() -> None:
    assert _signed_reason(_body(TRANSACTION, "COUPON.USE")) == "unknown_event_type"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{}", b"\xff", b"[" * 50000, b'{"id": 1}', b'{"resource": []}'],
)
def test_signed_nonsense_is_malformed(body: bytes) -> None:
    assert _signed_reason(body) == "malformed"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_HEADER_NAMES = st.sampled_from([*_headers(b""), "X-Other"]) | st.text()


@settings(max_examples=200, deadline=None)
@given(headers=st.dictionaries(_HEADER_NAMES, st.text() | st.just(KEY_ID)), body=st.binary())
def test_whatever_a_stranger_sends_is_rejected(headers: dict[str, str], body: bytes) -> None:
    _reason(headers, body)


@settings(max_examples=100, deadline=None)
@given(
    envelope=st.fixed_dictionaries(
        {},
        optional={
            "id": _JSON,
            "event_type": _JSON | st.sampled_from(["TRANSACTION.SUCCESS", "REFUND.SUCCESS"]),
            "resource_type": _JSON | st.just("encrypt-resource"),
            "resource": _JSON
            | st.dictionaries(
                st.sampled_from(["algorithm", "nonce", "ciphertext", "associated_data"]),
                _JSON | st.just("AEAD_AES_256_GCM"),
            ),
        },
    )
)
def test_whatever_is_signed_but_wrong_is_rejected(envelope: dict[str, Any]) -> None:
    _signed_reason(json.dumps(envelope).encode())


@settings(max_examples=100, deadline=None)
@given(
    change=st.dictionaries(st.sampled_from([*TRANSACTION]), _JSON, min_size=1),
    event=st.sampled_from(["TRANSACTION.SUCCESS", "REFUND.SUCCESS", "TRANSACTION.", "."]),
)
def test_whatever_is_sealed_but_odd_raises_nothing_else(change: dict[str, Any], event: str) -> None:
    body = _body(TRANSACTION | change, event)
    try:
        told = open_notification(_headers(body), body, keys=KEYS, now=NOW)
    except NotificationRejected:
        return
    assert (told.mchid, told.appid, told.currency) == ("1900000001", "wx1", "CNY")


def test_a_clock_that_is_wrong_by_a_day_accepts_nothing() -> None:
    body = _body(TRANSACTION)
    with pytest.raises(NotificationRejected, match="stale"):
        open_notification(_headers(body), body, keys=KEYS, now=NOW + timedelta(days=1))
