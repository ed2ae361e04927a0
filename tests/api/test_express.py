"""The express lane and the ordinary door are one counter; only the time they take differs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import request, request_started

PADDING = " " * 5000  # A body as long as that goes in by the ordinary door.


@contextmanager
def flask_dispatches(app) -> Iterator[list[str]]:
    """The paths of the requests that Flask dispatches meanwhile."""
    seen: list[str] = []

    def note(*_: object, **__: object) -> None:
        seen.append(request.path)

    with request_started.connected_to(note, app):
        yield seen


@pytest.fixture
def shop(world):
    return world.shop()


def _pay(client, shop, *, key: str, fen: int = 1_00, padding: str = "", **headers: str):
    content = f'{{"pay_point": "{shop.pay_point.token}", "amount_fen": {fen}{padding}}}'
    sent = {"Content-Type": "application/json", "Idempotency-Key": key, **headers}
    return client.send("POST", "/api/v1/payments", data=content.encode(), headers=sent)


def _like(answer) -> tuple[int, dict[str, str]]:
    changing = {"Date", "X-Request-Id", "Content-Length", "Server", "Connection"}
    return answer.status_code, {n: v for n, v in answer.headers.items() if n not in changing}


def test_a_plain_payment_needs_no_flask_and_an_odd_one_gets_the_same_answer(world, shop):
    _, client = world.rich(shop, 10_00)
    with flask_dispatches(world.app) as seen:
        fast = _pay(client, shop, key=uuid.uuid4().hex)
    assert "/api/v1/payments" not in seen
    with flask_dispatches(world.app) as seen:
        slow = _pay(client, shop, key=uuid.uuid4().hex, padding=PADDING)
    assert "/api/v1/payments" in seen
    assert _like(fast) == _like(slow)
    assert fast.json().keys() == slow.json().keys()
    assert len(fast.headers["X-Request-Id"]) == 16
    assert world.balance(client) == 8_00


def test_one_key_through_both_doors_is_one_payment(world, shop):
    _, client = world.rich(shop, 10_00)
    key = uuid.uuid4().hex
    answers = [_pay(client, shop, key=key, padding=padding) for padding in ("", PADDING, "")]
    assert {answer.text for answer in answers} == {answers[0].text}
    assert world.balance(client) == 9_00
    again = _pay(client, shop, key=key, fen=2_00)
    assert (again.status_code, again.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("headers", "content", "refused"),
    [
        ({"Authorization": "Bearer nobody"}, None, (401, "unauthenticated")),
        ({"Authorization": "Basic nobody"}, None, (401, "unauthenticated")),
        ({"Idempotency-Key": ""}, None, (400, "idempotency_key_required")),
        ({"Idempotency-Key": "with space"}, None, (400, "idempotency_key_invalid")),
        ({"Content-Type": "text/plain"}, None, (415, "json_required")),
        ({}, b'{"pay_point": "nowhere", "amount_fen": 1}', (404, "pay_point_not_found")),
        ({}, b'{"pay_point": "nowhere", "amount_fen": "1"}', (422, "invalid_fields")),
        ({}, b'{"pay_point": "nowhere"', (400, "invalid_json")),
        ({}, b"", (422, "invalid_fields")),
    ],
)
def test_what_a_lane_is_not_sure_of_is_refused_as_ever(world, shop, headers, content, refused):
    _, client = world.rich(shop, 10_00)
    body = f'{{"pay_point": "{shop.pay_point.token}", "amount_fen": 1}}'.encode()
    sent = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex, **headers}
    answer = client.send(
        "POST", "/api/v1/payments", data=body if content is None else content, headers=sent
    )
    assert (answer.status_code, answer.json()["code"]) == refused
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json()["instance"] == "/api/v1/payments"
    assert world.balance(client) == 10_00


def test_a_refusal_of_the_lane_is_told_in_the_callers_language(world, shop):
    _, client = world.rich(shop, 10_00)
    for language, in_chinese in (("zh-CN", True), ("en", False)):
        answer = client.send(
            "POST",
            "/api/v1/payments",
            data=b'{"pay_point": "nowhere", "amount_fen": 1}',
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": uuid.uuid4().hex,
                "Accept-Language": language,
            },
        )
        detail = answer.json()["detail"]
        assert any("\u4e00" <= letter <= "\u9fff" for letter in detail) is in_chinese
