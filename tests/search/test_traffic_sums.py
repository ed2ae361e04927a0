"""Sums that are kept up to date are those that summing everything anew gives."""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import text

from app.core.actor import SYSTEM
from app.core.clock import SHANGHAI, local_day, start_of_day, utc_now
from app.core.visits import Visit
from app.models.traffic import TrafficFold
from app.services.publishing.search_index import index_store
from app.services.publishing.traffic import keep_visits, open_day
from app.services.publishing.traffic_sums import days_to_fold, fold_day

AGENT = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36"
# Days that no other test writes to; each test has its own.
FIRST = local_day(utc_now()) - timedelta(days=700)
_DAY = text(
    "SELECT merchant_id, dimension, name, views, visitors, visits, bounces, seconds, entries, exits"
    " FROM traffic_day WHERE day = :day"
    " AND (views, visitors, visits, bounces, seconds, entries, exits) <> (0, 0, 0, 0, 0, 0, 0)"
)
_HOURS = text(
    "SELECT hour, merchant_id, views, visitors FROM traffic_hour"
    " WHERE hour >= :since AND hour < :since + interval '1 day'"
)


def sums_of(database, day) -> set[tuple]:
    since = start_of_day(day)
    with database.unit_of_work(SYSTEM) as session:
        return {
            *map(tuple, session.execute(_DAY, {"day": day})),
            *map(tuple, session.execute(_HOURS, {"since": since})),
        }


def fold(database, day, **how) -> int:
    with database.unit_of_work(SYSTEM) as session:
        return fold_day(session, day=day, **how)


def keep(database, *visits) -> None:
    with database.unit_of_work(SYSTEM) as session:
        keep_visits(session, visits=visits, own_host="kaquan.example")


def visit(day, minute: int, path: str, address: str, **more) -> Visit:
    at = start_of_day(day) + timedelta(minutes=minute)
    return Visit(**{"at": at, "kind": "view", "face": "site", "path": path, "address": address,
                    "agent": AGENT, **more})  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_adding_what_is_new_comes_to_the_same(database, make, keys, seed):
    """Visits go on over folds, come late, are left, and belong to a merchant or to nobody."""
    day, chance = FIRST + timedelta(days=seed), random.Random(seed)
    stores = [make.store() for _ in range(2)]
    [code, *_] = make.vouchers()
    with database.unit_of_work(SYSTEM) as session:
        for store in stores:
            index_store(session, store_id=store.id)
    paths = ["/", "/goods", *(f"/stores/{store.id}" for store in stores)]
    for batch in range(6):
        visits = []
        for _ in range(chance.randrange(1, 40)):
            kind = chance.choice(["view", "view", "view", "leave", "scan"])
            visits.append(
                visit(
                    day, chance.randrange(1440), chance.choice(paths),
                    f"10.0.{seed}.{chance.randrange(9)}", kind=kind,
                    seconds=chance.randrange(60) if kind == "leave" else 0,
                    face=chance.choice(["site", "h5"]),
                    campaign=chance.choice(["", "spring"]),
                    referrer=chance.choice(["", "https://www.baidu.com/s?wd=茶"]),
                    code_digests=tuple(keys.code_digests(code)) if kind == "scan" else (),
                )
            )  # fmt: skip
        keep(database, *visits)
        assert (fold(database, day) == -1) == (batch == 0)
        kept_up = sums_of(database, day)
        fold(database, day, whole=True)
        assert kept_up == sums_of(database, day), batch


def test_a_fold_without_news_looks_at_nobody(database):
    day = FIRST + timedelta(days=10)
    keep(database, visit(day, 60, "/", "10.1.0.1"), visit(day, 70, "/goods", "10.1.0.2"))
    fold(database, day)
    before = sums_of(database, day)
    assert fold(database, day) == 0
    keep(database, visit(day, 75, "/", "10.1.0.1"))
    assert fold(database, day) == 1
    assert sums_of(database, day) != before


def test_what_is_committed_after_a_later_one_is_not_missed(database):
    """The first writer commits last: by its number alone it would look folded already."""
    day = FIRST + timedelta(days=11)
    with database.unit_of_work(SYSTEM) as session:
        open_day(session, day=day)
    with database.unit_of_work(SYSTEM) as slow:
        keep_visits(slow, visits=[visit(day, 1, "/", "10.2.0.1")], own_host="")
        keep(database, visit(day, 2, "/", "10.2.0.2"))
        fold(database, day)
        fold(database, day)
    fold(database, day)
    kept_up = sums_of(database, day)
    assert (None, "all", "", 2, 2, 2, 2, 0, 2, 2) in kept_up
    fold(database, day, whole=True)
    assert kept_up == sums_of(database, day)


def test_a_restored_database_is_summed_anew(database):
    """Its transactions were counted by another server: nothing can be told of what is new."""
    day = FIRST + timedelta(days=12)
    keep(database, visit(day, 1, "/", "10.3.0.1"))
    fold(database, day)
    far = 2**40 + 1000
    with database.unit_of_work(SYSTEM) as session:
        session.get_one(TrafficFold, day).snapshot = f"{far}:{far}:"
        session.execute(
            text(
                "UPDATE page_view SET written_in = :far WHERE viewed_at BETWEEN :since AND :until"
            ),
            {
                "far": far - 5,
                "since": start_of_day(day),
                "until": datetime.combine(day, time(3), SHANGHAI),
            },
        )
    keep(database, visit(day, 2, "/", "10.3.0.2"))
    assert fold(database, day) == -1
    assert (None, "all", "", 2, 2, 2, 2, 0, 2, 2) in sums_of(database, day)


def test_days_that_the_worker_missed_are_caught_up(database):
    now = utc_now()
    today = local_day(now)
    with database.unit_of_work(SYSTEM) as session:
        for kept in session.query(TrafficFold).filter(TrafficFold.day > today - timedelta(40)):
            session.delete(kept)
        session.add(TrafficFold(day=today - timedelta(days=5), snapshot="3:3:"))
        session.flush()
        days = days_to_fold(session, now=now)
        assert (days[0], days[-1]) == (today - timedelta(days=6), today)
        session.rollback()
