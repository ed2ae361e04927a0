"""What must be refused: the right status, a stable code, a sentence, and nothing changed."""

from __future__ import annotations

import http.client
import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.core import codes
from app.core.actor import SYSTEM, Role
from app.core.clock import local_day, utc_now
from app.models.cards import Bearer
from app.models.people import StaffStatus
from app.models.tenants import MerchantStatus, StoreStatus
from app.models.vouchers import BatchKind
from app.services import cards, erasures, merchants, staff, voucher_endings
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


def _refused(answer, status: int, code: str) -> dict:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert len(answer.json()["detail"]) >= 4
    return answer.json()


# Amounts ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", WITH_AMOUNT)
@pytest.mark.parametrize(
    "amount",
    [0, -1, 1.5, 1.0, "100", "", True, False, None, [100], {"fen": 100}, 10**12, 2**63, 2**64,
     -(2**63) - 1, 10**30, 1e30],
    ids=repr,
)  # fmt: skip
def test_an_amount_that_is_no_positive_whole_number_of_fen_in_its_limits(scene, call, amount):
    told = _refused(
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
    _refused(_raw(scene, call, text.encode()), status, code)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", EVERY)
def test_missing_fields_are_named(scene, call):
    told = _refused(scene.post(call, {}), 422, "invalid_fields")
    required = {"amount_fen", "pay_point", "code", "reason", "payment_code", "claim_token", "phone"}
    assert set(told["errors"]) <= required
    assert told["errors"]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("call", "over"), [("/api/v1/payments", 10_000_001), ("/api/v1/top-ups", 5_000_001)]
)
def test_a_fen_above_the_limit(scene, call, over):
    _refused(scene.post(call, {**scene.body(call), "amount_fen": over}), 422, "invalid_fields")


# What is not JSON ---------------------------------------------------------------------------------


def _raw(scene: Scene, call: str, content: bytes, **headers: str) -> Any:
    sent = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex} | headers
    return scene.caller(call).send("POST", scene.path(call), data=content, headers=sent)


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
    _refused(_raw(scene, call, content), 400, "invalid_json")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", ["/api/v1/gifts", "/pos/api/payments"])
@pytest.mark.parametrize("depth", [100, 800, 850, 900, 920, 930, 940, 950, 960, 970, 980, 990])
def test_a_deeply_nested_field_is_never_our_failure(scene, call, depth):
    nested = b'{"amount_fen": 0, "x": ' + b"[" * depth + b"]" * depth + b"}"
    assert _raw(scene, call, nested).status_code in {400, 422}


def test_a_deeply_nested_field_that_nobody_asked_for_does_not_break_a_payment(scene):
    body = json.dumps({**scene.body("/api/v1/payments"), "x": 0}).encode()
    seen = set()
    for depth in range(700, 1000, 3):
        nested = body.replace(b'"x": 0', b'"x": ' + b"[" * depth + b"]" * depth)
        seen.add(_raw(scene, "/api/v1/payments", nested).status_code)
    assert seen <= {201, 400}


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", EVERY)
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"]
)
def test_a_wrong_content_type(scene, call, kind):
    body = json.dumps(scene.body(call)).encode()
    _refused(_raw(scene, call, body, **{"Content-Type": kind}), 415, "json_required")


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


# Keys ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", MONEY)
def test_a_money_call_without_a_key(scene, call):
    _refused(scene.post(call, scene.body(call), key=""), 400, "idempotency_key_required")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", ["/api/v1/payments", "/api/v1/gifts", "/pos/api/redemptions"])
@pytest.mark.parametrize("key", ["k" * 201, "two words", "\u00e9t\u00e9".encode(), "a\tb"])
def test_a_key_that_is_none(scene, call, key):
    sent = {"Content-Type": "application/json", "Idempotency-Key": key}
    content = json.dumps(scene.body(call)).encode()
    answer = scene.caller(call).send("POST", scene.path(call), data=content, headers=sent)
    _refused(answer, 400, "idempotency_key_invalid")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", ["/api/v1/payments", "/api/v1/gifts"])
def test_an_empty_key(scene, call):
    sent = {"Content-Type": "application/json", "Idempotency-Key": ""}
    content = json.dumps(scene.body(call)).encode()
    answer = scene.caller(call).send("POST", scene.path(call), data=content, headers=sent)
    _refused(answer, 400, "idempotency_key_required")


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
    _refused(scene.post(call, other, key=key), 422, "idempotency_key_reused")
    elsewhere = "/pos/api/redemptions" if call.startswith("/pos") else "/api/v1/gifts/claim"
    _refused(scene.post(elsewhere, scene.body(elsewhere), key=key), 422, "idempotency_key_reused")
    assert scene.world.one("SELECT count(*) FROM journal_entry") == before
    assert scene.post(call, scene.body(call), key=key).content == first.content


