"""HTTP with a hard bound on time and on calls at once, whatever the far end does.

A time-out of a socket bounds one read, not a call: name servers, several addresses, or an answer
that trickles byte by byte add up without limit. So each call runs on one of a few threads of its
own; the caller waits for a fixed time and then cuts the connection, which frees that thread.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import dataclass, field

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from app.services.ports import GatewayUnavailable

CONNECT_SECONDS = 3
READ_SECONDS = 10
MAX_BODY_BYTES = 1 << 20
_RETRY_WITHIN_SECONDS = 1.0
# A healthy WeChat frees a place within this; behind a hanging one nobody waits any longer.
_PLACE_SECONDS = 1.0


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


_thread = threading.local()


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    repeatable: bool
    max_body_bytes: int = MAX_BODY_BYTES


class _Connection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _report_connected(self.sock)


class _SecureConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _report_connected(self.sock)


def _report_connected(sock: object) -> None:
    line: _Line | None = getattr(_thread, "line", None)
    if line is not None and isinstance(sock, socket.socket):
        line.connected(sock)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: object, **kwargs: object) -> None:
        super().init_poolmanager(*args, **kwargs)  # type: ignore[arg-type]  # Passed through.
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


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
        if not self._slots.acquire(timeout=min(_PLACE_SECONDS, self._total_seconds / 2)):
            raise GatewayUnavailable("too many calls to WeChat at once")
        line = _Line()
        request = _Request(method, url, headers, body, repeatable, self._max_body_bytes)
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

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _run(self, line: _Line, request: _Request) -> Answer:
        kept: _Line | None = getattr(_thread, "line", None)
        line.sock = kept.sock if kept is not None else None
        _thread.line = line
        try:
            return _exchange_again_if_stale(line, request)
        except requests.RequestException as error:
            # Only the kind: the text of the error has the address with its query in it.
            raise GatewayUnavailable(type(error).__name__) from None
        finally:
            # The end of the thread's work frees its place, not the end of the caller's patience.
            self._slots.release()


def _exchange_again_if_stale(line: _Line, request: _Request) -> Answer:
    started = time.monotonic()
    try:
        return _exchange(request)
    except requests.ConnectionError as error:
        late = time.monotonic() - started > _RETRY_WITHIN_SECONDS
        if not request.repeatable or line.cut or late or isinstance(error, requests.Timeout):
            raise
    return _exchange(request)


def _session() -> requests.Session:
    session: requests.Session | None = getattr(_thread, "session", None)
    if session is None:
        session = requests.Session()
        session.trust_env = False  # No proxy, no netrc: the way to WeChat is what settings say.
        session.mount("http://", _Adapter(pool_connections=1, pool_maxsize=1))
        session.mount("https://", _Adapter(pool_connections=1, pool_maxsize=1))
        _thread.session = session
    return session


def _exchange(request: _Request) -> Answer:
    with _session().request(
        request.method,
        request.url,
        data=request.body,
        headers=dict(request.headers),
        timeout=(CONNECT_SECONDS, READ_SECONDS),
        allow_redirects=False,
        stream=True,
    ) as response:
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_content(65536):
            size += len(chunk)
            if size > request.max_body_bytes:
                raise requests.exceptions.ContentDecodingError("answer too large")
            chunks.append(chunk)
        names = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status_code, headers=names, body=b"".join(chunks))
