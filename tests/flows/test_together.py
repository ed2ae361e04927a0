"""Calls that come at the same time: who goes with whom, and whose answer is whose."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.flows.together import Together

PATIENCE = 30.0


class Road:
    """Answers a call with its double; every group waits at the gate until it is open."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate, self.left = threading.Event(), threading.Event()

    def send(self, group):
        self.groups.append(list(group))
        self.left.set()
        assert self.gate.wait(PATIENCE)
        if 13 in group:
            raise ValueError("thirteen")
        return {place: 2 * asked for place, asked in enumerate(group) if asked % 2 == 0}


def _while_one_is_under_way(calls):
    """The first call holds the road until all others wait; then it is opened. All answers."""
    road = Road()
    together = Together(road.send)
    with ThreadPoolExecutor(len(calls) + 1) as pool:
        first = pool.submit(together.ask, 2)
        assert road.left.wait(PATIENCE)
        others = [pool.submit(together.ask, call) for call in calls]
        while len(together._waiting) < len(calls):
            threading.Event().wait(0.001)
        road.gate.set()
        return road.groups, first.result(PATIENCE), [one.result(PATIENCE) for one in others]


def test_a_call_on_a_quiet_road_goes_at_once():
    road = Road()
    road.gate.set()
    assert Together(road.send).ask(4) == 8
    assert road.groups == [[4]]


def test_who_comes_meanwhile_goes_together():
    groups, first, others = _while_one_is_under_way([4, 6, 8])
    assert first == 4
    assert others == [8, 12, 16]
    assert [sorted(group) for group in groups] == [[2], [4, 6, 8]]


def test_who_is_left_out_of_the_answer_goes_alone():
    _, _, others = _while_one_is_under_way([4, 5, 6])
    assert others == [8, None, 12]


def test_a_group_that_fails_is_told_to_go_alone_and_the_road_stays_open():
    road = Road()
    road.gate.set()
    together = Together(road.send)
    assert together.ask(13) is None
    assert together.ask(4) == 8
    _, first, others = _while_one_is_under_way([4, 13])
    assert (first, others) == (4, [None, None])


def test_a_group_without_hope_is_told_so():
    def send(group):
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        Together(send, hopeless=(ConnectionError,)).ask(4)


def test_a_group_has_an_end_and_the_rest_goes_next():
    calls = list(range(100, 140, 2))
    groups, _, others = _while_one_is_under_way(calls)
    assert others == [2 * call for call in calls]
    assert [len(group) for group in groups] == [1, 16, 4]


def test_many_calls_from_many_threads_are_each_answered():
    together = Together(lambda group: {place: -asked for place, asked in enumerate(group)})
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(together.ask, range(1, 3000))) == [-n for n in range(1, 3000)]


def test_one_goes_by_itself_while_nobody_is_under_way():
    together = Together(lambda group: dict(enumerate(group)))

    def by_itself():
        assert together.go(7, pytest.fail) == 7  # The others do not wait for it.
        return "by itself"

    assert together.go(2, by_itself) == "by itself"

    def refused():
        raise ConnectionError

    with pytest.raises(ConnectionError):
        together.go(2, refused)
    assert together.go(2, by_itself) == "by itself"


def test_nobody_goes_by_itself_while_a_group_is_under_way():
    road = Road()
    together = Together(road.send)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(together.ask, 2)
        assert road.left.wait(PATIENCE)
        others = [pool.submit(together.go, call, lambda: "by itself") for call in (4, 5)]
        while len(together._waiting) < 2:
            threading.Event().wait(0.001)
        road.gate.set()
        assert first.result(PATIENCE) == 4
        assert [one.result(PATIENCE) for one in others] == [8, "by itself"]
    assert sorted(road.groups[1]) == [4, 5]  # The one that was left out had come with it.