def test_a_refusal_does_not_use_up_the_key(scene):
    key = uuid.uuid4().hex
    bad = {**scene.body("/api/v1/payments"), "pay_point": "nowhere"}
    _refused(scene.post("/api/v1/payments", bad, key=key), 404, "pay_point_not_found")
    assert scene.post("/api/v1/payments", scene.body("/api/v1/payments"), key=key).ok


# Codes --------------------------------------------------------------------------------------------

CODE_CALLS = ("/pos/api/redemptions", "/pos/api/vouchers/lookup", "/api/v1/top-ups/redeem-code")


@pytest.fixture
def batch_of(world, scene):
    def make(call: str, **terms: Any):
        topup = call == "/api/v1/top-ups/redeem-code"
        return world.make.batch(
            issuer=terms.pop("issuer", scene.shop.merchant),
            kind=BatchKind.topup if topup else BatchKind.payment,
            program=scene.shop.program if topup else None,
            quantity=1,
            face_value_fen=10_00,
            bearer=Bearer.platform,
            **terms,
        )

    return make


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", CODE_CALLS)
@pytest.mark.parametrize(
    "spoil",
    [lambda c: c[:-1] + ("0" if c[-1] != "0" else "1"), lambda c: c[:-1], lambda c: c + "0",
     lambda c: "U" + c[1:], lambda c: "*" * 16, lambda _: "-", lambda _: "券" * 16,
     lambda _: "０" * 16],
    ids=["check character", "short", "long", "U", "stars", "dash", "Chinese", "full width"],
)  # fmt: skip
def test_a_code_with_a_typing_error(scene, call, spoil):
    _refused(scene.post(call, {"code": spoil(codes.make_code())}), 422, "code_mistyped")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", CODE_CALLS)
def test_a_code_that_is_nobodys(scene, call):
    _refused(scene.post(call, {"code": codes.make_code()}), 404, "voucher_not_found")


@pytest.mark.parametrize("call", CODE_CALLS[:2])
def test_another_merchants_code_is_not_there(scene, batch_of, call):
    [code] = scene.world.make.vouchers(batch_of(call, issuer=scene.world.make.merchant()))
    _refused(scene.post(call, {"code": code}), 404, "voucher_not_found")


@pytest.mark.parametrize("call", CODE_CALLS)
@pytest.mark.parametrize("state", ["inactive", "frozen", "voided", "expired", "other kind"])
def test_a_code_that_cannot_be_used(scene, batch_of, call, state):
    code = _code_in(scene, batch_of, call, state)
    expected = {
        "inactive": "voucher_not_active", "frozen": "voucher_frozen", "voided": "voucher_voided",
        "expired": "voucher_expired", "other kind": "voucher_of_other_kind",
    }[state]  # fmt: skip
    before = scene.world.one("SELECT count(*) FROM journal_entry")
    answer = scene.post(call, {"code": code})
    if call == "/pos/api/vouchers/lookup":
        seen = answer.json()
        assert (answer.status_code, seen["redeemable"], seen["reason"]) == (200, False, expected)
        assert seen["reason_text"]
    else:
        _refused(answer, 409, expected)
    assert scene.world.one("SELECT count(*) FROM journal_entry") == before


def _code_in(scene, batch_of, call, state):
    make = scene.world.make
    if state == "other kind":
        topup = "/api/v1/top-ups/redeem-code"
        call = "/pos/api/redemptions" if call == topup else topup
    tomorrow = local_day(utc_now()) + timedelta(days=1)
    batch = batch_of(call, expires_on=tomorrow)
    [code] = make.vouchers(batch, activate=state != "inactive")
    said = {"batch_id": batch.id, "serials": None, "reason": "test", "actor": SYSTEM}
    with scene.world.database.unit_of_work(SYSTEM) as session:
        if state == "frozen":
            voucher_endings.freeze_vouchers(session, **said)
        if state == "voided":
            voucher_endings.void_vouchers(session, **said, now=utc_now())
    if state == "expired":
        scene.world.by_superuser(
            "UPDATE voucher SET expires_on = expires_on - 3 WHERE batch_id = %s", batch.id
        )
    return code


