"""Live streams as they are deployed: gunicorn hands them over, and each part may be killed."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.faults.stack import Stack, http, running_stack, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("streams")]
PASSWORD = "demo-kaquan-2026"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("streams")) as running:
        yield running


class Screen:
    """A till's screen that listens: what it has heard, its resume point, and whether it ended."""

    def __init__(self, stack: Stack, token: str, last_id: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        self.answer = requests.get(
            stack.url + "/pos/api/feed/stream", headers=headers, stream=True, timeout=60
        )
        self.heard: list[dict[str, object]] = []
        self.last_id = last_id or "0"
        self.ready, self.ended = threading.Event(), threading.Event()
        if self.answer.status_code == 200:
            threading.Thread(target=self._listen, daemon=True).start()
            assert self.ready.wait(60)

    def _listen(self) -> None:
        try:
            for line in self.answer.iter_lines(chunk_size=1):
                if line.startswith(b"id: "):
                    self.last_id = line[4:].decode()
                elif line == b"event: ready":
                    self.ready.set()
                elif line.startswith(b"data: ") and line != b"data: {}":
                    self.heard.append(json.loads(line[6:]))
        except requests.RequestException:
            pass
        self.ended.set()


def _sign_in(stack: Stack, username: str = "cashier1") -> str:
    body = {"username": username, "password": PASSWORD}
    answer = http().post(stack.url + "/pos/api/sessions", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["access_token"])


def _send(stack: Stack, token: str, path: str, body: object) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}
    answer = http().post(stack.url + path, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    told: dict[str, object] = answer.json()
    return told


def _fed(stack: Stack, till: str) -> set[object]:
    headers = {"Authorization": f"Bearer {till}"}
    answer = http().get(stack.url + "/pos/api/feed", headers=headers)
    return {item["number"] for item in answer.json()["items"]}


@pytest.fixture
def pay(stack):
    """Somebody pays so many fen at cashier1's store."""
    till = _sign_in(stack)
    code = f"demo-s{uuid.uuid4().hex[:8]}"
    member = http().post(stack.url + "/api/v1/sessions", json={"code": code}).json()["access_token"]
    phone = f"139{uuid.uuid4().int % 10**8:08d}"
    bound = http().post(
        stack.url + "/api/v1/me/phone",
        json={"code": f"phone-{phone}"},
        headers={"Authorization": f"Bearer {member}"},
    )
    assert bound.status_code == 200, bound.text
    paid = _send(stack, till, "/pos/api/top-ups", {"phone": phone, "amount_fen": 50_00})
    shown = http().get(stack.url + "/pos/api/me", headers={"Authorization": f"Bearer {till}"})
    point = shown.json()["pay_point"]["token"]
    # The top-up is in the feed before anybody listens: what follows is heard alone.
    wait_until(lambda: paid["top_up_no"] in _fed(stack, till), 60)

    def one(fen: int) -> None:
        _send(stack, member, "/api/v1/payments", {"pay_point": point, "amount_fen": fen})

    return one


def _streams(stack: Stack) -> int:
    return stack._one("app.jobs.streams")


def _amounts(screen: Screen) -> list[object]:
    return [event["amount_fen"] for event in screen.heard]


def test_a_payment_is_heard_within_a_second_by_its_own_store_only(stack, pay):
    ours, neighbours = Screen(stack, _sign_in(stack)), Screen(stack, _sign_in(stack, "cashier2"))
    begun = time.monotonic()
    pay(11)
    wait_until(lambda: _amounts(ours) == [11], 60)
    print(f"heard after {time.monotonic() - begun:.2f} s")
    assert neighbours.heard == []


def test_a_killed_stream_process_is_back_and_nothing_is_missed_or_doubled(stack, pay):
    token = _sign_in(stack)
    before = Screen(stack, token)
    pay(21)
    wait_until(lambda: _amounts(before) == [21], 60)
    os.kill(_streams(stack), signal.SIGKILL)
    assert before.ended.wait(60)
    pay(22)  # Money does not wait for streams.
    answered: list[int] = []

    def open_again() -> bool:
        screen = Screen(stack, token, before.last_id)
        answered.append(screen.answer.status_code)
        if screen.answer.status_code == 503:
            assert int(screen.answer.headers["Retry-After"]) > 0
            assert screen.answer.json()["code"] == "stream_unavailable"
            return False
        after.append(screen)
        return True

    after: list[Screen] = []
    wait_until(open_again, 60)
    pay(23)
    wait_until(lambda: _amounts(after[0]) == [22, 23], 60)
    assert set(answered) <= {200, 503}


def test_a_killed_web_worker_takes_no_screen_with_it(stack, pay):
    screen = Screen(stack, _sign_in(stack))
    os.kill(stack.web_worker(), signal.SIGKILL)
    stack.wait_until_ready(90)
    pay(31)
    wait_until(lambda: _amounts(screen) == [31], 60)
    assert not screen.ended.is_set()


def test_who_signs_out_hears_no_more_within_seconds(stack, pay):
    token = _sign_in(stack)
    screen = Screen(stack, token)
    answer = http().delete(
        stack.url + "/pos/api/sessions/current", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 204
    assert screen.ended.wait(60)


def test_many_screens_take_no_thread_of_the_web(stack, pay):
    token = _sign_in(stack)
    worker = stack.web_worker()
    before = len(list(Path(f"/proc/{worker}/task").iterdir()))
    screens = [Screen(stack, token) for _ in range(60)]
    after = len(list(Path(f"/proc/{worker}/task").iterdir()))
    assert after <= max(before, 16)
    pay(41)
    wait_until(lambda: all(_amounts(screen) == [41] for screen in screens), 60)
