"""Tills at rush hour: how long a cashier waits from a scan to the answer.

So many tills scan, look at what they see, and scan again. What is counted is what a person waits
for: a voucher's look-up, its redemption (look-up and redemption one after the other), a payment
code's charge, a cash top-up. Then a till in a real Chromium scans while the others go on working:
from the scanner's Enter until the green screen is painted.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import random
import secrets
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import psycopg
from playwright.sync_api import Page, sync_playwright
from werkzeug.security import generate_password_hash

from bench.load import ANSWER_SECONDS, WrongAnswer
from bench.output import Row, say
from bench.seeds import DESK_PASSWORD, Seed, at, clone, phone, voucher_codes
from bench.servers import Server, serve
from runtime.postgres import Urls
from tests.browser.ground import open_browser

TILLS = 32
LIMIT_MS = 300.0
THINK_SECONDS = (0.5, 2.0)
WARM_UP_SECONDS = 4.0
SECONDS = 15.0
SCANS = 25  # In the browser.
WAITED = ("voucher looked up", "voucher redeemed", "payment code charged", "cash top-up")
DESK = f"till{TILLS + 1}"  # The browser's: one more than the others.

Waits = dict[str, list[float]]


@dataclass
class Till:
    """One till at its store: a connection, its vouchers, and what its cashier has waited for."""

    port: int
    number: int
    codes: list[str]
    members: int
    waits: Waits = field(default_factory=lambda: defaultdict(list))
    choose: random.Random = field(default_factory=random.Random)

    def work(self, ends_at: float) -> None:
        """Serve one customer after another until then."""
        self.choose.seed(self.number)
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        time.sleep(self.choose.uniform(0, THINK_SECONDS[1]))
        while time.perf_counter() < ends_at:
            kinds = [self._redeem, self._redeem, self._charge, self._take_cash]
            self.choose.choice(kinds)(line)
            time.sleep(self.choose.uniform(*THINK_SECONDS))
        line.close()

    def _redeem(self, line: http.client.HTTPConnection) -> None:
        code = {"code": self.codes.pop()}
        began = time.perf_counter()
        self._post(line, "/pos/api/vouchers/lookup", code, expected=200)
        self._waited("voucher looked up", began)
        self._post(line, "/pos/api/redemptions", code)
        self._waited("voucher redeemed", began)

    def _charge(self, line: http.client.HTTPConnection) -> None:
        member = f"bench-member-{self.choose.randint(1, self.members)}"
        code = self._post(line, "/api/v1/me/payment-code", {}, token=member)["code"]
        began = time.perf_counter()
        self._post(line, "/pos/api/payments", {"payment_code": code, "amount_fen": 100})
        self._waited("payment code charged", began)

    def _take_cash(self, line: http.client.HTTPConnection) -> None:
        receiver = {"phone": phone(self.choose.randint(1, self.members))}
        self._post(line, "/pos/api/top-ups/lookup", receiver, expected=200)
        began = time.perf_counter()
        self._post(line, "/pos/api/top-ups", {**receiver, "amount_fen": 100})
        self._waited("cash top-up", began)

    def _post(
        self,
        line: http.client.HTTPConnection,
        path: str,
        body: dict[str, object] | dict[str, str],
        *,
        expected: int = 201,
        token: str | None = None,
    ) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {token or f'bench-till-{self.number}'}",
            "Content-Type": "application/json",
            "Idempotency-Key": secrets.token_hex(12),
        }
        line.request("POST", path, json.dumps(body), headers)
        answer = line.getresponse()
        told = answer.read()
        if answer.status != expected:
            raise WrongAnswer(f"{path}: {answer.status} {told.decode(errors='replace')}")
        parsed: dict[str, str] = json.loads(told)
        return parsed

    def _waited(self, what: str, began: float) -> None:
        self.waits[what].append((time.perf_counter() - began) * 1000)


def run(urls: Urls, home: Path, seed: Seed) -> str:
    """Measure, print the rows; the name of the database that was under load."""
    database = clone(urls, seed, "bench_tills")
    _give_password(urls, database)
    codes = voucher_codes(seed.vouchers)
    tills = [codes[number :: TILLS + 1] for number in range(TILLS + 1)]
    with serve(urls, home, database, others=("worker", "streams")) as server:
        with _at_work(server, tills[:TILLS], seed.members, SECONDS) as waits:
            pass
        for what in WAITED:
            _row(f"{TILLS} tills: {what}", waits[what], server).print()
        with _at_work(server, tills[:TILLS], seed.members, SECONDS, skip=200):
            painted = _scan_in_chromium(server, tills[TILLS])
        _row(f"{TILLS} tills and Chromium: scan to painted", painted, server).print()
    return database


def _give_password(urls: Urls, database: str) -> None:
    """The browser's cashier signs in as people do."""
    with psycopg.connect(at(urls.superuser_url, database)) as connection:
        secret = generate_password_hash(DESK_PASSWORD)
        connection.execute("UPDATE ab_user SET password = %s WHERE username = %s", (secret, DESK))


