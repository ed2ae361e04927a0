"""Counts what goes over the wire to PostgreSQL: a proxy that reads the client's messages."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

# Each of these is answered before the client goes on: a simple query, or the end of a batch.
_ROUND_TRIPS = (b"Q", b"S")


@dataclass
class Wire:
    """``round_trips`` of all connections since the start; ``url`` leads through the proxy."""

    url: str
    round_trips: int = 0


@contextmanager
def counted_wire(directory: Path, url: str) -> Iterator[Wire]:
    """Listen on a socket in the directory, and pass everything on to the real one."""
    [host] = parse_qs(urlsplit(url).query)["host"]
    real = next(path for path in Path(host).glob(".s.PGSQL.*") if path.suffix != ".lock")
    wire = Wire(url.replace(quote(host, safe=""), quote(str(directory), safe="")))
    assert wire.url != url
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(directory / real.name))
    listener.listen()
    threads: list[threading.Thread] = []
    sockets: list[socket.socket] = [listener]

    def accept() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(str(real))
                sockets.extend((near, far))
                for work in ((_count, near, far, wire), (_pass_on, far, near)):
                    thread = threading.Thread(target=work[0], args=work[1:])
                    thread.start()
                    threads.append(thread)

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield wire
    finally:
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in (acceptor, *threads):
            thread.join()
        for one in sockets:
            one.close()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _count(source: socket.socket, target: socket.socket, wire: Wire) -> None:
    """The first message has no type; then each has a letter and its length."""
    buffer, started = b"", False
    with suppress(OSError):
        while piece := source.recv(65536):
            buffer += piece
            while len(buffer) >= (head := 5 if started else 4):
                (length,) = struct.unpack("!I", buffer[head - 4 : head])
                if len(buffer) < length + head - 4:
                    break
                if started and buffer[:1] in _ROUND_TRIPS:
                    wire.round_trips += 1
                buffer, started = buffer[length + head - 4 :], True
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
