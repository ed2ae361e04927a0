"""The stream process: ``python -m app.jobs.streams``. It holds the connections of all screens.

One event loop, two lines to PostgreSQL: one listens and reads the feed once for everybody, one
looks after single screens (what they missed, whether their token is still good). Web processes
sign screens in and hand their connections over (web/handover); nobody else can reach this process.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import signal
import socket
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path

import psycopg

from app.core.logs import configure_logs
from app.core.streams import (
    LONGEST_NOTE,
    TAKEN,
    Listener,
    feed_item,
    short_address,
    stream_socket,
)
from app.jobs.screens import READY, RESET, Feed, Screen
from config import Settings, SettingsError, load_settings

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
TOKENS_SECONDS = 5.0
LISTEN_SECONDS = 2.0  # A notification may be lost with a connection; looking costs next to nothing.
RETRY_SECONDS = 1.0
KEPT = 20_000  # Events at hand for screens that come back.
MISSED = 500  # Who has missed more is told to read the list.
_READ = 2_000
_TURN_SECONDS = 0.2
_AT_ONCE = 200  # Screens that come at once wait here for their turn.


class Streams:
    """All screens of one node, and the feed that they hear."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._screens: dict[int, set[Screen]] = {}
        self._recent: deque[tuple[int, int, bytes]] = deque(maxlen=KEPT)
        self._last_id = 0
        self._whole_since = 0  # What came after this id is among the recent ones.
        self._looking = asyncio.Lock()
        self._line: psycopg.AsyncConnection | None = None

    async def run(self, path_listener: socket.socket) -> None:
        feed = Feed(self._database_url)
        await self._begin(feed)
        loop = asyncio.get_running_loop()
        loop.add_reader(path_listener, self._accept, path_listener)
        log.info("streams are open")
        try:
            await asyncio.gather(
                self._publish(feed), self._beat(), self._check_tokens(), return_exceptions=False
            )
        finally:
            loop.remove_reader(path_listener)
            for screen in self._all():
                screen.close()

    async def _begin(self, feed: Feed) -> None:
        while True:
            try:
                self._last_id = self._whole_since = await feed.newest_id()
                return
            except psycopg.Error as error:
                log.warning("the streams wait for the database: %s", error)
                await asyncio.sleep(RETRY_SECONDS)

    # Screens come and go -----------------------------------------------------------------------

    def _accept(self, listener: socket.socket) -> None:
        with suppress(BlockingIOError):
            for _ in range(_AT_ONCE):
                line, _ = listener.accept()
                line.settimeout(0.5)  # A neighbour on this machine that has connected has sent.
                with line:
                    self._take(line)

    def _take(self, line: socket.socket) -> None:
        try:
            note, received, _, _ = socket.recv_fds(line, LONGEST_NOTE, 1)
        except OSError as error:
            log.warning("a connection was not handed over: %s", error)
            return
        if len(received) != 1:
            return
        connection = socket.socket(fileno=received[0])
        connection.settimeout(0)
        with suppress(OSError):
            line.sendall(TAKEN)
        task = asyncio.get_running_loop().create_task(self._serve(connection, Listener.of(note)))
        task.add_done_callback(_report)

    async def _serve(self, connection: socket.socket, listener: Listener) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, screen = await loop.connect_accepted_socket(
                lambda: Screen(listener, self._forget), connection
            )
        except OSError:
            connection.close()
            return
        after = self._last_id if listener.after is None else min(listener.after, self._last_id)
        if after < self._whole_since:
            after = await self._catch_up(screen, after)
        # From here to the end nothing waits, so nothing comes in between.
        for event_id, store_id, text in self._recent:
            if event_id > after and store_id == listener.store_id:
                screen.write(text)
        screen.write(READY % self._last_id)
        if not screen.is_closing:
            self._screens.setdefault(listener.store_id, set()).add(screen)

    async def _catch_up(self, screen: Screen, after: int) -> int:
        """Send what a screen has missed for long, read in its store's own scope."""
        until = self._last_id
        try:
            async with self._looking:
                line = await self._second_line()
                missed = await Feed.missed(line, screen.listener, after, until, MISSED + 1)
        except psycopg.Error as error:
            log.warning("a screen could not catch up: %s", error)
            missed = None
        if missed is None or len(missed) > MISSED:
            screen.write(RESET)
            return until
        for event_id, body in missed:
            screen.write(_event(event_id, body))
        return until

    def _forget(self, screen: Screen) -> None:
        of_store = self._screens.get(screen.listener.store_id)
        if of_store is not None:
            of_store.discard(screen)
            if not of_store:
                del self._screens[screen.listener.store_id]

    def _all(self) -> list[Screen]:
        return [screen for of_store in self._screens.values() for screen in of_store]

    # What goes on all the time -----------------------------------------------------------------

    async def _publish(self, feed: Feed) -> None:
        while True:
            try:
                await feed.wait(LISTEN_SECONDS)
                while events := await feed.read(self._last_id, _READ):
                    for event_id, store_id, body in events:
                        self._tell(event_id, store_id, _event(event_id, body))
            except psycopg.Error as error:
                log.warning("the streams wait for the database: %s", error)
                await feed.close()
                await asyncio.sleep(RETRY_SECONDS)

    def _tell(self, event_id: int, store_id: int, text: bytes) -> None:
        if len(self._recent) == KEPT:
            self._whole_since = self._recent[0][0]
        self._recent.append((event_id, store_id, text))
        self._last_id = event_id
        for screen in tuple(self._screens.get(store_id, ())):
            screen.write(text)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            for screen in self._all():
                screen.write(b":\n\n")

    async def _check_tokens(self) -> None:
        """Who was signed out, frozen or moved to another store hears nothing more."""
        while True:
            await asyncio.sleep(TOKENS_SECONDS)
            screens = self._all()
            if not screens:
                continue
            try:
                async with self._looking:
                    ended = await Feed.ended(
                        await self._second_line(), [screen.listener for screen in screens]
                    )
            except psycopg.Error as error:
                log.warning("tokens could not be looked at: %s", error)
                continue
            for screen in screens:
                if (screen.listener.token_digest, screen.listener.store_id) in ended:
                    screen.close()

    async def _second_line(self) -> psycopg.AsyncConnection:
        if self._line is None or self._line.closed:
            self._line = await Feed.connect(self._database_url)
        return self._line