def test_a_used_code_says_where_and_when(scene, batch_of):
    [code] = scene.world.make.vouchers(batch_of("/pos/api/redemptions"))
    done = scene.shop.cashier.post("/pos/api/redemptions", {"code": code}).json()
    told = _refused(
        scene.post("/pos/api/redemptions", {"code": code}), 409, "voucher_already_redeemed"
    )
    assert (told["redeemed_at"], told["store"]) == (done["redeemed_at"], scene.shop.store.name)
    seen = scene.post("/pos/api/vouchers/lookup", {"code": code}, key="").json()
    assert (seen["redeemable"], seen["reason"]) == (False, "voucher_already_redeemed")
    assert seen["redemption"]["redeemed_at"] == done["redeemed_at"]


def _with_look_alikes() -> str:
    """A code with a 0 and a 1 in it, so that a person may read O, I and L."""
    for number in range(1000):
        code = codes.make_code(
            bytes([0, 1, 1]) + number.to_bytes(2, "big") + uuid.uuid4().bytes[:10]
        )
        if code[:3] == "011":
            return code
    raise AssertionError


@pytest.mark.parametrize(
    "typed",
    [
        str.lower,
        codes.grouped,
        lambda c: f"  {c[:4]} {c[4:8]} {c[8:]}\t",
        lambda c: c.replace("0", "O").replace("1", "I"),
        lambda c: c.replace("0", "o").replace("1", "l"),
        lambda c: f"https://card.example/v/{codes.grouped(c)}",
    ],
    ids=["lower case", "dashes", "spaces", "O and I", "o and l", "scanned address"],
)
def test_a_code_as_people_type_it_is_understood(scene, batch_of, typed):
    batch = batch_of("/pos/api/redemptions")
    [code] = scene.world.make.vouchers(batch)
    plain = _with_look_alikes()
    digest = scene.world.make.keys.code_digests(plain)[0]
    scene.world.by_superuser(
        "UPDATE voucher SET code_digest = %s WHERE batch_id = %s", digest, batch.id
    )
    assert code != plain
    seen = scene.post("/pos/api/vouchers/lookup", {"code": typed(plain)}, key="")
    assert (seen.status_code, seen.json()["redeemable"]) == (200, True)
    assert scene.post("/pos/api/redemptions", {"code": typed(plain)}).status_code == 201


# Unknown things, and what is frozen or closed -----------------------------------------------------


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("call", "change", "status", "code"),
    [
        ("/api/v1/payments", {"pay_point": "nowhere"}, 404, "pay_point_not_found"),
        ("/api/v1/payments/quote", {"pay_point": "nowhere"}, 404, "pay_point_not_found"),
        ("/api/v1/top-ups", {"program_id": "999999999"}, 404, "program_not_found"),
        ("/api/v1/top-ups", {"program_id": "9" * 18}, 404, "program_not_found"),
        ("/api/v1/top-ups", {"program_id": "9" * 19}, 422, "invalid_fields"),
        ("/api/v1/top-ups", {"program_id": 7}, 422, "invalid_fields"),
        ("/api/v1/top-ups", {"program_id": "-1"}, 422, "invalid_fields"),
        ("/api/v1/top-ups", {"program_id": "\u0661"}, 422, "invalid_fields"),
        ("/api/v1/top-ups", {"phone": "12345"}, 422, "invalid_fields"),
        ("/api/v1/top-ups", {"phone": "13800000000\n"}, 422, "invalid_fields"),
        ("/api/v1/top-ups", {"phone": 13800000000}, 422, "invalid_fields"),
        ("/api/v1/gifts", {"card_id": "999999999"}, 404, "card_not_found"),
        ("/api/v1/gifts", {"amount_fen": 4_000_000}, 409, "gift_balance_short"),
        ("/api/v1/gifts", {"message": "长" * 201}, 422, "invalid_fields"),
        ("/api/v1/gifts", {"message": "a\x00b"}, 422, "invalid_fields"),
        ("/api/v1/gifts", {"message": 7}, 422, "invalid_fields"),
        ("/api/v1/gifts", {"cover": "x" * 41}, 422, "invalid_fields"),
        ("/api/v1/gifts/claim", {"claim_token": "unknown"}, 404, "gift_not_found"),
        ("/api/v1/gifts/claim", {"claim_token": "a\x00"}, 422, "invalid_fields"),
        ("/pos/api/top-ups", {"card_no": "99"}, 404, "card_not_found"),
        ("/pos/api/top-ups", {"phone": "13800000001"}, 422, "invalid_fields"),
        ("/pos/api/top-ups", {"card_no": None}, 422, "invalid_fields"),
        ("/pos/api/top-ups", {"card_no": None, "phone": "13999999999"}, 404, "member_not_found"),
        ("/pos/api/top-ups", {"card_no": None, "payment_code": "28"}, 422, "payment_code_invalid"),
        ("/pos/api/payments", {}, 422, "payment_code_invalid"),
        ("/pos/api/payments", {"payment_code": "\x00"}, 422, "invalid_fields"),
        ("/pos/api/payments", {"payment_code": "2" * 41}, 422, "invalid_fields"),
        ("/pos/api/payments/{}/refunds", {"amount_fen": 501}, 409, "refund_exceeds_payment"),
        ("/pos/api/payments/{}/refunds", {"reason": ""}, 422, "invalid_fields"),
        ("/pos/api/payments/{}/refunds", {"reason": "x" * 201}, 422, "invalid_fields"),
        ("/pos/api/payments/{}/refunds", {"reason": "a\x00"}, 422, "invalid_fields"),
        ("/pos/api/redemptions/{}/reverse", {}, 404, "redemption_not_found"),
        ("/pos/api/top-ups/{}/reverse", {}, 404, "top_up_not_found"),
    ],
)  # fmt: skip
def test_what_is_unknown_or_odd_is_refused(scene, call, change, status, code):
    _refused(scene.post(call, {**scene.body(call), **change}), status, code)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/payments/{}", "/api/v1/top-ups/{}", "/pos/api/payments/{}",
        "/api/v1/pay-points/{}", "/api/v1/gifts/{}/preview",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "name",
    ["0", "-1", "9" * 19, "9" * 400, "%00", "a%00b", "%ff", "%ed%a0%80", "x" * 3000, "1.5", "券",
     "%2e%2e", "'--", "NaN"],
)  # fmt: skip
def test_whatever_stands_in_an_address_is_not_found(scene, path, name):
    answer = scene.caller(path).get(path.format(name))
    assert answer.status_code == 404, answer.text
    assert answer.json()["detail"]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/payments/{}/close", "/api/v1/gifts/{}/revoke", "/pos/api/payments/{}/refunds",
        "/pos/api/redemptions/{}/reverse", "/pos/api/top-ups/{}/reverse",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["0", "9" * 19, "9" * 400, "a%00b", "%ff", "%ed%a0%80"])
