"""Where the access token is kept between calls and between processes."""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class TokenStore(Protocol):
    """A small cache with expiry. Several threads use it at once."""

    def get(self, key: str) -> str | None:
        """The value, or None when there is none or its time is over."""

    def set(self, key: str, value: str, ttl_seconds: int) -> None:
        """Keep the value for that long. An older one under the key is replaced."""

    def held(self, key: str) -> AbstractContextManager[None]:
        """Whoever fetches a new value is the only one who does, wherever the others are."""


class MemoryTokenStore:
    """For one process: each further process fetches a token of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, tuple[str, float]] = {}

    def get(self, key: str) -> str | None:
        with self._lock:
            value, ends = self._values.get(key, ("", 0.0))
        return value if time.monotonic() < ends else None

    def held(self, key: str) -> AbstractContextManager[None]:
        """The caller's own threads wait for each other already; there is nobody else."""
        return nullcontext()

    def set(self, key: str, value: str, ttl_seconds: int) -> None:
        with self._lock:
            self._values[key] = (value, time.monotonic() + ttl_seconds)
