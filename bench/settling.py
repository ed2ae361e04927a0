"""Settling a month of a thousand merchants, by a process of its own, against a bare INSERT … SELECT
of the same lines: linear in postings, and memory that does not grow with them.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from datetime import timedelta
from types import SimpleNamespace

import psycopg

from app.core.clock import utc_now
from app.db import open_database
from app.flows.settlement.settling import close_due
from bench import checks
from bench.output import Row, say
from bench.seeds import ROOT, Seed, at, clone
from runtime.postgres import Urls

_BARE = (
    "CREATE TABLE bare_line AS SELECT p.id, p.merchant_id, p.store_id, p.occurred_at,"
    " y.payment_no, -p.amount_fen AS amount_fen, y.card_fen, y.commission_fen"
    " FROM posting p JOIN payment y ON y.id = p.payment_id"
    " WHERE p.account = 'payable:merchant'"
)


MERCHANTS = int(os.environ.get("MERCHANTS") or 1_000)
POSTINGS = int(os.environ.get("POSTINGS") or 1_000_000)
_ROUNDS = 320  # How often each member has paid.


def settle(urls: Urls) -> None:
    """A quarter and a whole: the time of one posting has to stay the same."""
    for name, rounds in (("settle_quarter", _ROUNDS // 4), ("settle", _ROUNDS)):
        seed = Seed(
            name=name,
            members=max(1, POSTINGS // (4 + 3 * _ROUNDS)),
            rounds=rounds,
            merchants=MERCHANTS,
            stores=2 * MERCHANTS,
        )
        _settle_one(urls, seed)


def work(database_url: str) -> None:
    """What the hourly job does, of everything that the seed has booked."""
    database = open_database(database_url)
    began = time.monotonic()
    context = SimpleNamespace(database=database)
    closed = close_due(context, now=utc_now() + timedelta(days=62))  # type: ignore[arg-type]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    sys.stdout.write(f"{time.monotonic() - began} {peak} {len(closed.statement_ids)}\n")


def _settle_one(urls: Urls, seed: Seed) -> None:
    database = clone(urls, seed, f"bench_{seed.name}")
    child = subprocess.run(
        [sys.executable, "-m", "bench.settling", at(urls.database_url, database)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True,
        text=True,
    )  # fmt: skip
    seconds, peak_mb, statements = map(float, child.stdout.split())
    bare = _bare_seconds(at(urls.superuser_url, database))
    say(f"{seed.postings:,} postings settled in {seconds:.1f} s; bare {bare:.1f} s")
    Row(
        bench="settle",
        case=f"{seed.postings:,} postings, {statements:.0f} statements",
        ours=seed.postings / seconds,
        unit="postings/s",
        baseline=seed.postings / bare,
        baseline_name="bare INSERT … SELECT of the same lines",
        rss_mb=peak_mb,
    ).print()
    checks.check_books(urls, database)


def _bare_seconds(url: str) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bare_line")
        began = time.monotonic()
        connection.execute(_BARE)
        seconds = time.monotonic() - began
        connection.execute("DROP TABLE bare_line")
    return seconds


if __name__ == "__main__":
    work(sys.argv[1])
