"""Hourly figures: equal to the rows, whatever comes late, and wrong in silence never."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from app.core.actor import SYSTEM, Actor, Scope
from app.core.clock import utc_now
from app.models.sales import Payment
from app.queries.invariants import check_invariants
from app.queries.narrowing import Narrowing
from app.queries.rollups import sum_filtered
from app.services.rollups import fold_rollups, rebuild_rollups

SUMS = ("amount_fen", "card_fen", "wechat_fen")
_INSERT = (
    "INSERT INTO payment (payment_no, merchant_id, store_id, member_id, status, amount_fen,"
    " card_fen, wechat_fen, commission_bp, created_at, closed_at)"
    " SELECT 'PR' || gen_random_uuid(), %s, %s, 1, 'closed', n, n, 0, 0,"
    " now() - %s * interval '1 h', now() FROM generate_series(1, %s) n"
)


@pytest.fixture
def superuser(test_database):
    with psycopg.connect(test_database.superuser_url, autocommit=True) as connection:
        yield connection


def fold(database) -> int:
    with database.unit_of_work(SYSTEM) as session:
        return fold_rollups(session, now=utc_now())


def totals(database, store, **narrowed):
    actor = Actor(scope=Scope.store, merchant_id=store.merchant_id, store_id=store.id)
    with database.unit_of_work(actor) as session:
        narrowing = Narrowing(when="created_at", **narrowed)
        found = sum_filtered(session, Payment, narrowing, SUMS)
    return None if found is None else (found.rows, found.sums_fen)


def broken(database) -> list[str]:
    with database.unit_of_work(SYSTEM) as session:
        return [result.id for result in check_invariants(session) if not result.ok]


def test_whole_hours_and_the_youngest_rows_add_up_to_all_rows(database, make, superuser):
    store, other = make.store(), make.store()
    superuser.execute(_INSERT, (store.merchant_id, store.id, 30, 3))
    superuser.execute(_INSERT, (other.merchant_id, other.id, 30, 9))
    fold(database)
    superuser.execute(_INSERT, (store.merchant_id, store.id, 0, 4))
    assert totals(database, store) == (7, (16, 16, 0))
    day_ago = utc_now() - timedelta(hours=24)
    since = day_ago.replace(minute=0, second=0, microsecond=0)
    assert totals(database, store, since=since) == (4, (10, 10, 0))
    assert totals(database, store, until=since) == (3, (6, 6, 0))
    assert totals(database, store, tender="wechat") == (0, (0, 0, 0))
    assert totals(database, store, equal=(("status", "paid"),)) == (0, (0, 0, 0))


def test_a_row_that_comes_late_is_missed_by_no_figure(database, make, superuser):
    store = make.store()
    superuser.execute(_INSERT, (store.merchant_id, store.id, 30, 1))
    fold(database)
    superuser.execute(_INSERT, (store.merchant_id, store.id, 30, 2))
    assert totals(database, store) is None, "the hour is noted; the rows are asked"
    assert broken(database) == []
    fold(database)
    assert totals(database, store) == (3, (4, 4, 0))


def test_a_row_that_changes_late_is_summed_again(database, make, superuser):
    store = make.store()
    superuser.execute(_INSERT, (store.merchant_id, store.id, 30, 2))
    fold(database)
    superuser.execute("UPDATE payment SET status = 'closing' WHERE store_id = %s", (store.id,))
    assert totals(database, store) is None
    fold(database)
    assert totals(database, store, equal=(("status", "closing"),)) == (2, (3, 3, 0))
    assert totals(database, store, equal=(("status", "closed"),)) == (0, (0, 0, 0))
    superuser.execute("UPDATE payment SET status = 'closed' WHERE store_id = %s", (store.id,))
    fold(database)


def test_verify_notices_a_wrong_figure_and_a_rebuild_mends_it(database, make, superuser):
    store = make.store()
    superuser.execute(_INSERT, (store.merchant_id, store.id, 30, 2))
    fold(database)
    superuser.execute(
        "UPDATE hourly_rollup SET amount_fen = amount_fen + 1 WHERE store_id = %s", (store.id,)
    )
    assert broken(database) == ["F1", "F3"]
    with database.unit_of_work(SYSTEM) as session:
        assert rebuild_rollups(session, now=utc_now()) > 0
    assert broken(database) == []
    superuser.execute("UPDATE hour_range SET max_id = min_id - 1 WHERE source = 'payment'")
    assert broken(database) == ["F1"]
    with database.unit_of_work(SYSTEM) as session:
        rebuild_rollups(session, now=utc_now())
    assert broken(database) == []


def test_a_merchant_sees_its_own_figures_only(database, make, superuser):
    store, stranger = make.store(), make.merchant()
    superuser.execute(_INSERT, (store.merchant_id, store.id, 30, 2))
    fold(database)
    for merchant_id, seen in ((store.merchant_id, 2), (stranger.id, 0)):
        actor = Actor(scope=Scope.merchant, merchant_id=merchant_id)
        with database.unit_of_work(actor) as session:
            found = sum_filtered(session, Payment, Narrowing(when="created_at"), SUMS)
        assert found is not None
        assert found.rows == seen


def test_what_is_paid_at_an_instant_long_past_is_missed_by_no_figure(database, make, superuser):
    """The row itself is new: only one of its instants lies in an hour that was summed."""
    store = make.store()
    superuser.execute(_INSERT, (store.merchant_id, store.id, 0, 1))
    fold(database)
    superuser.execute(
        "UPDATE payment SET paid_at = now() - interval '30 h' WHERE store_id = %s", (store.id,)
    )
    assert broken(database) == []
    fold(database)
    assert broken(database) == []
