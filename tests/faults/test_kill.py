"""kill -9 of every part in the middle of a running load: what was acknowledged is there, once.

The tests share one running program and one load's books, in the order in which they stand.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.load import (
    CASH_FEN,
    COMBINED_FEN,
    FACE_FEN,
    PAY_FEN,
    POOR_FEN,
    RICH_FEN,
    Call,
    Counters,
    Person,
    open_counters,
)
from tests.faults.stack import Stack, get, running_stack, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]

BACK_SECONDS = 90  # The contract's thirty, on a machine that three times as much is asked of.
SETTLED_SECONDS = 180

VICTIMS: dict[str, Callable[[Stack], int]] = {
    "a web worker": Stack.web_worker,
    "the web server": Stack.web_master,
    "the job worker": Stack.job_worker,
    "PostgreSQL": Stack.postmaster,
    "the simulator": Stack.simulator,
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


def test_whatever_is_killed_under_load_comes_back_and_nothing_is_lost(stack):
    counters = open_counters(stack)
    counters.begin()
    for name, find in VICTIMS.items():
        wait_for_business(counters, BACK_SECONDS)
        victim = find(stack)
        os.kill(victim, signal.SIGKILL)
        killed_at = time.monotonic()
        time.sleep(0.2)
        wait_for_business(counters, BACK_SECONDS)
        print(f"{name}: back after {time.monotonic() - killed_at:.1f} s")
        wait_until(lambda find=find, old=victim: _found(stack, find) not in {None, old}, 60)
    stack.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'kaquan%%' OR usename = 'kaquan_app'"
    )
    wait_for_business(counters, BACK_SECONDS)
    counters.end()
    print(dict(counters.odd))
    stack.wait_until_ready(BACK_SECONDS)
    everything_adds_up(counters)


def test_asked_to_stop_under_load_it_leaves_nobody_and_keeps_everything(stack):
    counters = open_counters(stack, codes=50)
    counters.begin()
    wait_for_business(counters, BACK_SECONDS)
    assert stack.stop() == 0
    assert stack.processes() == {}
    begun, started_at = time.monotonic(), time.time()
    stack.start()
    print(f"second start: {time.monotonic() - begun:.1f} s")
    wait_for_business(counters, BACK_SECONDS)
    counters.end()
    everything_adds_up(counters)
    audited = stack.run("audit", "verify")
    assert audited.returncode == 0, audited.stdout + audited.stderr
    ticks = "SELECT max(defer_timestamp) FROM procrastinate_periodic_defers WHERE task_name = %s"
    wait_until(lambda: stack.rows(ticks, "settle_orders")[0][0] > started_at, BACK_SECONDS)


def _found(stack: Stack, find: Callable[[Stack], int]) -> int | None:
    try:
        return find(stack)
    except (StopIteration, FileNotFoundError):
        return None


def wait_for_business(counters: Counters, seconds: float) -> None:
    """Until a money call that is sent from now on has been acknowledged."""
    now = time.monotonic()
    wait_until(lambda: counters.succeeded_at > now, seconds, lambda: str(dict(counters.odd)))


def everything_adds_up(counters: Counters) -> None:
    stack = counters.stack
    for person in counters.poor:
        wait_until(
            lambda person=person: not _pending(counters, person), SETTLED_SECONDS,
            lambda person=person: str(_pending(counters, person)),
        )  # fmt: skip
    for call in counters.acknowledged:
        assert counters.repeat(call) == (call.status, call.text), call.kind
    rich = counters.rich
    cash = RICH_FEN + CASH_FEN * len(counters.of("cash"))
    bonus = sum(call.answer["bonus_fen"] for call in counters.of("first"))
    assert _balance(counters, rich) == cash + bonus - PAY_FEN * len(counters.of("pay"))
    _every_call_once(counters, "payment", "payment_no", counters.of("pay"), rich)
    listed = stack.rows(
        "SELECT top_up_no FROM top_up WHERE channel = 'cash' AND status = 'credited'"
        " AND member_id = %s",
        _member_id(counters, rich),
    )
    taken = [*counters.of("first"), *counters.of("cash")]
    assert sorted(row[0] for row in listed) == sorted(call.answer["top_up_no"] for call in taken)
    for person in counters.poor:
        _combined_add_up(counters, person)
    redeemed = {call.answer["redemption_no"] for call in counters.of("redeem")}
    assert len(redeemed) == len(counters.of("redeem"))
    known = stack.rows(
        "SELECT count(*) FROM redemption WHERE redemption_no = ANY (%s)", [*redeemed]
    )
    assert known == [(len(redeemed),)]
    assert all(call.answer["face_value_fen"] == FACE_FEN for call in counters.of("redeem"))
    verified = stack.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert all(json.loads(line)["ok"] for line in verified.stdout.splitlines())


def _combined_add_up(counters: Counters, person: Person) -> None:
    calls = [call for call in counters.of("combined") if call.token == person.token]
    rows = _every_call_once(counters, "payment", "payment_no", calls, person)
    assert {status for _, status, _, _ in rows} <= {"paid", "closed"}
    given = [c for c in counters.of("small cash") if c.body["phone"] == person.phone]
    spent = sum(card_fen for _, status, card_fen, _ in rows if status == "paid")
    assert _balance(counters, person) == POOR_FEN * len(given) - spent
    assert all(card_fen + wechat_fen == COMBINED_FEN for _, _, card_fen, wechat_fen in rows)


def _every_call_once(
    counters: Counters, table: str, number: str, calls: list[Call], person: Person
) -> list[tuple[str, str, int, int]]:
    """The acknowledged calls are what the books hold of this member: no more and no less."""
    listed = counters.stack.rows(
        f"SELECT {number}, status, card_fen, wechat_fen FROM {table} WHERE member_id = %s",
        _member_id(counters, person),
    )
    assert sorted(row[0] for row in listed) == sorted(call.answer[number] for call in calls)
    return listed


def _pending(counters: Counters, person: Person) -> list[tuple[str, str]]:
    return counters.stack.rows(
        "SELECT payment_no, status FROM payment WHERE member_id = %s"
        " AND status IN ('pending', 'closing')",
        _member_id(counters, person),
    )


def _member_id(counters: Counters, person: Person) -> int:
    return int(get(f"{counters.stack.url}/api/v1/me", person.token).json()["id"])


def _balance(counters: Counters, person: Person) -> int:
    cards = get(f"{counters.stack.url}/api/v1/me/cards", person.token).json()
    return int(cards["total_fen"])
