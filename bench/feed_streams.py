"""Screens that listen: how long from a payment to the notice, and what the stream process takes.

The load is paced and comes from a process of its own; the screens are this one, on one epoll. A
notice's age is counted from ``occurred_at``, when the payment's transaction began: what is called
notice here is a little more than the time since its commit.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import selectors
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bench.load import run_load
from bench.output import Row, say
from bench.servers import rss_mb, serve
from runtime.postgres import Urls

SCREENS = 1_000
PER_SECOND = 150.0
SECONDS = 15.0
QUIET_SECONDS = 2.0
BARE = Path(__file__).with_name("bare_sse.py")
_DATA = b"data: "


@dataclass
class Screens:
    """So many connections and what they have heard: the ages of the notices in ms."""

    selector: selectors.EpollSelector = field(default_factory=selectors.EpollSelector)
    sockets: list[socket.socket] = field(default_factory=list)
    ages_ms: list[float] = field(default_factory=list)
    rests: dict[int, bytes] = field(default_factory=dict)
    ready: int = 0

    def open(self, port: int, count: int, stores: int) -> None:
        for number in range(count):
            line = socket.create_connection(("127.0.0.1", port))
            token = f"bench-till-{1 + number % stores}"
            line.sendall(
                f"GET /pos/api/feed/stream?store={number % stores} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"Authorization: Bearer {token}\r\n\r\n".encode()
            )
            self.sockets.append(line)
            self.selector.register(line, selectors.EVENT_READ, line)
            self.hear(0.0)
        deadline = time.monotonic() + 60
        while self.ready < count:
            assert time.monotonic() < deadline, f"{self.ready} of {count} screens are open"
            self.hear(0.1)

    def hear(self, seconds: float) -> None:
        """What has come, looked at when it comes."""
        for event, _ in self.selector.select(seconds):
            line: socket.socket = event.data
            piece = line.recv(65536)
            assert piece, "a stream has ended"
            now_ms = time.time() * 1000
            text = self.rests.pop(line.fileno(), b"") + piece
            *whole, rest = text.split(b"\n")
            self.rests[line.fileno()] = rest
            for heard in whole:
                if heard == b"event: ready":
                    self.ready += 1
                elif heard.startswith(_DATA) and len(heard) > len(b"data: {}"):
                    self.ages_ms.append(now_ms - _begun_ms(heard))

    def close(self) -> None:
        for line in self.sockets:
            line.close()
        self.selector.close()


def run(
    urls: Urls, home: Path, database: str, requests: Iterator[bytes], *, stores: int, scale: int
) -> None:
    screens = SCREENS * scale
    bare = _measure_bare(screens, stores)
    with serve(urls, home, database, others=("worker", "streams")) as server:
        process = server.others["streams"]
        time.sleep(3.0)  # The stream process answers as soon as it has the database.
        ours = Screens()
        ours.open(server.port, screens, stores)
        threads = len(os.listdir(f"/proc/{server.process_id}/task"))
        say(f"{screens} screens are open; threads of gunicorn's master: {threads}")
        load = multiprocessing.get_context("fork").Process(
            target=_pay, args=(server.port, requests), daemon=True
        )
        cpu_before, began = _cpu_seconds(process), time.monotonic()
        load.start()
        _listen(ours, SECONDS + QUIET_SECONDS)
        load.join()
        cpu = (_cpu_seconds(process) - cpu_before) / (time.monotonic() - began)
        memory = rss_mb(process)
        ours.close()
    _print(screens, ours.ages_ms, bare.ages_ms, memory, cpu)


def _pay(port: int, requests: Iterator[bytes]) -> None:
    run_load(port, _paced(requests), clients=2, seconds=SECONDS)


def _paced(requests: Iterator[bytes]) -> Iterator[bytes]:
    began = time.monotonic()
    for number, request in enumerate(requests):
        wait = began + number / PER_SECOND - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        yield request


def _measure_bare(screens: int, stores: int) -> Screens:
    """The baseline: a bare asyncio broadcaster that makes its own events, without a database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, str(BARE), str(port), str(stores), str(PER_SECOND)]
    process = subprocess.Popen(words)
    bare = Screens()
    try:
        time.sleep(0.7)
        bare.open(port, screens, stores)
        bare.ages_ms.clear()
        _listen(bare, SECONDS)
        say(f"the bare broadcaster holds {rss_mb(process.pid):.0f} MB")
    finally:
        bare.close()
        process.terminate()
        process.wait()
    return bare


def _listen(screens: Screens, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        screens.hear(left)


def _print(
    screens: int, ages: list[float], bare: list[float], memory_mb: float, cpu: float
) -> None:
    assert ages, "nothing was heard"
    p50, p99 = _quantiles(ages)
    say(f"{len(ages)} notices; the stream process took {cpu:.1%} of a core and {memory_mb:.0f} MB")
    Row(
        bench="feed",
        case=f"{screens} screens, {PER_SECOND:.0f} payments/s: notice p99",
        ours=p99,
        unit="ms",
        baseline=_quantiles(bare)[1],
        baseline_name="bare asyncio SSE broadcaster, no database",
        p50_ms=p50,
        p99_ms=p99,
        rss_mb=memory_mb,
        ratio=_quantiles(bare)[1] / p99,
    ).print()
    print(
        json.dumps(
            {
                "bench": "feed",
                "case": f"{screens} screens: CPU of the stream process",
                "ours": round(cpu * 100, 1),
                "unit": "% of a core",
                "rss_mb": round(memory_mb),
            }
        ),
        flush=True,
    )


def _quantiles(ages: list[float]) -> tuple[float, float]:
    ordered = sorted(ages)
    return statistics.median_low(ordered), ordered[int(len(ordered) * 0.99)]


def _begun_ms(line: bytes) -> float:
    told = json.loads(line[len(_DATA) :])
    return datetime.fromisoformat(told["occurred_at"]).timestamp() * 1000


def _cpu_seconds(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
