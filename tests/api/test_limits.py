"""Too many calls: who is told to wait, for how long, and who is not kept waiting."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest

from app.core import codes
from app.core.keys import token_digest
from app.web.limits import MONEY, READ, SIGN_IN, TILL, WRONG_CODE, WRONG_PASSWORD
from tests.factories import PASSWORD
from tests.served import Served, at_once, served


@pytest.fixture(scope="module")
def strict(tmp_path_factory, test_database, make, keys) -> Iterator[Served]:
    """The program as it is run: with its limits on."""
    home = tmp_path_factory.mktemp("strict")
    with served(home, test_database, make, keys, rate_limits=True) as running:
        yield running


HALF_MINUTE = 30.0  # So far an empty bucket is from its next token: no machine is as slow as that.


def _exhaust(world: Served, limit, whose: str) -> None:
    """As if somebody had called so much that it takes half a minute until the next call."""
    _empty(world, limit, whose, left=1 - HALF_MINUTE * limit.per_second)


def _empty(world: Served, limit, whose: str, *, left: float = 0) -> None:
    """As if somebody had called until nothing but that was left. It fills again from now on."""
    world.by_superuser(
        "INSERT INTO rate_limit_bucket (name, tokens, refilled_at) VALUES (%s, %s, now())"
        " ON CONFLICT (name) DO UPDATE SET tokens = excluded.tokens, refilled_at = now()",
        f"{limit.name}:{whose}",
        left,
    )


def _of(client) -> str:
    return token_digest(client.token)[:12].hex()


def _told_to_wait(answer) -> int:
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert answer.json()["detail"]
    seconds = int(answer.headers["Retry-After"])
    assert seconds >= 1
    return seconds


def test_an_empty_bucket_says_how_long_to_wait_and_lets_in_after_that(strict):
    shop = strict.shop()
    _, client = strict.rich(shop, 10_00)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 1}
    key = uuid.uuid4().hex
    emptied = time.monotonic()
    _exhaust(strict, MONEY, _of(client))
    seconds = _told_to_wait(client.post("/api/v1/payments", body, key=key))
    assert HALF_MINUTE - (time.monotonic() - emptied) <= seconds <= HALF_MINUTE
    assert strict.balance(client) == 10_00
    strict.by_superuser(  # The time that it was told to wait goes by.
        "UPDATE rate_limit_bucket SET refilled_at = refilled_at - make_interval(secs => %s)"
        " WHERE name = %s", seconds, f"{MONEY.name}:{_of(client)}",
    )  # fmt: skip
    assert client.post("/api/v1/payments", body, key=key).status_code == 201


def test_a_bucket_is_one_callers_only(strict):
    shop = strict.shop()
    clients = [strict.rich(shop, 10_00)[1] for _ in range(2)]
    _exhaust(strict, READ, _of(clients[0]))
    assert [c.get("/api/v1/me").status_code for c in clients] == [429, 200]


@pytest.mark.parametrize(("limit", "path"), [(READ, "/api/v1/me"), (TILL, "/pos/api/me")])
def test_a_burst_beyond_the_bucket_is_cut_and_never_more_is_let_through(strict, limit, path):
    shop = strict.shop()
    client = shop.cashier if limit is TILL else strict.rich(shop, 0)[1]
    started = time.monotonic()
    _empty(strict, limit, _of(client), left=10)
    answers = at_once([partial(client.get, path)] * 32)
    let_in = Counter(answer.status_code for answer in answers)[200]
    most = 10 + (time.monotonic() - started) * limit.per_second + 1
    assert 10 <= let_in <= most


def test_five_looks_a_second_are_let_through_for_as_long_as_one_waits(strict):
    assert READ.per_second >= 5
    _, client = strict.rich(strict.shop(), 0)
    _empty(strict, READ, _of(client), left=1)  # Somebody who has looked for long already.
    for _ in range(10):
        assert client.get("/api/v1/me/cards").status_code == 200
        time.sleep(0.2)


def test_wrong_passwords_lock_the_account_and_a_right_one_must_wait(strict):
    shop = strict.shop()
    username = strict.make.username(shop.staff[0])
    wrong = {"username": username, "password": "not-the-password"}
    right = {"username": username, "password": PASSWORD}
    _empty(strict, WRONG_PASSWORD, username, left=2)
    sign_in = partial(strict.stranger.post, "/pos/api/sessions", key="")
    assert [sign_in(wrong).status_code for _ in range(2)] == [401, 401]
    assert _told_to_wait(sign_in(right)) <= 1 / WRONG_PASSWORD.per_second
    assert _told_to_wait(sign_in({**right, "username": username.upper()})) > 1
    other = strict.make.username(shop.staff[1])
    assert sign_in({"username": other, "password": PASSWORD}).status_code == 201


def test_a_right_password_is_not_counted(strict):
    username = strict.make.username(strict.shop().staff[0])
    _empty(strict, WRONG_PASSWORD, username, left=1)
    body = {"username": username, "password": PASSWORD}
    for _ in range(3):
        assert strict.stranger.post("/pos/api/sessions", body, key="").status_code == 201


def test_signing_in_is_limited_by_address(strict):
    _exhaust(strict, SIGN_IN, "127.0.0.1")
    try:
        code = {"code": f"demo-{uuid.uuid4().hex}"}
        _told_to_wait(strict.stranger.post("/api/v1/sessions", code, key=""))
    finally:
        _empty(strict, SIGN_IN, "127.0.0.1", left=SIGN_IN.at_once)


def test_guessed_codes_are_counted_and_typing_errors_are_not(strict):
    shop = strict.shop()
    _empty(strict, WRONG_CODE, f"staff:{shop.staff[0].id}", left=2)
    look = partial(shop.cashier.post, "/pos/api/vouchers/lookup", key="")
    mistyped = {"code": codes.make_code()[:-1]}
    assert {look(mistyped).status_code for _ in range(4)} == {422}
    assert [look({"code": codes.make_code()}).status_code for _ in range(2)] == [404, 404]
    assert _told_to_wait(look({"code": codes.make_code()})) > 1


def test_guesses_at_looking_up_and_at_redeeming_are_counted_together(strict):
    """And by person: signing in again gives no new guesses."""
    shop = strict.shop()
    _empty(strict, WRONG_CODE, f"staff:{shop.staff[0].id}", left=2)
    again = strict.as_staff(shop.staff[0])
    guess = {"code": codes.make_code()}
    assert shop.cashier.post("/pos/api/redemptions", guess).status_code == 404
    assert again.post("/pos/api/vouchers/lookup", guess, key="").status_code == 404
    _told_to_wait(again.post("/pos/api/redemptions", guess))
    _told_to_wait(shop.cashier.post("/pos/api/vouchers/lookup", guess, key=""))


def test_guessed_top_up_codes_are_counted(strict):
    member, client = strict.rich(strict.shop(), 0)
    _empty(strict, WRONG_CODE, f"member:{member.id}", left=1)
    guess = partial(client.post, "/api/v1/top-ups/redeem-code")
    assert guess({"code": codes.make_code()}).status_code == 404
    assert _told_to_wait(guess({"code": codes.make_code()})) > 1


def test_a_right_code_at_the_till_goes_through_while_others_guess(strict):
    shop = strict.shop()
    [code] = strict.make.vouchers(strict.make.batch(issuer=shop.merchant, quantity=1))
    _empty(strict, WRONG_CODE, f"staff:{shop.staff[0].id}", left=-10)
    assert shop.manager.post("/pos/api/redemptions", {"code": code}).status_code == 201


def test_an_answer_of_429_is_not_kept_for_its_key(strict):
    shop = strict.shop()
    _, client = strict.rich(shop, 10_00)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 1}
    _exhaust(strict, MONEY, _of(client))
    assert client.post("/api/v1/payments", body, key="the-key").status_code == 429
    kept = "SELECT count(*) FROM idempotency_record WHERE key = 'the-key' AND caller = :caller"
    me = client.get("/api/v1/me").json()["id"]
    assert strict.one(kept, caller=f"member:{me}") == 0


def test_wrong_passwords_for_an_approval_are_counted_as_at_the_door(strict):
    shop = strict.shop()
    manager = shop.staff[1]
    body = {"action": "reverse_redemption", "number": "R1", "reason": "typed wrongly"}
    asked = shop.cashier.post("/pos/api/approvals", body).json()["id"]
    path = f"/pos/api/approvals/{asked}/approve"
    wrong = {"approver": {"username": manager.name, "password": "guess"}}
    _empty(strict, WRONG_PASSWORD, manager.name, left=1)
    assert shop.cashier.post(path, wrong).status_code == 401
    _told_to_wait(shop.cashier.post(path, wrong))
    at_the_door = {"username": manager.name, "password": PASSWORD}
    _told_to_wait(strict.stranger.post("/pos/api/sessions", at_the_door))
