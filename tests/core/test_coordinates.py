"""Positions, and when a store is open."""

from __future__ import annotations

import math
from datetime import date, time

import pytest

from app.core.coordinates import CoordinateSystem, Position, read_position, to_gcj02
from app.core.opening_hours import OpenSpan, read, spans_on, written


def metres(one: Position, other: Position) -> float:
    north = (one.lat - other.lat) * 111_195
    east = (one.lng - other.lng) * 111_195 * math.cos(math.radians(one.lat))
    return math.hypot(north, east)


@pytest.mark.parametrize(
    ("source", "given", "wanted"),
    [
        # As coordTransform and gcoord convert them.
        (CoordinateSystem.wgs84, Position(30.657, 104.081), Position(30.654595, 104.083530)),
        (CoordinateSystem.bd09, Position(39.915, 116.404), Position(39.908657, 116.397627)),
        (CoordinateSystem.gcj02, Position(30.657, 104.081), Position(30.657, 104.081)),
        (CoordinateSystem.wgs84, Position(48.8566, 2.3522), Position(48.8566, 2.3522)),
    ],
)
def test_a_position_is_converted_to_what_maps_in_china_show(source, given, wanted):
    assert metres(to_gcj02(given, source), wanted) < 1


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("30.655822, 104.080989", Position(30.655822, 104.080989)),
        ("30.655822，104.080989", Position(30.655822, 104.080989)),
        (" 104.080989 30.655822 ", Position(30.655822, 104.080989)),
        ("-33.86,151.2", Position(-33.86, 151.2)),
        ("30.6", None),
        ("91, 181", None),
        ("30.6, abc", None),
        ("1e1, 2", None),
    ],
)
def test_a_pasted_pair_is_read(typed, found):
    assert read_position(typed) == found


WEEK = [
    OpenSpan("12345", time(9), time(14)),
    OpenSpan("12345", time(17), time(21, 30)),
    OpenSpan("67", time(20), time(2)),
]


def test_hours_are_kept_as_they_were_read():
    assert read(written(WEEK)) == list(WEEK)


def test_spans_of_a_day_come_in_order():
    monday = date(2026, 11, 23)
    assert [s.opens for s in spans_on(reversed(WEEK), monday)] == [time(9), time(17)]
