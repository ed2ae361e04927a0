"""No connection, no lock, a connection lost on the way: 503 soon, nothing half done."""

from __future__ import annotations

import dataclasses
import time
import uuid
from functools import partial

import psycopg
import pytest
from sqlalchemy import text

from app.core.actor import SYSTEM
from app.db import NOT_NOW, Database, DatabaseBusy, DatabaseDown, new_engine
from app.flows.sales.paying import pay_scanned
from app.flows.together import Together
from app.web.context import keep_context
from tests.conftest import OwnDatabase
from tests.served import served


@pytest.fixture
def small(test_database: OwnDatabase):
    """A database with one connection of each kind."""
    url = test_database.database_url
    opened = Database(
        engine=new_engine(url, size=1), hot_engine=new_engine(url, autocommit=True, size=1)
    )
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def world(tmp_path_factory, test_database, make, keys):
    with served(tmp_path_factory.mktemp("pool"), test_database, make, keys) as running:
        yield running


def test_with_all_connections_taken_a_call_is_refused_within_about_two_seconds(world, small):
    shop = world.shop()
    _, client = world.rich(shop, 10_00)
    body, key = {"pay_point": shop.pay_point.token, "amount_fen": 1_00}, uuid.uuid4().hex
    together = Together(partial(pay_scanned, small), hopeless=NOT_NOW)
    poor = dataclasses.replace(world.context, database=small, payments_together=together)
    keep_context(world.app, poor)
    try:
        taken = [small.engine.raw_connection(), small.hot_engine.raw_connection()]
        begun = time.monotonic()
        refused = client.post("/api/v1/payments", body, key=key)
        also = world.stranger.get("/readyz")
        waited = time.monotonic() - begun
        for connection in taken:
            connection.close()
    finally:
        keep_context(world.app, world.context)
    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    assert int(refused.headers["Retry-After"]) >= 1
    assert also.status_code == 503
    assert 2 < waited < 20, "each of the two waits two seconds"
    assert world.rows("SELECT FROM payment WHERE store_id = :id", id=shop.store.id) == []
    assert client.post("/api/v1/payments", body, key=key).status_code == 201
    assert world.balance(client) == 9_00


def test_a_lock_that_somebody_keeps_is_a_busy_database_and_not_a_failure(small, make):
    """The server gives up waiting after a while. Nothing was written, so one may try again."""
    card = make.card(principal_fen=1_00)
    with make.database.unit_of_work(SYSTEM) as holder:
        holder.execute(text("SELECT FROM card WHERE id = :id FOR UPDATE"), {"id": card.id})
        with pytest.raises(DatabaseBusy):
            _lock_card(small, card.id)
    small.call("SELECT set_config('statement_timeout', '100ms', false)", ())
    with pytest.raises(DatabaseBusy):
        small.call("SELECT pg_sleep(5)", ())


def test_a_connection_lost_within_a_transaction_is_a_lost_database(small, test_database):
    with pytest.raises(DatabaseDown):
        _lose_connection(small, test_database)
    with small.unit_of_work(SYSTEM) as session:
        assert session.execute(text("SELECT 1")).scalar_one() == 1


def test_connections_lost_while_idle_are_not_noticed(small, test_database):
    small.call("SELECT 1", ())
    (own,) = small.call("SELECT pg_backend_pid()", ())
    with small.unit_of_work(SYSTEM) as session:
        other = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    _terminate(test_database, own, other)
    assert small.call("SELECT 1", ()) == (1,)
    with small.unit_of_work(SYSTEM) as session:
        assert session.execute(text("SELECT 1")).scalar_one() == 1


def test_without_a_server_the_database_is_lost(tmp_path):
    nowhere = f"postgresql://kaquan_app@/kaquan?host={tmp_path}"
    gone = Database(engine=new_engine(nowhere), hot_engine=new_engine(nowhere, autocommit=True))
    with pytest.raises(DatabaseDown):
        gone.call("SELECT 1", ())
    with pytest.raises(DatabaseDown), gone.unit_of_work(SYSTEM) as session:
        session.execute(text("SELECT 1"))
    gone.dispose()


def _lock_card(database: Database, card_id: int) -> None:
    with database.unit_of_work(SYSTEM) as session:
        session.execute(text("SET LOCAL lock_timeout = '100ms'"))
        session.execute(text("SELECT FROM card WHERE id = :id FOR UPDATE"), {"id": card_id})


def _lose_connection(database: Database, own: OwnDatabase) -> None:
    with database.unit_of_work(SYSTEM) as session:
        _terminate(own, session.execute(text("SELECT pg_backend_pid()")).scalar_one())
        session.execute(text("SELECT 1"))


def _terminate(own: OwnDatabase, *backends: int) -> None:
    with psycopg.connect(own.superuser_url, autocommit=True) as connection:
        for backend in backends:
            connection.execute("SELECT pg_terminate_backend(%s, 2000)", (backend,))
