"""HTTP with a hard bound on time, on calls at once and on who waits, whatever the far end does.

A time-out of a socket bounds one read, not a call: name servers, several addresses, or an answer
that trickles byte by byte add up without limit. So each call runs on one of a few threads of its
own; the caller waits for a fixed time and then cuts the connection, which frees that thread.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH as TRUSTED_AUTHORITIES

from app.services.ports import GatewayUnavailable

CONNECT_SECONDS = 3
READ_SECONDS = 10
MAX_BODY_BYTES = 1 << 20
_RETRY_WITHIN_SECONDS = 1.0
# A healthy WeChat frees a place within this; behind a hanging one nobody waits any longer.
_PLACE_SECONDS = 1.0
# So many of a web process's threads (deploy/gunicorn.conf.py) may be at WeChat or wait to be. The
# others go on serving whoever needs no WeChat: a slow WeChat slows nobody's card down.
MOST_WAITING = 12
_QUICK_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One HTTP answer, whole. Header names are in lower case; the body is the raw bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(kw_only=True)
class _Line:
    """What one thread's connection hangs on, so that another thread can cut it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    sock: socket.socket | None = None
    cut: bool = False

    def connected(self, sock: socket.socket) -> None:
        with self.lock:
            self.sock = sock
            if self.cut:
                raise ConnectionAbortedError("the caller has gone")

    def sever(self) -> None:
        with self.lock:
            self.cut = True
            if self.sock is not None:
                # The plain method, for SSLSocket's own one breaks a reader on another thread.
                with suppress(OSError):  # It may have ended by itself.
                    socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


@dataclass
class _Kept:
    """A thread's connection, which ends with the thread."""

    origin: str
    connection: HTTPConnection

    def is_good_for(self, origin: str) -> bool:
        """Nothing is due on an idle connection but its end."""
        sock = self.connection.sock
        if sock is None or origin != self.origin:
            return False
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return not poll.poll(0)

    def __del__(self) -> None:
        self.connection.close()


_thread = threading.local()


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    repeatable: bool
    max_body_bytes: int = MAX_BODY_BYTES


