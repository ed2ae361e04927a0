"""A closed-loop load client: so many connections, each with one request on its way at any time.

One process, one epoll, no HTTP library: on two cores every microsecond of the client is taken from
what it measures. It costs about 25 microseconds a request.
"""

from __future__ import annotations

import selectors
import socket
import statistics
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

ANSWER_SECONDS = 30.0
AGAIN_SECONDS = 0.7  # As the members' app does (miniprogram/src/api/money.ts).
_CROWDED = b'"code": "wechat_unavailable"'
_LENGTH = b"content-length: "
_GOOD = b"HTTP/1.1 201"


class WrongAnswer(Exception):
    """The program did not answer 201. The text is what it answered."""


@dataclass(frozen=True)
class Measured:
    """What a closed loop has seen: answers a second, and the middle and the slow end in ms."""

    per_second: float
    p50_ms: float
    p99_ms: float
    answers: int
    refusals: int = 0  # Calls that came when too many waited for WeChat, and were sent again.


@dataclass(slots=True)
class _Line:
    """One connection: when its request went out, and what has come back so far."""

    socket: socket.socket
    sent_at: float = 0.0
    request: bytes = b""
    received: bytes = field(default=b"")


def post(path: str, *, token: str, key: str, body: str, host: str = "127.0.0.1") -> bytes:
    """The bytes of one request."""
    payload = body.encode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\n"
        f"Accept-Language: zh-CN\r\nContent-Length: {len(payload)}\r\n\r\n"
    ).encode() + payload


def run_load(port: int, requests: Iterator[bytes], *, clients: int, seconds: float) -> Measured:
    """Keep so many clients busy for so long. New connections every time.

    Raises:
        WrongAnswer: Any answer but 201; only a crowd at WeChat is come back from, as the app does.
    """
    selector = selectors.EpollSelector()
    lines = [_connect(port, selector) for _ in range(clients)]
    latencies: list[float] = []
    began = time.perf_counter()
    ends = began + seconds
    waiting, refusals = len(lines), 0
    again: deque[tuple[float, _Line]] = deque()  # When, and who; in this order.
    for line in lines:
        _send(line, next(requests))
    while waiting:
        ready = selector.select(AGAIN_SECONDS / 10 if again else ANSWER_SECONDS)
        if not ready and not again:
            raise WrongAnswer(f"{waiting} requests had no answer for {ANSWER_SECONDS:g} s")
        while again and again[0][0] < time.perf_counter():
            _send_again(again.popleft()[1])
        for event, _ in ready:
            line = event.data
            if not _is_answered(line):
                continue
            now = time.perf_counter()
            if not line.received.startswith(_GOOD):
                refusals += 1
                again.append((now + AGAIN_SECONDS, line))
                continue
            latencies.append(now - line.sent_at)
            if now < ends:
                _send(line, next(requests))
            else:
                waiting -= 1
                finished_at = now
    for line in lines:
        line.socket.close()
    selector.close()
    return _measured(latencies, seconds=finished_at - began, refusals=refusals)


def _measured(latencies: list[float], *, seconds: float, refusals: int) -> Measured:
    latencies.sort()
    return Measured(
        per_second=len(latencies) / seconds,
        p50_ms=statistics.median_low(latencies) * 1000,
        p99_ms=latencies[int(len(latencies) * 0.99)] * 1000,
        answers=len(latencies),
        refusals=refusals,
    )


def _connect(port: int, selector: selectors.BaseSelector) -> _Line:
    line = _Line(socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS))
    line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    selector.register(line.socket, selectors.EVENT_READ, line)
    return line


def _send(line: _Line, request: bytes) -> None:
    line.request, line.sent_at = request, time.perf_counter()
    _send_again(line)


def _send_again(line: _Line) -> None:
    """Its time goes on counting from the first sending."""
    line.received = b""
    line.socket.sendall(line.request)


def _is_answered(line: _Line) -> bool:
    """Take what has arrived; say whether it is the whole answer."""
    piece = line.socket.recv(65536)
    received = line.received = line.received + piece
    head, found, body = received.partition(b"\r\n\r\n")
    if found:
        headers = head.lower()
        start = headers.index(_LENGTH) + len(_LENGTH)
        end = headers.find(b"\r", start)
        if len(body) >= int(headers[start : end if end > 0 else None]):
            if not received.startswith(_GOOD) and _CROWDED not in received:
                raise WrongAnswer(received.decode(errors="replace"))
            return True
    if not piece:
        raise WrongAnswer(f"the connection was closed after {received!r}")
    return False
