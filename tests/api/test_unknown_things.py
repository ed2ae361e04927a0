"""Names, numbers, cursors and methods that mean nothing: refused, and nothing changed."""

from __future__ import annotations

import pytest

from tests.api.scene import refused_as


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
    refused_as(scene.post(call, {**scene.body(call), **change}), status, code)


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
        ("/api/v1/goods", {"category": "\x00"}), ("/api/v1/articles", {"category": "x" * 41}),
    ],
)  # fmt: skip
def test_a_query_that_is_odd(scene, path, query):
    refused_as(scene.client.get(path, **query), 422, "invalid_fields")


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
    refused_as(answer, 400, "cursor_invalid")


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
    refused_as(answer, 405, "method_not_allowed")
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
    refused_as(answer, 422, "login_code_invalid")
    for username in (world.make.username(shop.staff[0]), "nobody-at-all"):
        body = {"username": username, "password": "wrong-password"}
        refused_as(world.stranger.post("/pos/api/sessions", body, key=""), 401, "sign_in_refused")
    phone = world.sign_in_member().post("/api/v1/me/phone", {"code": "nothing"}, key="")
    refused_as(phone, 422, "phone_code_invalid")
