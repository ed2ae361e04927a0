"""After the load: what was measured must also have been right."""

from __future__ import annotations

from app.core.actor import SYSTEM
from app.db import open_database
from app.queries.invariants import check_invariants
from bench.output import say
from bench.seeds import at
from runtime.postgres import Urls


class BrokenBooks(Exception):
    """A load has left an invariant broken: its figures are worth nothing."""


def check_books(urls: Urls, database: str) -> None:
    """Ask every invariant of the database that was under load.

    Raises:
        BrokenBooks
    """
    opened = open_database(at(urls.database_url, database))
    with opened.unit_of_work(SYSTEM) as session:
        broken = [result for result in check_invariants(session) if not result.ok]
    opened.dispose()
    if broken:
        raise BrokenBooks(f"{database}: {broken}")
    say(f"every invariant holds in {database}")
