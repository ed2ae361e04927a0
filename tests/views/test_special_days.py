"""Whether a store is open: its weekly hours, past midnight too, and special days before them."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import select, text

from app.core.actor import PUBLIC, SYSTEM, Actor, Role, Scope
from app.core.clock import SHANGHAI, local_day, utc_now
from app.core.opening_hours import EVERY_DAY, OpenSpan, written
from app.models.tenants import Store, StoreSpecialDay
from app.queries.tenants import stores
from app.queries.tenants.stores import list_stores
from app.services.tenants.store_days import SpecialDay, SpecialDayTaken, add_special_day

# 23 November 2026 is a Monday.
WEEK = [
    OpenSpan("12345", time(9), time(12)),
    OpenSpan("12345", time(17), time(21, 30)),
    OpenSpan("67", time(20), time(2)),
]


def is_open(database, store_id: int, hours, now: datetime) -> bool:
    with database.unit_of_work(PUBLIC) as session:
        return session.scalar(
            text("SELECT kaquan.is_store_open(:id, cast(:hours AS jsonb), :now)"),
            {"id": store_id, "hours": json.dumps(written(hours)), "now": now},
        )


def at(day: int, clock: str) -> datetime:
    return datetime.combine(date(2026, 11, day), time.fromisoformat(clock), SHANGHAI)


@pytest.mark.parametrize(
    ("day", "clock", "open_now"),
    [
        (23, "09:00", True),
        (23, "14:00", False),
        (23, "17:00", True),
        (23, "21:30", False),
        (28, "19:59", False),  # Saturday
        (28, "23:59", True),
        (29, "01:59", True),  # Sunday, since Saturday's evening
        (29, "02:00", False),
        (30, "01:00", True),  # Monday, since Sunday's evening
        (24, "01:00", False),
    ],
)
def test_weekly_hours_pass_midnight(database, day, clock, open_now):
    assert is_open(database, 0, WEEK, at(day, clock)) is open_now


def test_no_hours_are_all_hours(database):
    for clock in ("00:00", "12:00", "23:59:59.9"):
        assert is_open(database, 0, [], at(23, clock))
        assert is_open(database, 0, [OpenSpan(EVERY_DAY, time(0), time(0))], at(23, clock))


@pytest.fixture(scope="module")
def store(database, make):
    """Closed on the 24th and 25th, open through the night of the 28th."""
    made = make.store()
    with database.unit_of_work(SYSTEM) as session:
        for first, last, opens, closes in (
            (24, 25, None, None),
            (28, 28, time(22), time(4)),
        ):
            session.add(
                StoreSpecialDay(
                    merchant_id=made.merchant_id, store_id=made.id, opens=opens, closes=closes,
                    first_on=date(2026, 11, first), last_on=date(2026, 11, last),
                )
            )  # fmt: skip
    return made


@pytest.mark.parametrize(
    ("day", "clock", "open_now"),
    [
        (23, "09:30", True),
        (24, "09:30", False),
        (25, "18:00", False),
        (26, "09:30", True),
        (28, "20:30", False),  # Opens later than on other Saturdays,
        (28, "22:00", True),
        (29, "03:59", True),  # and closes later.
        (29, "04:00", False),
    ],
)
def test_special_days_go_before_the_week(database, store, day, clock, open_now):
    assert is_open(database, store.id, WEEK, at(day, clock)) is open_now
    if day in {24, 25}:  # Closed for a day is closed also for who never closes.
        assert is_open(database, store.id, [], at(day, clock)) is False


def test_members_hear_of_it_and_find_only_what_is_open(database, make):
    store, actor = make.store(), Actor(scope=Scope.system)
    now = utc_now()
    today = local_day(now)

    def seen(**how):
        with database.unit_of_work(PUBLIC) as session:
            found, _ = list_stores(
                session, now=now, lat=None, lng=None, q=None, limit=1, after=None, member=False,
                store_id=store.id, **how,
            )  # fmt: skip
        return found

    assert seen(open_only=True)[0].open_now
    day = SpecialDay(first_on=today, last_on=today + timedelta(days=1), note="盘点")
    with database.unit_of_work(SYSTEM) as session:
        add_special_day(session, store_id=store.id, day=day, actor=actor, now=now)
    [found] = seen()
    assert not found.open_now
    assert [(d.first_on, d.opens_at, d.note) for d in found.special_days] == [(today, None, "盘点")]
    assert seen(open_only=True) == []
    with database.unit_of_work(SYSTEM) as session, pytest.raises(SpecialDayTaken):
        add_special_day(session, store_id=store.id, day=day, actor=actor, now=now)


@pytest.mark.parametrize("limits", [{}, {"_FEW": 1}, {"_MOST_HOURS": 1}])
def test_the_nearest_that_is_open_may_be_far_away(database, make, monkeypatch, limits):
    """Found among the few that are open, or by looking farther and farther: the same."""
    for name, limit in limits.items():
        monkeypatch.setattr(stores, name, limit)
    here = {"lat": -49.35, "lng": 69.2}  # Where no other test has a store.
    nowhere, near, special, far = made = [make.store() for _ in range(4)]
    with database.unit_of_work(SYSTEM) as session:
        for number, one in enumerate((near, special, far)):
            kept = session.get_one(Store, one.id)
            kept.lat, kept.lng = here["lat"], here["lng"] + number / 50
            kept.hours = written([] if one is far else [OpenSpan("1", time(9), time(17, 30))])
        session.add(
            StoreSpecialDay(
                merchant_id=special.merchant_id, store_id=special.id, opens=time(2), closes=time(4),
                first_on=date(2026, 11, 24), last_on=date(2026, 11, 24),
            )
        )  # fmt: skip

    def nearest(now: datetime) -> list[int]:
        with database.unit_of_work(PUBLIC) as session:
            found, _ = list_stores(
                session, now=now, **here, q=None, limit=100, after=None, member=False,
                open_only=True,
            )  # fmt: skip
        return [one.id for one in found if one.id in {one.id for one in made}]

    # Whoever has no position comes last of all, be it on this page or not.
    for now, expected in (
        (at(24, "03:00"), [special, far]),
        (at(24, "05:00"), [far]),
        (at(23, "10:00"), [near, special, far]),
    ):
        found = [one for one in nearest(now) if one != nowhere.id]
        assert found == nearest(now)[: len(expected)] == [one.id for one in expected]


def test_a_manager_closes_for_a_day_at_the_console(app, make, signed_in, database):
    store, other = make.store(), make.store()
    browser = signed_in(make.staff(Role.store_manager, store))
    today = local_day(utc_now())
    # Tomorrow, too: midnight may come between two lines of this test.
    fields = {"first_on": f"{today}", "last_on": f"{today + timedelta(days=1)}", "note": "春节"}
    path = f"/console/store-days/{store.id}/add"
    wrong = {**fields, "last_on": f"{today - timedelta(days=1)}"}
    assert browser.post(path, wrong).status_code == 422
    assert browser.post(path, {**fields, "opens": "09:00"}).status_code == 422
    for _ in range(2):  # The second is another form: the day is taken.
        answer = browser.post(path, fields)
    assert answer.status_code == 422
    page = browser.get(f"/console/store-days/{store.id}").text
    assert "春节" in page
    site = app.test_client().get(f"/stores/{store.id}").text
    assert "春节" in site
    assert "state-shut" in site
    api = app.test_client().get(f"/api/v1/stores/{store.id}").json
    assert api["open_now"] is False
    assert api["special_days"][0]["note"] == "春节"
    assert browser.get(f"/console/store-days/{other.id}").status_code == 404
    assert browser.get(f"/console/store-days/{other.id}/add").status_code == 404
    with database.unit_of_work(SYSTEM) as session:
        day_id = session.scalar(
            select(StoreSpecialDay.id).where(StoreSpecialDay.store_id == store.id)
        )
        theirs = StoreSpecialDay(
            merchant_id=other.merchant_id, store_id=other.id, first_on=today, last_on=today
        )
        session.add(theirs)
        session.flush()
        their_id = theirs.id
    assert browser.post(f"/console/store-days/drop/{day_id}").status_code == 302
    assert "春节" not in app.test_client().get(f"/stores/{store.id}").text
    form = "/console/password/"
    assert browser.post(f"/console/store-days/drop/{their_id}", form=form).status_code == 404
    with database.unit_of_work(SYSTEM) as session:
        assert session.get(StoreSpecialDay, their_id) is not None
        assert session.get_one(Store, store.id).hours == []
