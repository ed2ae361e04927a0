"""Counting visits off the request path: a page drops a note, a thread writes a second's notes.

What a killed process has not written yet, a second's worth at most, is lost; nobody waits for it.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.orm import Session

from app.core.actor import SYSTEM
from app.core.clock import local_day, utc_now
from app.core.visits import Visit
from app.db import DatabaseBusy, DatabaseDown
from app.flows.context import Context
from app.services.publishing.search_index import count_words
from app.services.publishing.traffic import forget_visits, keep_visits, kept_days
from app.services.publishing.traffic_sums import days_to_fold, fold_day

log = logging.getLogger(__name__)

MOST_WAITING = 20_000  # Of a flood the rest is dropped: memory is not the flood's.
PAUSE_SECONDS = 1.0
_BATCH = 2000
T = TypeVar("T", Visit, tuple[str, bool])


class Counter:
    """One process's notes. Its thread starts with the first one, hence after a fork."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._visits: deque[Visit] = deque(maxlen=MOST_WAITING)
        self._asked: deque[tuple[str, bool]] = deque(maxlen=MOST_WAITING)
        self._start = threading.Lock()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def note(self, visit: Visit) -> None:
        self._visits.append(visit)
        self._begin()

    def note_search(self, typed: str, *, found: bool) -> None:
        """A search from outside: its words are counted, nobody's searches are kept together."""
        self._asked.append((typed, found))
        self._begin()

    def write(self) -> None:
        """Write what waits. What cannot be written is given up, with a line in the log."""
        with self._writing:
            while self._visits or self._asked:
                visits = [self._visits.popleft() for _ in range(min(_BATCH, len(self._visits)))]
                asked = [self._asked.popleft() for _ in range(min(_BATCH, len(self._asked)))]
                self._write(visits, asked)

    def stop(self) -> None:
        self._stop.set()
        self.write()

    def _begin(self) -> None:
        if self._thread is None:
            with self._start:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="counter", daemon=True)
                    self._thread.start()
                    atexit.register(self.stop)

    def _run(self) -> None:
        while not self._stop.wait(PAUSE_SECONDS):
            self.write()

    def _write(self, visits: list[Visit], asked: list[tuple[str, bool]]) -> None:
        host = urlsplit(self._context.settings.public_base_url).hostname or ""
        region_of = self._context.regions.region_of
        self._keep(
            visits,
            lambda session, some: keep_visits(
                session, visits=some, own_host=host, region_of=region_of
            ),
        )
        today = local_day(utc_now())
        self._keep(asked, lambda session, some: count_words(session, day=today, asked=some))

    def _keep(self, notes: Sequence[T], keep: Callable[[Session, Sequence[T]], object]) -> None:
        """Write notes by one transaction. One that PostgreSQL refuses does not sink the others."""
        if not notes:
            return
        try:
            with self._context.database.unit_of_work(SYSTEM) as session:
                keep(session, notes)
        except DataError:
            if len(notes) == 1:
                log.warning("A visit or search was not counted: it holds what cannot be kept")
                return
            half = len(notes) // 2
            self._keep(notes[:half], keep)
            self._keep(notes[half:], keep)
        except (DBAPIError, DatabaseBusy, DatabaseDown) as error:
            log.warning("%s notes were not counted: %s", len(notes), type(error).__name__)


def fold(context: Context) -> None:
    """Add what has been read since the last time, day by day; forget what is old."""
    now = utc_now()
    with context.database.unit_of_work(SYSTEM) as session:
        days = days_to_fold(session, now=now)
    for day in days:
        with context.database.unit_of_work(SYSTEM) as session:
            fold_day(session, day=day)
    with context.database.unit_of_work(SYSTEM) as session:
        forget_visits(session, now=now)


def rebuild(context: Context) -> int:
    """Sum anew every day whose views are still kept. Returns how many days."""
    with context.database.unit_of_work(SYSTEM) as session:
        days = kept_days(session)
    for day in days:
        with context.database.unit_of_work(SYSTEM) as session:
            fold_day(session, day=day, whole=True)
    return len(days)
