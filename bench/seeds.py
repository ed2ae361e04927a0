"""Seeded databases: made once, kept under a name with a hash of what they depend on, and cloned."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import ClientCursor, sql
from sqlalchemy import make_url
from werkzeug.security import generate_password_hash

from app.core import codes
from app.core.keys import Keys, masked_phone
from bench.output import say
from config import load_settings
from runtime.postgres import Urls
from runtime.postgres_cluster import OWNER

ROOT = Path(__file__).resolve().parent.parent
BEGAN_AT = datetime(2026, 1, 1, tzinfo=UTC)
PREFIX = "bench_seed_"
DESK_PASSWORD = "bench-desk-password-2026"  # noqa: S105 - it guards seeded rows
# Fixed, so that a kept seed's codes and phones are found again. They guard nothing.
SECRETS = {name: f"bench-only-{name}-0123456789abcdef" for name in ("SECRET_KEY", "CODE_KEY_1")}
SECRETS["PHONE_KEY"] = "bench-only-PHONE_KEY-0123456789abcdef"
KEYS = Keys(
    code_keys={1: SECRETS["CODE_KEY_1"].encode()},
    phone_key=SECRETS["PHONE_KEY"].encode(),
    secret_key=SECRETS["SECRET_KEY"].encode(),
)


@dataclass(frozen=True, kw_only=True)
class Seed:
    """How big a business is. A member has four postings, and three more for every round."""

    name: str
    members: int
    rounds: int = 0  # How often each member has paid already.
    vouchers: int = 0
    bare_payments: int = 0  # Payments without entries, for lists (bench/payments.sql).
    merchants: int = 10
    stores: int = 100

    @property
    def postings(self) -> int:
        return self.members * (4 + 3 * self.rounds)

    @property
    def database(self) -> str:
        """Another schema, or another size, is another database."""
        found = hashlib.sha256(repr(self).encode())
        paths = [
            *sorted((ROOT / "migrations").rglob("*")),
            *sorted((ROOT / "app/models").iterdir()),
        ]
        sources = [ROOT / "bench" / "seed.sql", ROOT / "bench" / "payments.sql", Path(__file__)]
        for path in [*paths, *sources]:
            if path.suffix in {".py", ".sql", ".psql"}:
                found.update(path.read_bytes())
        return f"{PREFIX}{self.name}_{found.hexdigest()[:12]}"


def phone(member: int) -> str:
    return f"138{member:08d}"


def voucher_codes(count: int) -> list[str]:
    """The same secret codes every time: the seed keeps their digests, the clients type them."""
    numbers = random.Random(20261123)
    return [codes.make_code(numbers.randbytes(codes.CODE_LENGTH - 1)) for _ in range(count)]


def at(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def execute(urls: Urls, text: str, *names: str) -> None:
    """One statement as the superuser, outside a transaction; each {} is the next name."""
    with psycopg.connect(urls.superuser_url, autocommit=True) as connection:
        connection.execute(sql.SQL(text).format(*map(sql.Identifier, names)))


def prepare_seed(urls: Urls, seed: Seed) -> str:
    """The seed's database, made now if it is not there yet. Returns its name."""
    name = seed.database
    for outdated in _databases(urls) - {name}:
        if outdated.startswith(f"{PREFIX}{seed.name}_"):
            execute(urls, "DROP DATABASE {} WITH (FORCE)", outdated)
    if name in _databases(urls):
        return name
    began = time.monotonic()
    say(f"seeding {seed.name}: {seed.members:,} members, {seed.postings:,} postings ...")
    draft = f"{name}_draft"
    _migrate(urls, draft)
    _fill(at(urls.superuser_url, draft), seed)
    execute(urls, "ALTER DATABASE {} RENAME TO {}", draft, name)
    say(f"seeded {seed.name} in {time.monotonic() - began:.0f} s")
    return name


def clone(urls: Urls, seed: Seed, name: str) -> str:
    """A fresh copy of the seed's database, to be used up."""
    template = prepare_seed(urls, seed)
    execute(urls, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    execute(
        urls, "CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY file_copy", name, template, OWNER
    )
    return name


def _databases(urls: Urls) -> set[str]:
    with psycopg.connect(urls.superuser_url) as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}