@contextmanager
def _at_work(
    server: Server, codes: list[list[str]], members: int, seconds: float, skip: int = 0
) -> Iterator[Waits]:
    """All tills work, in a process of their own, while the block runs; then what they waited."""
    told: SimpleQueue[Waits | str] = multiprocessing.get_context("fork").SimpleQueue()
    papers = [own[: len(own) - skip] for own in codes]  # Tills take from the end.
    load = multiprocessing.get_context("fork").Process(
        target=_work, args=(server.port, papers, members, seconds, told), daemon=True
    )
    load.start()
    waits: Waits = {}
    time.sleep(WARM_UP_SECONDS)
    yield waits
    heard = told.get()
    load.join()
    if isinstance(heard, str):
        raise WrongAnswer(heard)
    waits.update(heard)


def _work(
    port: int,
    papers: list[list[str]],
    members: int,
    seconds: float,
    told: SimpleQueue[Waits | str],
) -> None:
    tills = [Till(port, number, codes, members) for number, codes in enumerate(papers, start=1)]
    failed: list[str] = []

    def work(till: Till) -> None:
        now = time.perf_counter()
        try:
            till.work(now + WARM_UP_SECONDS)
            till.waits.clear()
            till.work(now + WARM_UP_SECONDS + seconds)
        except (WrongAnswer, OSError, IndexError) as failure:
            failed.append(f"till {till.number}: {failure!r}")

    threads = [threading.Thread(target=work, args=(till,)) for till in tills]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        told.put(failed[0])
        return
    told.put({what: [wait for till in tills for wait in till.waits[what]] for what in WAITED})


def _scan_in_chromium(server: Server, codes: list[str]) -> list[float]:
    """A till in a browser: from the scanner's Enter to the green screen, in ms."""
    with sync_playwright() as playwright, open_browser(playwright) as browser:
        page = browser.new_page(base_url=f"http://127.0.0.1:{server.port}")
        page.add_init_script(_STOPWATCH)
        page.goto("/login/?next=/pos/")
        page.fill("[name=username]", DESK)
        page.fill("[name=password]", DESK_PASSWORD)
        page.click("main form button[type=submit]")
        page.locator("#nav [data-screen=redeem]").click()
        page.locator("[data-test=at-once]").check()
        waits = [_scan(page, code) for code in codes[: SCANS + 1]]
    return waits[1:]  # The first one waits for what a day's first scan loads.


def _scan(page: Page, code: str) -> float:
    """As a USB scanner does it: all keys in a burst. Playwright's come too slowly for that."""
    waited: float = page.evaluate("(code) => stopwatch.scan(code)", code)
    if waited < 0:
        raise WrongAnswer(page.locator("[data-test=result]").inner_text())
    return waited


def _row(case: str, waits: list[float], server: Server) -> Row:
    ordered = sorted(waits)
    assert len(ordered) >= SCANS, f"{case}: only {len(ordered)} were counted"
    p95 = ordered[int(len(ordered) * 0.95)]
    say(f"{case}: {len(ordered)} waits, p95 {p95:.0f} ms, longest {ordered[-1]:.0f} ms")
    return Row(
        bench="tills",
        case=f"{case}, p95",
        ours=p95,
        unit="ms",
        baseline=LIMIT_MS,
        baseline_name="what the issue allows",
        ratio=LIMIT_MS / p95,
        p50_ms=statistics.median_low(ordered),
        p99_ms=ordered[int(len(ordered) * 0.99)],
        rss_mb=server.rss_mb(),
    )


# Runs from an Enter until the next new redemption number is green on the screen, and painted.
_STOPWATCH = """
const number = () => document.querySelector("[data-test=result].good .note")?.textContent;
globalThis.stopwatch = { scan: (code) => new Promise((done) => {
  document.activeElement.blur();
  const before = number();
  for (const key of [...code, "Enter"]) {
    const how = { key, bubbles: true, cancelable: true };
    document.body.dispatchEvent(new KeyboardEvent("keydown", how));
  }
  const began = performance.now();
  const look = () => {
    if (performance.now() - began > 20000) return done(-1);
    if (!number() || number() === before) return requestAnimationFrame(look);
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
  };
  look();
}) };
"""
