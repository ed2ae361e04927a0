"""What the web and the stream process agree on: where they meet, and what is handed over.

A web process signs a screen in and hands its connection over the Unix socket, with a note of who
listens; from then on the stream process alone writes to it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHANNEL = "kaquan_feed"  # What the relay notifies and the stream process listens to.
TAKEN = b"1"  # The stream process has the connection.
LONGEST_NOTE = 4096
_LONGEST_ADDRESS = 100  # The kernel's limit for a Unix socket's path is 108 bytes.


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A screen: whose feed it hears, by which token, and what it has seen already."""

    merchant_id: int
    store_id: int
    token_digest: bytes
    after: int | None

    def note(self) -> bytes:
        kept = {**self.__dict__, "token_digest": self.token_digest.hex()}
        return json.dumps(kept).encode()

    @staticmethod
    def of(note: bytes) -> Listener:
        told = json.loads(note)
        return Listener(**{**told, "token_digest": bytes.fromhex(told["token_digest"])})


def stream_socket(home: Path) -> Path:
    return home / "run" / "streams.sock"


def feed_item(event_id: int, body: dict[str, object]) -> dict[str, object]:
    """A feed's event as it goes over the wire, asked for or streamed."""
    return {"id": str(event_id), **body}


@contextmanager
def short_address(path: Path) -> Iterator[str]:
    """A path that the kernel takes, however deep the home lies."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
