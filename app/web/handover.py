"""Handing a browser's connection to another process: the stream process holds it from then on.

No thread of ours waits with a screen. The connection goes over a Unix socket (SCM_RIGHTS); what
gunicorn keeps in its place is an empty one, so that whatever it does at the end of the request
(a half-close, a drain) touches nobody.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any, NoReturn

from flask import Response, request

from app.core.errors import N_, Category, DomainError
from app.core.streams import TAKEN, Listener, short_address, stream_socket

_PATIENCE_SECONDS = 2.0


class StreamUnavailable(DomainError):
    code = "stream_unavailable"
    category = Category.UNAVAILABLE
    template = N_("Live messages pause for a moment. The list is still brought up to date.")


class HandedOver(Response):
    """The answer of a request whose connection is somebody else's now."""

    def __call__(self, *_: Any) -> NoReturn:  # type: ignore[override]
        # gunicorn takes this as the end of the connection, and writes nothing.
        raise StopIteration


def hand_over(home: Path, listener: Listener) -> HandedOver:
    """Give this request's connection to the stream process.

    Raises:
        StreamUnavailable: It is not there, or there is no connection to give. Nothing has happened
            to the connection, so the refusal reaches the client.
    """
    connection: socket.socket | None = request.environ.get("gunicorn.socket")
    if connection is None:
        raise StreamUnavailable
    try:
        _send(stream_socket(home), listener.note(), connection)
    except OSError:
        raise StreamUnavailable from None
    _put_an_empty_one_in_place_of(connection)
    return HandedOver()


def _send(path: Path, note: bytes, connection: socket.socket) -> None:
    with socket.socket(socket.AF_UNIX) as line, short_address(path) as address:
        line.settimeout(_PATIENCE_SECONDS)
        line.connect(address)
        socket.send_fds(line, [note], [connection.fileno()])
        if line.recv(1) != TAKEN:
            raise ConnectionError("the stream process has not taken the connection")


def _put_an_empty_one_in_place_of(connection: socket.socket) -> None:
    left, right = socket.socketpair()
    right.close()
    with left:
        os.dup2(left.fileno(), connection.fileno(), inheritable=False)
