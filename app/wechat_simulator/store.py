"""What WeChat remembers, in one SQLite file: it survives a restart of the simulator."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_EVERY_ORDER = "*"
_NEXT_ORDER = "+"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
  order_no TEXT PRIMARY KEY, prepay_id TEXT NOT NULL UNIQUE, parameters TEXT NOT NULL,
  appid TEXT NOT NULL, openid TEXT NOT NULL, amount_fen INTEGER NOT NULL,
  notify_url TEXT NOT NULL, expires_at REAL NOT NULL, created_at REAL NOT NULL,
  state TEXT NOT NULL DEFAULT 'NOTPAY', transaction_id TEXT UNIQUE, paid_at REAL
) STRICT;
CREATE TABLE IF NOT EXISTS refunds (
  refund_no TEXT PRIMARY KEY, refund_id TEXT NOT NULL UNIQUE, parameters TEXT NOT NULL,
  order_no TEXT NOT NULL, refund_fen INTEGER NOT NULL, notify_url TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'PROCESSING', final_state TEXT NOT NULL, due_at REAL NOT NULL,
  is_told INTEGER NOT NULL, created_at REAL NOT NULL, finished_at REAL
) STRICT;
CREATE INDEX IF NOT EXISTS refunds_of_order ON refunds (order_no);
CREATE INDEX IF NOT EXISTS refunds_due ON refunds (due_at) WHERE state = 'PROCESSING';
CREATE TABLE IF NOT EXISTS notifications (
  id INTEGER PRIMARY KEY, order_no TEXT NOT NULL, kind TEXT NOT NULL, url TEXT NOT NULL,
  body TEXT NOT NULL, forgery TEXT, is_held INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0, last_status INTEGER, due_at REAL NOT NULL,
  state TEXT NOT NULL DEFAULT 'pending'
) STRICT;
CREATE INDEX IF NOT EXISTS notifications_due ON notifications (due_at) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS notifications_of_order ON notifications (order_no);
CREATE TABLE IF NOT EXISTS scenarios (
  id INTEGER PRIMARY KEY, order_no TEXT NOT NULL, name TEXT NOT NULL, options TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS scenarios_of_order ON scenarios (order_no);
CREATE INDEX IF NOT EXISTS orders_paid ON orders (paid_at) WHERE paid_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS refunds_made ON refunds (created_at);
CREATE TABLE IF NOT EXISTS bill_plans (day TEXT PRIMARY KEY, plan TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS openids (openid TEXT PRIMARY KEY, appid TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS followers (
  openid TEXT PRIMARY KEY, name TEXT NOT NULL, follows INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS token_rounds (id INTEGER PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY, path TEXT NOT NULL, body TEXT NOT NULL, sent_at REAL NOT NULL
) STRICT;
"""

Options = Mapping[str, object]


class Store:
    """One connection behind one lock: every step is a few dozen microseconds."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        # Safe against a killed process; only a power cut may lose the last moments.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, and nobody else meanwhile. May be nested: the outermost commits."""
        with self._lock:
            if self._db.in_transaction:
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def row(self, query: str, *values: object) -> sqlite3.Row | None:
        found = self.rows(query, *values)
        return found[0] if found else None

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def set_scenario(self, target: str, name: str, options: Options) -> None:
        """``target`` is an order number, ``*`` for every order or ``+`` for the next new one.

        The name ``normal`` takes back what was set there.
        """
        with self.transaction() as db:
            if name == "normal":
                db.execute("DELETE FROM scenarios WHERE order_no = ?", (target,))
                return
            db.execute(
                "DELETE FROM scenarios WHERE order_no = ? AND name = ? AND order_no <> ?",
                (target, name, _NEXT_ORDER),
            )
            db.execute(
                "INSERT INTO scenarios (order_no, name, options) VALUES (?, ?, ?)",
                (target, name, json.dumps(dict(options))),
            )

    def adopt_next_scenario(self, order_no: str) -> None:
        """The order is new: what was set for "the next one" becomes its own."""
        if self.row("SELECT 1 FROM scenarios WHERE order_no = ?", _NEXT_ORDER) is None:
            return
        with self.transaction() as db:
            db.execute(
                "UPDATE scenarios SET order_no = ? WHERE id ="
                " (SELECT min(id) FROM scenarios WHERE order_no = ?)",
                (order_no, _NEXT_ORDER),
            )

    def scenario(self, order_no: str, name: str) -> Options | None:
        """The options when that scenario applies now. One with ``times`` is used up by asking."""
        if self.row("SELECT 1 FROM scenarios LIMIT 1") is None:
            return None  # As with most orders of most days: then nothing is to be locked.
        with self.transaction() as db:
            row = db.execute(
                "SELECT id, options FROM scenarios WHERE order_no IN (?, ?) AND name = ?"
                " ORDER BY order_no = ? LIMIT 1",
                (order_no, _EVERY_ORDER, name, _EVERY_ORDER),
            ).fetchone()
            if row is None:
                return None
            options: dict[str, object] = json.loads(row["options"])
            times = options.get("times")
            if isinstance(times, int) and name != "repeated":
                if times <= 1:
                    db.execute("DELETE FROM scenarios WHERE id = ?", (row["id"],))
                else:
                    left = json.dumps(options | {"times": times - 1})
                    db.execute("UPDATE scenarios SET options = ? WHERE id = ?", (left, row["id"]))
            return options

    def keep_openid(self, openid: str, appid: str) -> None:
        """Somebody is known in this app by this openid, and in no other."""
        with self.transaction() as db:
            db.execute("INSERT OR IGNORE INTO openids VALUES (?, ?)", (openid, appid))

    def add_message(self, path: str, body: str) -> None:
        with self.transaction() as db:
            db.execute(
                "INSERT INTO messages (path, body, sent_at) VALUES (?, ?, ?)",
                (path, body, time.time()),
            )

    def keep_follower(self, openid: str, name: str, *, follows: bool) -> None:
        """Somebody follows the official account from now on, or no longer."""
        with self.transaction() as db:
            db.execute("REPLACE INTO followers VALUES (?, ?, ?)", (openid, name, int(follows)))

    def token_round(self) -> int:
        """How often all access tokens have come to their end."""
        row = self.row("SELECT count(*) AS rounds FROM token_rounds")
        return 0 if row is None else int(row["rounds"])

    def end_tokens(self) -> int:
        with self.transaction() as db:
            db.execute("INSERT INTO token_rounds DEFAULT VALUES")
        return self.token_round()
