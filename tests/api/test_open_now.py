"""Stores that are open now, without a position: the same, whichever way they are found."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.core.actor import SYSTEM
from app.core.clock import local, utc_now

_WAYS = {"among few": {}, "many of few hours": {"_FEW": 1}, "each its own": {"_MOST_HOURS": 1}}


@pytest.fixture(scope="module")
def city(world):
    """A city of stores: always open, never open now, closed for today, open for today only."""
    name = f"测试城{utc_now().timestamp():.0f}"
    now = local(utc_now())
    always = [["1234567", "00:00", "00:00"]]
    elsewhen = [[str((now.isoweekday() + 2) % 7 + 1), "09:00", "09:01"]]
    merchant = world.make.merchant()
    hours = {"always": always, "not now": elsewhen, "shut today": always, "for today": elsewhen}
    ids = {}
    with world.database.unit_of_work(SYSTEM) as session:
        for kind in hours:
            ids[kind] = world.make.store(merchant, name=f"{name}{kind}").id
    with world.database.unit_of_work(SYSTEM) as session:
        for kind, spans in hours.items():
            session.execute(
                text("UPDATE store SET city = :city, hours = cast(:hours AS jsonb) WHERE id = :id"),
                {"city": name, "hours": json.dumps(spans), "id": ids[kind]},
            )
        for kind, opens, closes in (
            ("shut today", None, None),
            ("for today", "00:00", "23:59:59"),
        ):
            session.execute(
                text(
                    "INSERT INTO store_special_day (merchant_id, store_id, first_on, last_on,"
                    " opens, closes, note) VALUES (:merchant, :id, :today, :tomorrow, :opens,"
                    " :closes, '')"
                ),
                {
                    "merchant": merchant.id,
                    "id": ids[kind],
                    "today": now.date(),
                    "tomorrow": now.date() + timedelta(days=1),
                    "opens": opens,
                    "closes": closes,
                },
            )
    return name, ids


@pytest.mark.parametrize("way", _WAYS)
def test_without_a_position_exactly_the_open_ones_are_listed(world, city, monkeypatch, way):
    name, ids = city
    for constant, value in _WAYS[way].items():
        monkeypatch.setattr(f"app.queries.tenants.stores.{constant}", value)
    asked = {"city": name, "open_now": "true"}
    pages, cursor = [], None
    while True:
        more = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        answer = world.stranger.get("/api/v1/stores", **asked, **more).json()
        pages += [int(one["id"]) for one in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert pages == sorted((ids["always"], ids["for today"]))
