"""How often a call goes to PostgreSQL and back: fixed numbers, counted on the wire."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.served import Served, Shop, served
from tests.wire_count import Wire, counted_wire

COMBINED, LOOK = 2, 6
WARM = 7  # psycopg prepares a statement when it is used for the sixth time.


@dataclass(frozen=True)
class Counted:
    world: Served
    wire: Wire
    limits: bool

    def trips(self, call: Callable[[], object]) -> int:
        for _ in range(WARM):
            call()
        before = self.wire.round_trips
        call()
        return self.wire.round_trips - before


@pytest.fixture(scope="module", params=[False, True], ids=["limits off", "limits on"])
def counted(request, tmp_path_factory, test_database, make, keys) -> Iterator[Counted]:
    directory = tmp_path_factory.mktemp("wire")
    with counted_wire(directory, test_database.database_url) as wire:
        own = dataclasses.replace(test_database, database_url=wire.url)
        home = tmp_path_factory.mktemp("counted")
        with served(home, own, make, keys, rate_limits=request.param) as world:
            yield Counted(world, wire, request.param)


@pytest.fixture
def shop(counted) -> Shop:
    return counted.world.shop()


def _ok(answer) -> None:
    assert answer.status_code in {200, 201}, answer.text


def test_paying_from_the_card_is_one_round_trip(counted, shop):
    _, client = counted.world.rich(shop, 100_00)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 1}
    trips = counted.trips(lambda: _ok(client.post("/api/v1/payments", body)))
    assert trips == (2 if counted.limits else 1)


def test_charging_a_payment_code_is_one_round_trip(counted, shop):
    _, client = counted.world.rich(shop, 100_00)
    codes = [client.post("/api/v1/me/payment-code", key="").json()["code"] for _ in range(WARM + 1)]

    def charge():
        _ok(shop.cashier.post("/pos/api/payments", {"payment_code": codes.pop(), "amount_fen": 1}))

    assert counted.trips(charge) == (2 if counted.limits else 1)


def test_redeeming_is_one_round_trip(counted, shop):
    make = counted.world.make
    codes = make.vouchers(make.batch(issuer=shop.merchant, quantity=WARM + 1))
    trips = counted.trips(
        lambda: _ok(shop.cashier.post("/pos/api/redemptions", {"code": codes.pop()}))
    )
    assert trips == (2 if counted.limits else 1)


def test_a_cash_top_up_is_one_round_trip(counted, shop):
    _, client = counted.world.rich(shop, 0)
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    body = {"card_no": card_no, "amount_fen": 1}
    trips = counted.trips(lambda: _ok(shop.cashier.post("/pos/api/top-ups", body)))
    assert trips == (2 if counted.limits else 1)


def test_an_answer_that_is_kept_is_one_round_trip(counted, shop):
    _, client = counted.world.rich(shop, 100_00)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 1}
    trips = counted.trips(lambda: _ok(client.post("/api/v1/payments", body, key="again")))
    assert trips == (2 if counted.limits else 1)


def test_a_combined_payment_has_a_fixed_number_of_round_trips(counted, shop):
    """One to hold the card part and read what WeChat is asked for, one to keep its answer."""
    _, client = counted.world.rich(shop, 0)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 1}
    trips = counted.trips(lambda: _ok(client.post("/api/v1/payments", body)))
    assert trips == COMBINED + counted.limits


def test_looking_at_a_payment_has_a_fixed_number_of_round_trips(counted, shop):
    """What a waiting phone does five times a second."""
    _, client = counted.world.rich(shop, 1_00)
    body = {"pay_point": shop.pay_point.token, "amount_fen": 1}
    payment = client.post("/api/v1/payments", body).json()
    trips = counted.trips(lambda: _ok(client.get(f"/api/v1/payments/{payment['id']}")))
    assert trips == LOOK + counted.limits