class _Room:
    """The threads of this process that are at WeChat or wait to be, whichever far end they want.

    When it is full, a quick WeChat is waited for a moment, and a slow one is not: one with which
    somebody has been for longer than that moment, in which not all places were free once.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._since: dict[object, float] = {}  # The first has been there longest.
        self._left: deque[float] = deque(maxlen=MOST_WAITING)  # When the last so many went.

    @contextmanager
    def place(self) -> Iterator[None]:
        me = object()
        with self._changed:
            if self._is_full() and self._is_slow():
                raise GatewayUnavailable("too many wait for WeChat")
            if not self._changed.wait_for(lambda: not self._is_full(), _QUICK_SECONDS):
                raise GatewayUnavailable("too many wait for WeChat")
            self._since[me] = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                del self._since[me]
                self._left.append(time.monotonic())
                self._changed.notify()

    def _is_full(self) -> bool:
        return len(self._since) >= MOST_WAITING

    def _is_slow(self) -> bool:
        moment_ago = time.monotonic() - _QUICK_SECONDS
        turned_over = len(self._left) == MOST_WAITING and self._left[0] > moment_ago
        return not turned_over and next(iter(self._since.values())) < moment_ago


_room = _Room()


class _TooLarge(HTTPException):
    """More than we are ready to hold in memory."""


class BoundedHttp:
    """At most ``max_calls`` requests at once, each over within ``total_seconds``; one host."""

    def __init__(
        self,
        *,
        max_calls: int = 6,
        total_seconds: float = 11.0,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._slots = threading.BoundedSemaphore(max_calls)
        self._total_seconds = total_seconds
        self._max_body_bytes = max_body_bytes
        # Threads start at the first call, hence after a fork, and keep their connections.
        self._threads = ThreadPoolExecutor(max_calls, thread_name_prefix="wechat")

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        repeatable: bool = True,
    ) -> Answer:
        """One request, on a kept-alive connection. Redirects are answers, never followed.

        Args:
            repeatable: Whether the far end may see the request twice. Then it is sent again when
                a kept connection turns out to have been closed while it was idle.

        Raises:
            GatewayUnavailable: No answer in time, a broken connection, an oversized answer, or
                too many calls are hanging already: then soon and without a call.
        """
        request = _Request(method, url, headers, body, repeatable, self._max_body_bytes)
        with _room.place():
            return self._send(request)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _send(self, request: _Request) -> Answer:
        if not self._slots.acquire(timeout=min(_PLACE_SECONDS, self._total_seconds / 2)):
            raise GatewayUnavailable("too many calls to WeChat at once")
        line = _Line()
        try:
            future = self._threads.submit(self._run, line, request)
        except RuntimeError as error:  # The interpreter is shutting down.
            self._slots.release()
            raise GatewayUnavailable("shutting down") from error
        try:
            return future.result(timeout=self._total_seconds)
        except FutureTimeoutError as error:
            line.sever()
            raise GatewayUnavailable("no whole answer in time") from error

    def _run(self, line: _Line, request: _Request) -> Answer:
        try:
            return _exchange_again_if_stale(line, request)
        except (OSError, HTTPException, UnicodeError) as error:
            # Only the kind: the text of the error may have the address with its query in it.
            raise GatewayUnavailable(type(error).__name__) from None
        finally:
            # The end of the thread's work frees its place, not the end of the caller's patience.
            self._slots.release()


def _exchange_again_if_stale(line: _Line, request: _Request) -> Answer:
    started = time.monotonic()
    connection, was_kept = _connection(line, request.url)
    try:
        return _exchange(connection, request)
    except ConnectionError:  # Not a time-out, and not an answer that broke off.
        late = time.monotonic() - started > _RETRY_WITHIN_SECONDS
        if not was_kept or not request.repeatable or line.cut or late:
            raise
    connection, _ = _connection(line, request.url)
    return _exchange(connection, request)


def _connection(line: _Line, url: str) -> tuple[HTTPConnection, bool]:
    """This thread's connection, which the line can cut from now on; and whether it was kept."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    kept: _Kept | None = getattr(_thread, "kept", None)
    if kept is not None and kept.is_good_for(origin):
        line.connected(kept.connection.sock)
        return kept.connection, True
    kept = _thread.kept = _Kept(origin, _new_connection(parts.scheme, parts.netloc))
    connection = kept.connection
    try:
        connection.connect()
    except BaseException:  # What is left of a handshake that failed must not be taken for a line.
        connection.close()
        raise
    line.connected(connection.sock)
    connection.sock.settimeout(READ_SECONDS)
    return connection, False


def _new_connection(scheme: str, netloc: str) -> HTTPConnection:
    """Straight to the far end: no proxy and no netrc, whatever the surroundings say."""
    if scheme == "https":
        return HTTPSConnection(netloc, timeout=CONNECT_SECONDS, context=_trust())
    return HTTPConnection(netloc, timeout=CONNECT_SECONDS)


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=TRUSTED_AUTHORITIES)


def _exchange(connection: HTTPConnection, request: _Request) -> Answer:
    parts = urlsplit(request.url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        connection.request(request.method, target, request.body, dict(request.headers))
        with connection.getresponse() as response:
            body = _whole_body(response, request.max_body_bytes)
            names = {name.lower(): value for name, value in response.headers.items()}
            return Answer(status=response.status, headers=names, body=body)
    except BaseException:
        connection.close()
        raise


def _whole_body(response: HTTPResponse, most: int) -> bytes:
    """The body, or an exception when it broke off or is too long."""
    if response.length is not None and response.length > most:
        raise _TooLarge
    # Of a known length the whole is insisted on; else it comes in pieces, or ends by hanging up.
    body = response.read() if response.length is not None else response.read(most + 1)
    if len(body) > most:
        raise _TooLarge
    return body