def _event(event_id: int, body: dict[str, object]) -> bytes:
    data = json.dumps(feed_item(event_id, body), ensure_ascii=False)
    return f"id: {event_id}\ndata: {data}\n\n".encode()


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("a screen could not be served", exc_info=task.exception())


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Under one home one does at a time; a second one stands by."""
    assert settings.database_url is not None
    work = asyncio.create_task(_serve_alone(settings.database_url, stream_socket(settings.home)))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    with suppress(asyncio.CancelledError):
        await work


async def _serve_alone(database_url: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    turn = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        await _wait_for_turn(turn)
        with _listen(path) as listener:
            await Streams(database_url).run(listener)
    finally:
        os.close(turn)


async def _wait_for_turn(turn: int) -> None:
    """The kernel gives the turn back when a process ends, however it ends."""
    told = False
    while True:
        try:
            return fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told:
                log.info("another process has the streams of this home; this one stands by")
                told = True
            await asyncio.sleep(_TURN_SECONDS)


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.settimeout(0)
    path.unlink(missing_ok=True)
    before = os.umask(0o177)  # Nobody else on this machine may hand us a connection.
    try:
        with short_address(path) as address:
            listener.bind(address)
    finally:
        os.umask(before)
    listener.listen(1024)
    return listener


def main() -> None:
    configure_logs()
    try:
        settings = load_settings()
    except SettingsError as refusal:
        sys.exit(f"kaquan: {refusal}")
    if settings.database_url is None:
        sys.exit("kaquan: DATABASE_URL is not set; start the program with make run")
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