def test_whatever_stands_in_the_address_of_a_money_call_is_not_found(scene, path, name):
    body = {"reason": "x", "amount_fen": 1}
    assert scene.caller(path).post(path.format(name), body).status_code == 404


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/v1/me/activities", {"limit": 0}), ("/api/v1/me/activities", {"limit": 101}),
        ("/api/v1/me/activities", {"limit": "x"}), ("/api/v1/me/activities", {"limit": 10**30}),
        ("/api/v1/me/activities", {"cursor": "x" * 401}),
        ("/api/v1/me/payments", {"status": "x"}), ("/api/v1/me/gifts", {"box": "x"}),
        ("/api/v1/stores", {"lat": 31}), ("/api/v1/stores", {"lat": 91, "lng": 0}),
        ("/api/v1/stores", {"lat": "nan", "lng": "nan"}), ("/api/v1/stores", {"q": "x" * 51}),
        ("/api/v1/stores", {"lat": "inf", "lng": "0"}), ("/api/v1/stores", {"q": "\x00"}),
    ],
)  # fmt: skip
def test_a_query_that_is_odd(scene, path, query):
    _refused(scene.client.get(path, **query), 422, "invalid_fields")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "cursor",
    ["x", "券", "W10=", "bnVsbA==", "WzEsMl0=", "WzFlOTksIDFd", "W3RydWUsIHRydWVd", "\x00", "=",
     "WzE4NDQ2NzQ0MDczNzA5NTUxNjE2LDFd"],
)  # fmt: skip
@pytest.mark.parametrize(
    "path", ["/api/v1/me/activities", "/api/v1/me/payments", "/api/v1/me/gifts", "/api/v1/stores"]
)
def test_a_cursor_that_is_not_ours(scene, path, cursor):
    answer = scene.client.get(path, cursor=cursor)
    if cursor == "WzEsMl0=" and answer.ok:
        return  # Two small numbers are where some list may well begin.
    _refused(answer, 400, "cursor_invalid")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/payments"), ("DELETE", "/api/v1/payments/1"), ("PUT", "/api/v1/me"),
        ("GET", "/pos/api/redemptions"), ("POST", "/api/v1/me/cards"), ("GET", "/pos/api/sessions"),
        ("GET", "/api/v1/gifts/1/revoke"),
    ],
)  # fmt: skip
def test_a_wrong_method(scene, method, path):
    answer = scene.caller(path).send(method, path)
    _refused(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("text", ["a\x00b", "\x1b[31m", "x" * 100_000, "\u007f", "", "\ud800"])
def test_odd_names_and_words_in_signing_in(world, text):
    stranger = world.stranger
    for path, body in (
        ("/api/v1/sessions", {"code": text}),
        ("/pos/api/sessions", {"username": text, "password": "x"}),
        ("/pos/api/sessions", {"username": "x", "password": text}),
    ):
        assert stranger.post(path, body, key="").status_code in {400, 422}, path
    client = world.sign_in_member()
    assert client.send("PATCH", "/api/v1/me", json={"nickname": text}).status_code in {400, 422}


def test_an_unknown_login_code_and_a_wrong_password(world, shop):
    answer = world.stranger.post("/api/v1/sessions", {"code": "nobody"}, key="")
    _refused(answer, 422, "login_code_invalid")
    for username in (world.make.username(shop.staff[0]), "nobody-at-all"):
        body = {"username": username, "password": "wrong-password"}
        _refused(world.stranger.post("/pos/api/sessions", body, key=""), 401, "sign_in_refused")
    phone = world.sign_in_member().post("/api/v1/me/phone", {"code": "nothing"}, key="")
    _refused(phone, 422, "phone_code_invalid")


# Who may not --------------------------------------------------------------------------------------


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
    _refused(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", EVERY)
def test_a_members_token_is_none_at_the_till_and_the_other_way_round(scene, call):
    wrong = scene.client if call.startswith("/pos/") else scene.shop.manager
    answer = wrong.post(scene.path(call), scene.body(call))
    _refused(answer, 401, "unauthenticated")


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
    _refused(client.post(scene.path(call), scene.body(call)), 401, "unauthenticated")


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
    _refused(client.post("/api/v1/payments", pay), 409, "store_closed")
    cash = shop.cashier.post("/pos/api/top-ups", {"card_no": card_no, "amount_fen": 100})
    redeem = shop.cashier.post("/pos/api/redemptions", {"code": code})
    payment_code = client.post("/api/v1/me/payment-code", key="").json()["code"]
    charged = {"payment_code": payment_code, "amount_fen": 100}
    charge = shop.cashier.post("/pos/api/payments", charged)
    # A frozen merchant's staff is signed out; a closed store's is told.
    expected = (409, "store_closed") if what == "store" else (401, "unauthenticated")
    for answer in (cash, redeem, charge):
        _refused(answer, *expected)
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
    _refused(gift, 409, "gift_balance_short")
    named = client.post("/api/v1/gifts", {"amount_fen": 1, "message": "", "card_id": card["id"]})
    assert named.status_code in {404, 409}
    cash = {"card_no": card["card_no"], "amount_fen": 1_00}
    _refused(shop.cashier.post("/pos/api/top-ups", cash), 409, "card_frozen")
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
        _refused(answer, 403, "member_frozen")
    assert world.balance(client) == 10_00


def test_an_erased_members_token_is_refused(world, shop):
    member, client = world.rich(shop, 10_00)
    with world.database.unit_of_work(SYSTEM) as session:
        erasures.erase_member(session, member_id=member.id, actor=SYSTEM, now=utc_now())
    _refused(client.get("/api/v1/me"), 401, "unauthenticated")
    pay = {"pay_point": shop.pay_point.token, "amount_fen": 1}
    _refused(client.post("/api/v1/payments", pay), 401, "unauthenticated")


def test_a_dismissed_cashier_is_out_at_once(world, shop):
    assert shop.cashier.get("/pos/api/me").ok
    with world.database.unit_of_work(SYSTEM) as session:
        staff.set_staff_status(
            session, staff_id=shop.staff[0].id, status=StaffStatus.frozen, reason="left",
            actor=SYSTEM,
        )  # fmt: skip
    _refused(shop.cashier.get("/pos/api/me"), 401, "unauthenticated")


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
        assert _refused(answer, 409, "card_cap_exceeded")["room_fen"] == 10_00


def test_a_top_up_below_the_programs_minimum(world):
    shop = world.shop(min_top_up_fen=50_00)
    _, client = world.rich(shop, 0)
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    body = {"amount_fen": 49_99, "program_id": str(shop.program.id)}
    for answer in (
        client.post("/api/v1/top-ups", body),
        shop.cashier.post("/pos/api/top-ups", {"card_no": card_no, "amount_fen": 49_99}),
    ):
        assert _refused(answer, 422, "top_up_below_minimum")["minimum_fen"] == 50_00


def test_the_language_is_the_callers(scene):
    chinese = scene.world.stranger.get("/api/v1/me").json()
    english = scene.world.stranger.send(
        "GET", "/api/v1/me", headers={"Accept-Language": "en"}
    ).json()
    assert english["detail"] == "Please sign in again."
    assert chinese["code"] == english["code"]
