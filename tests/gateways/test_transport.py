"""Kept connections, whole answers and who may wait: the HTTP under every call to WeChat."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.core.clock import utc_now
from app.gateways.wechat import transport
from app.gateways.wechat.transport import MOST_WAITING, Answer, BoundedHttp
from app.services.ports import GatewayUnavailable
from tests.wechat_far_end import eventually

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Converse = Callable[[socket.socket, int], None]


class Ear:
    """A far end that hears whole requests; ``connections`` and ``heard`` count."""

    def __init__(self, converse: Converse, context: ssl.SSLContext | None = None) -> None:
        self.connections = self.heard = 0
        self._converse, self._context = converse, context
        self._server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._lines: list[socket.socket] = []
        self.port = self._server.getsockname()[1]

    def hear(self, line: socket.socket) -> None:
        """One request with its body, which is ``{}``."""
        received = b""
        while not received.endswith(b"\r\n\r\n{}"):
            piece = line.recv(65536)
            if not piece:
                raise ConnectionAbortedError
            received += piece
        self.heard += 1

    def serve(self) -> None:
        while True:
            try:
                line, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            self._lines.append(line)
            threading.Thread(target=self._talk, args=(line, self.connections), daemon=True).start()

    def close(self) -> None:
        for one in (self._server, *self._lines):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _talk(self, line: socket.socket, number: int) -> None:
        with suppress(OSError):
            if self._context is not None:
                line = self._context.wrap_socket(line, server_side=True)
            with line:
                self._converse(line, number)


@contextmanager
def listening(talk: Callable[[Ear, socket.socket, int], None], **more) -> Iterator[Ear]:
    ear = Ear(lambda line, number: talk(ear, line, number), **more)
    thread = threading.Thread(target=ear.serve)
    thread.start()
    try:
        yield ear
    finally:
        ear.close()
        thread.join()


@pytest.fixture
def http() -> Iterator[BoundedHttp]:
    client = BoundedHttp(max_calls=1, total_seconds=20.0, max_body_bytes=1000)
    yield client
    client.close()


def _send(http: BoundedHttp, ear: Ear, *, scheme: str = "http", repeatable: bool = True) -> Answer:
    url = f"{scheme}://127.0.0.1:{ear.port}/v3/pay?a=1"
    return http.send("POST", url, headers={}, body=b"{}", repeatable=repeatable)


def _answer_for_ever(ear: Ear, line: socket.socket, _number: int) -> None:
    while True:
        ear.hear(line)
        line.sendall(GOOD)


def _answer_once(ear: Ear, line: socket.socket, _number: int) -> None:
    ear.hear(line)
    line.sendall(GOOD)


def test_a_connection_is_kept_from_call_to_call(http):
    with listening(_answer_for_ever) as ear:
        assert [_send(http, ear).body for _ in range(5)] == [b"ok"] * 5
        assert (ear.connections, ear.heard) == (1, 5)


def test_a_connection_that_ended_while_it_was_idle_is_not_used(http):
    """Nothing is sent on it, so that it does not matter whether the call may be repeated."""
    with listening(_answer_once) as ear:
        for count in range(1, 4):
            assert _send(http, ear, repeatable=False).status == 200
            kept = http._threads.submit(lambda: transport._thread.kept).result()
            eventually(lambda kept=kept: not kept.is_good_for(kept.origin))
            assert (ear.connections, ear.heard) == (count, count)


def _hang_up_on_the_second(ear: Ear, line: socket.socket, number: int) -> None:
    ear.hear(line)
    line.sendall(GOOD)
    ear.hear(line)
    if number > 1:
        line.sendall(GOOD)


def test_a_kept_connection_that_ends_without_an_answer_is_tried_anew(http):
    with listening(_hang_up_on_the_second) as ear:
        _send(http, ear)
        assert _send(http, ear).body == b"ok"
        assert (ear.connections, ear.heard) == (2, 3)


def test_what_may_not_be_repeated_is_not(http):
    with listening(_hang_up_on_the_second) as ear:
        _send(http, ear)
        with pytest.raises(GatewayUnavailable):
            _send(http, ear, repeatable=False)
        assert (ear.connections, ear.heard) == (1, 2)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbroken",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nbroken",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001,
        b"SMTP ready\r\n\r\n",
        b"",
    ],
    ids=["cut", "chunk-cut", "long", "long-untold", "long-chunk", "no-http", "nothing"],
)
def test_an_answer_that_is_not_whole_or_too_long_is_none(http, answer):
    def talk(ear: Ear, line: socket.socket, number: int) -> None:
        ear.hear(line)
        line.sendall(GOOD if number > 1 else answer)

    with listening(talk) as ear:
        with pytest.raises(GatewayUnavailable):
            _send(http, ear, repeatable=False)
        assert _send(http, ear).body == b"ok"  # And the next call begins afresh.


def test_an_answer_in_pieces_is_put_together_and_a_redirect_is_not_followed(http):
    pieces = b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"

    def talk(ear: Ear, line: socket.socket, _number: int) -> None:
        ear.hear(line)
        head = (
            b"HTTP/1.1 302 Found\r\nLocation: /b\r\nTransfer-Encoding: chunked\r\nX-One: 1\r\n\r\n"
        )
        line.sendall(head + pieces)

    with listening(talk) as ear:
        answer = _send(http, ear)
        assert (answer.status, answer.body, answer.headers["x-one"]) == (302, b"abcde", "1")
        assert ear.heard == 1


def test_some_threads_of_a_process_are_never_given_to_a_slow_wechat():
    """Whoever comes when enough wait is refused soon, whichever far end they want."""
    go_on = threading.Event()

    def talk(ear: Ear, line: socket.socket, _number: int) -> None:
        ear.hear(line)
        go_on.wait(60)
        line.sendall(GOOD)

    pay, login = (BoundedHttp(max_calls=MOST_WAITING, total_seconds=60.0) for _ in range(2))
    with listening(talk) as ear, ThreadPoolExecutor(MOST_WAITING) as threads:
        waiting = [threads.submit(_send, pay, ear) for _ in range(MOST_WAITING)]
        eventually(lambda: ear.heard == MOST_WAITING)
        for http in (pay, login):
            with pytest.raises(GatewayUnavailable, match="too many wait"):
                _send(http, ear)
        assert ear.heard == MOST_WAITING
        go_on.set()
        assert {one.result().body for one in waiting} == {b"ok"}
        assert _send(login, ear).body == b"ok"
    pay.close()
    login.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> tuple[Path, ssl.SSLContext]:
    """A certificate of its own authority for 127.0.0.1, and a far end that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "far end")])
    now, day = utc_now(), datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, SHA256())
    )
    path = tmp_path_factory.mktemp("authority") / "far_end.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return path, context


