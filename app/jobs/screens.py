"""What the stream process is made of: a screen's connection, and the feed in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import psycopg

from app.core.streams import CHANNEL, Listener

HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-store\r\n"
    b"X-Accel-Buffering: no\r\n"  # nginx would keep events back.
    b"X-Content-Type-Options: nosniff\r\n"
    b"Connection: close\r\n\r\n"
    b"retry: 2000\n\n"
)
READY = b"id: %d\nevent: ready\ndata: {}\n\n"
RESET = b"event: reset\ndata: {}\n\n"
_MOST_UNREAD = 256 * 1024  # A screen that takes nothing is let go; it may come back.

_SYSTEM = "SELECT set_config('role', 'kaquan_system', true)"
_STORE = (
    "SELECT set_config('role', 'kaquan_store', true), set_config('app.merchant_id', %s, true),"
    " set_config('app.store_id', %s, true)"
)

Body = dict[str, object]


class Screen(asyncio.Protocol):
    """One connection. What the screen sends is of no interest; when it goes, it is forgotten."""

    def __init__(self, listener: Listener, forget: Callable[[Screen], None]) -> None:
        self.listener = listener
        self._forget = forget
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._forget(self)

    @property
    def is_closing(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def write(self, text: bytes) -> None:
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size() > _MOST_UNREAD:
            self._transport.abort()
        else:
            self._transport.write(text)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Feed:
    """The feed's table over one line that listens. A broken line is made anew at the next look."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._line: psycopg.AsyncConnection | None = None

    @staticmethod
    async def connect(database_url: str) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(
            database_url,
            autocommit=True,
            connect_timeout=5,
            application_name="kaquan streams",
            options="-c statement_timeout=10s",
        )

    async def wait(self, seconds: float) -> None:
        """Until the relay has published something, or so long."""
        line = await self._listening()
        async for _ in line.notifies(timeout=seconds, stop_after=1):
            pass

    async def newest_id(self) -> int:
        line = await self._listening()
        async with line.transaction():
            await line.execute(_SYSTEM)
            found = await line.execute("SELECT coalesce(max(id), 0) FROM feed_event")
            row = await found.fetchone()
        assert row is not None
        return int(row[0])

    async def read(self, after: int, limit: int) -> Sequence[tuple[int, int, Body]]:
        """What all stores have received after that, in order."""
        line = await self._listening()
        async with line.transaction():
            await line.execute(_SYSTEM)
            found = await line.execute(
                "SELECT id, store_id, body FROM feed_event WHERE id > %s ORDER BY id LIMIT %s",
                (after, limit),
            )
            return await found.fetchall()

    async def close(self) -> None:
        if self._line is not None:
            await self._line.close()
            self._line = None

    @staticmethod
    async def missed(
        line: psycopg.AsyncConnection, listener: Listener, after: int, until: int, limit: int
    ) -> Sequence[tuple[int, Body]]:
        """What a screen has missed, behind the wall of its own store."""
        async with line.transaction():
            await line.execute(_STORE, (str(listener.merchant_id), str(listener.store_id)))
            found = await line.execute(
                "SELECT id, body FROM feed_event WHERE id > %s AND id <= %s ORDER BY id LIMIT %s",
                (after, until, limit),
            )
            return await found.fetchall()

    @staticmethod
    async def ended(
        line: psycopg.AsyncConnection, listeners: Sequence[Listener]
    ) -> set[tuple[bytes, int]]:
        """Which (token, store) among these is not signed in any more."""
        async with line.transaction():
            await line.execute(_SYSTEM)
            found = await line.execute(
                "SELECT l.digest, l.store_id"
                " FROM unnest(%s::bytea[], %s::bigint[]) l(digest, store_id)"
                " WHERE NOT EXISTS (SELECT FROM kaquan.authenticate(l.digest) a"
                "                   WHERE a.store_id = l.store_id)",
                (
                    [listener.token_digest for listener in listeners],
                    [listener.store_id for listener in listeners],
                ),
            )
            return {(bytes(digest), store_id) for digest, store_id in await found.fetchall()}

    async def _listening(self) -> psycopg.AsyncConnection:
        if self._line is None or self._line.closed:
            self._line = await self.connect(self._database_url)
            await self._line.execute(f"LISTEN {CHANNEL}")
        return self._line
