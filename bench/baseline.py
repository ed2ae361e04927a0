"""The baseline: pgbench paying in four statements (bench/pay4.sql), on the same server."""

from __future__ import annotations

import re
import subprocess

import psycopg

from bench.seeds import ROOT, at, execute
from runtime.postgres import Urls
from runtime.postgres_cluster import programs

NAME = "pgbench pay4"
_DATABASE = "bench_pay4"
_TABLES = """
CREATE TABLE card (id bigint PRIMARY KEY, balance_fen bigint NOT NULL CHECK (balance_fen >= 0))
    WITH (fillfactor = 80);
CREATE TABLE payment (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key uuid NOT NULL UNIQUE,
    card_id bigint NOT NULL, amount_fen bigint NOT NULL, created_at timestamptz DEFAULT now());
CREATE TABLE posting (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id bigint NOT NULL, account text NOT NULL, amount_fen bigint NOT NULL);
"""


class Baseline:
    """A fresh database of so many cards; ``run`` pays with them."""

    def __init__(self, urls: Urls, *, cards: int) -> None:
        self._url = at(urls.superuser_url, _DATABASE)
        self._cards = cards
        execute(urls, "DROP DATABASE IF EXISTS {} WITH (FORCE)", _DATABASE)
        execute(urls, "CREATE DATABASE {}", _DATABASE)
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(_TABLES)
            connection.execute(f"INSERT INTO card SELECT i, 1e9 FROM generate_series(1, {cards}) i")
            connection.execute("VACUUM ANALYZE")

    def run(self, *, clients: int, seconds: float) -> float:
        """Payments a second; prepared statements, as many connections as clients."""
        words = [
            *(str(programs() / "pgbench"), "--no-vacuum", "--protocol=prepared"),
            *("-c", str(clients), "-j", str(min(clients, 2)), "-T", str(max(1, round(seconds)))),
            *("-D", f"cards={self._cards}", "-f", str(ROOT / "bench" / "pay4.sql"), self._url),
        ]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        found = re.search(r"tps = ([0-9.]+)", done.stdout)
        assert found is not None, done.stdout + done.stderr
        return float(found[1])
