"""A counter's business from several threads, written down call by call, whatever is killed."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.faults.stack import Stack, get, http

GIVE_UP_SECONDS = 120.0
PASSWORD = "demo-kaquan-2026"
CASH_FEN, PAY_FEN, FACE_FEN = 7_00, 1_00, 50_00
RICH_FEN, POOR_FEN, COMBINED_FEN = 3_000_00, 40, 1_40


@dataclass(frozen=True)
class Call:
    """One money call and what it was answered in the end."""

    kind: str
    path: str
    token: str
    body: dict[str, Any]
    key: str
    status: int
    text: str

    @property
    def answer(self) -> dict[str, Any]:
        return dict(json.loads(self.text))


@dataclass
class Person:
    token: str
    phone: str


@dataclass
class Counters:
    """What the threads share."""

    stack: Stack
    cashier: str
    pay_point: str
    codes: list[str]
    rich: Person
    poor: list[Person]
    acknowledged: list[Call] = field(default_factory=list)
    odd: Counter[str] = field(default_factory=Counter)
    succeeded_at: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _faults: list[BaseException] = field(default_factory=list)

    def begin(self) -> None:
        jobs: list[Callable[[random.Random], None]] = [
            self._serve_rich, self._serve_rich, self._take_cash_and_paper,
            *(lambda chance, person=person: self._serve_poor(person) for person in self.poor),
        ]  # fmt: skip
        for number, job in enumerate(jobs):
            thread = threading.Thread(target=self._run, args=(job, number), daemon=True)
            thread.start()
            self._threads.append(thread)

    def end(self) -> None:
        """Every call under way is repeated until it is answered."""
        self._stop.set()
        for thread in self._threads:
            thread.join(GIVE_UP_SECONDS + 10)
            assert not thread.is_alive(), "a thread hangs"
        assert not self._faults, self._faults

    def of(self, kind: str) -> list[Call]:
        return [call for call in self.acknowledged if call.kind == kind]

    def _run(self, job: Callable[[random.Random], None], number: int) -> None:
        chance = random.Random(number)
        try:
            while not self._stop.is_set():
                job(chance)
                time.sleep(0.01)
        except BaseException as fault:  # noqa: BLE001 - shown by the test's own thread
            self._faults.append(fault)

    def _serve_rich(self, _chance: random.Random) -> None:
        body = {"pay_point": self.pay_point, "amount_fen": PAY_FEN}
        paid = self.call("pay", "/api/v1/payments", self.rich.token, body)
        assert paid.answer["status"] == "paid"

    def _take_cash_and_paper(self, chance: random.Random) -> None:
        if self.codes and chance.random() < 0.5:
            self.call("redeem", "/pos/api/redemptions", self.cashier, {"code": self.codes.pop()})
        else:
            self.take_cash("cash", self.rich, CASH_FEN)

    def _serve_poor(self, person: Person) -> None:
        """A little on the card, the rest by WeChat; the member pays, and waits to be told."""
        self.take_cash("small cash", person, POOR_FEN)
        body = {"pay_point": self.pay_point, "amount_fen": COMBINED_FEN}
        answer = self.call("combined", "/api/v1/payments", person.token, body).answer
        if answer["status"] == "pending" and answer["wechat_pay"]:
            self.pay_in_wechat(answer["wechat_pay"]["package"])

    def take_cash(self, kind: str, person: Person, fen: int) -> Call:
        body = {"phone": person.phone, "amount_fen": fen}
        return self.call(kind, "/pos/api/top-ups", self.cashier, body)

    def call(self, kind: str, path: str, token: str, body: dict[str, Any]) -> Call:
        """Send until there is an answer to keep: the same key each time."""
        key = uuid.uuid4().hex
        deadline = time.monotonic() + GIVE_UP_SECONDS
        for attempt in itertools.count():
            status, text = self._send(path, token, body, key)
            if status == 201:
                done = Call(kind, path, token, body, key, status, text)
                self.acknowledged.append(done)
                self.succeeded_at = time.monotonic()
                return done
            self.odd[f"{kind} {status} {_code(text)}"] += 1
            assert status in {0, 409, 500, 502, 503, 504}, (kind, status, text)
            assert time.monotonic() < deadline, f"{kind}: {attempt + 1} times no answer: {text}"
            time.sleep(0.1)
        raise AssertionError("unreachable")

    def _send(self, path: str, token: str, body: dict[str, Any], key: str) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        try:
            answer = http().post(self.stack.url + path, json=body, headers=headers, timeout=30)
        except requests.RequestException as error:
            return 0, type(error).__name__
        return answer.status_code, answer.text

    def pay_in_wechat(self, package: str) -> None:
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = http().post(
                    f"{self.stack.wechat_url}/_user/pay", json={"prepay_id": package}, timeout=10
                )
            except requests.RequestException:
                time.sleep(0.1)
                continue
            # An order that was paid before its answer was lost is refused a second time.
            assert answer.status_code < 500, answer.text
            return
        raise AssertionError("WeChat does not come back")

    def repeat(self, call: Call) -> tuple[int, str]:
        return self._send(call.path, call.token, call.body, call.key)


def open_counters(stack: Stack, *, codes: int = 400) -> Counters:
    """Sign everybody in, and give them something to spend."""
    done = stack.run(
        "demo", "voucher-codes", "--merchant", "merchant1", "--count", str(codes),
        "--face-value-fen", str(FACE_FEN),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cashier = _sign_in(stack, "/pos/api/sessions", username="cashier1", password=PASSWORD)
    me = get(f"{stack.url}/pos/api/me", cashier).json()
    counters = Counters(
        stack=stack,
        cashier=cashier,
        pay_point=me["pay_point"]["token"],
        codes=done.stdout.split(),
        rich=_person(stack),
        poor=[_person(stack) for _ in range(2)],
    )
    counters.take_cash("first", counters.rich, RICH_FEN)
    return counters


def _person(stack: Stack) -> Person:
    token = _sign_in(stack, "/api/v1/sessions", code=f"demo-{uuid.uuid4().hex}")
    phone = f"139{random.randrange(10**8):08d}"
    answer = http().post(
        f"{stack.url}/api/v1/me/phone", json={"code": f"phone-{phone}"},
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex},
        timeout=20,
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    return Person(token=token, phone=phone)


def _sign_in(stack: Stack, path: str, **body: str) -> str:
    answer = http().post(stack.url + path, json=body, timeout=20)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["access_token"])


def _code(text: str) -> str:
    try:
        return str(json.loads(text).get("code"))
    except ValueError:
        return text[:60]