def _migrate(urls: Urls, name: str) -> None:
    execute(urls, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    execute(urls, "CREATE DATABASE {} OWNER {}", name, OWNER)
    subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_ADMIN_URL": at(urls.database_admin_url, name),
            "DATABASE_URL": at(urls.database_url, name),
        },
        stdout=sys.stderr,
        check=True,
    )


def _fill(url: str, seed: Seed) -> None:
    with psycopg.connect(url, cursor_factory=ClientCursor) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '512MB'")
        indexes = _drop_indexes(connection)
        _copy_people_and_codes(connection, seed)
        connection.execute(
            (ROOT / "bench" / "seed.sql").read_text(),
            {
                "members": seed.members,
                "rounds": seed.rounds,
                "vouchers": seed.vouchers,
                "merchants": seed.merchants,
                "stores": seed.stores,
                "began_at": BEGAN_AT,
                "appid": load_settings({}).wechat.mini_appid,
            },
        )
        if seed.bare_payments:
            indexes += _drop_constraints(connection, "payment")
            connection.execute(
                (ROOT / "bench" / "payments.sql").read_text(),
                {
                    "payments": seed.bare_payments,
                    "members": seed.members,
                    "stores": seed.stores,
                    "began_at": BEGAN_AT,
                    "password": generate_password_hash(DESK_PASSWORD),
                },
            )
        for statement in indexes:
            connection.execute(statement)
        _continue_sequences(connection)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE, FREEZE)")
        connection.execute("CHECKPOINT")


def _drop_indexes(connection: psycopg.Connection) -> list[str]:
    """Indexes that no constraint needs are built after the rows, which is twice as fast."""
    rows = connection.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index i"
        " JOIN pg_class t ON t.oid = i.indrelid"
        " WHERE t.relnamespace = 'public'::regnamespace AND NOT i.indisunique"
        " AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)"
    ).fetchall()
    for name, _ in rows:
        connection.execute(f"DROP INDEX {name}")
    return [definition for _, definition in rows]


def _drop_constraints(connection: psycopg.Connection, table: str) -> list[str]:
    """Unique keys and checks of a table that takes millions: asked once of all rows afterwards."""
    rows = connection.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = %s::regclass AND contype IN ('p', 'u', 'c')",
        [table],
    ).fetchall()
    connection.execute(
        f"ALTER TABLE {table} {', '.join(f'DROP CONSTRAINT {name}' for name, _ in rows)}"
    )
    added = ", ".join(f"ADD CONSTRAINT {name} {definition}" for name, definition in rows)
    return [f"ALTER TABLE {table} {added}"]


def _copy_people_and_codes(connection: psycopg.Connection, seed: Seed) -> None:
    cursor = connection.cursor()
    columns = "id, nickname, phone_sealed, phone_digest, phone_masked"
    with cursor.copy(f"COPY member ({columns}) FROM STDIN") as copy:
        for member in range(1, seed.members + 1):
            number = phone(member)
            # Nobody reads a phone back here, so its sealed form may be anything.
            digest = KEYS.phone_digest(number)
            copy.write_row((member, f"压测{member}", digest, digest, masked_phone(number)))
    connection.execute(
        "CREATE TEMP TABLE bench_code (n bigint, code_digest bytea, code_last4 text) ON COMMIT DROP"
    )
    with cursor.copy("COPY bench_code FROM STDIN") as copy:
        for number, code in enumerate(voucher_codes(seed.vouchers), start=1):
            copy.write_row((number, KEYS.code_digests(code)[0], code[-4:]))


def _continue_sequences(connection: psycopg.Connection) -> None:
    rows = connection.execute(
        "SELECT table_name, pg_get_serial_sequence(format('%I', table_name), column_name)"
        " FROM information_schema.columns"
        " WHERE table_schema = 'public' AND is_identity = 'YES' AND column_name = 'id'"
    ).fetchall()
    for table, sequence in rows:
        connection.execute(
            f"SELECT setval('{sequence}', (SELECT coalesce(max(id), 0) + 1 FROM {table}), false)"
        )