def test_a_far_end_that_nobody_vouches_for_is_not_spoken_to(http, authority):
    _, context = authority
    with listening(_answer_for_ever, context=context) as ear:
        with pytest.raises(GatewayUnavailable, match="SSLCertVerificationError"):
            _send(http, ear, scheme="https")
        assert ear.heard == 0


def test_a_trusted_far_end_is_spoken_to_on_a_kept_connection(authority, monkeypatch):
    path, context = authority
    trusting = ssl.create_default_context(cafile=path)
    monkeypatch.setattr(transport, "_trust", lambda: trusting)
    http = BoundedHttp(max_calls=1, total_seconds=20.0)
    with listening(_answer_for_ever, context=context) as ear:
        assert [_send(http, ear, scheme="https").body for _ in range(3)] == [b"ok"] * 3
        assert (ear.connections, ear.heard) == (1, 3)
    http.close()


def test_a_trusted_far_end_that_hangs_is_cut_in_time(authority, monkeypatch):
    path, context = authority
    trusting = ssl.create_default_context(cafile=path)
    monkeypatch.setattr(transport, "_trust", lambda: trusting)
    hung_up = threading.Event()

    def talk(ear: Ear, line: socket.socket, _number: int) -> None:
        ear.hear(line)
        with suppress(OSError):
            while line.recv(1):
                pass
        hung_up.set()

    http = BoundedHttp(max_calls=1, total_seconds=0.5)
    with listening(talk, context=context) as ear:
        with pytest.raises(GatewayUnavailable, match="no whole answer in time"):
            _send(http, ear, scheme="https")
        assert hung_up.wait(60)
    http.close()
