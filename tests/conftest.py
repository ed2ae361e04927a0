"""Real PostgreSQL for every test: one migrated template, a database of its own for each worker."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg
import pytest
from _pytest.nodeid import NodeId
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from psycopg import pq, sql
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from app.core.actor import SYSTEM
from app.core.clock import end_of_day, local_day, utc_now
from app.core.keys import Keys
from app.db import Database, open_database
from app.queries.invariants import check_invariants
from runtime.postgres import Urls, embedded_postgres
from runtime.postgres_cluster import OWNER
from tests.books import BrokenBooks
from tests.factories import Factories

ROOT = Path(__file__).parent.parent
HOME = ROOT / "var" / "tests"
TEMPLATE = "kaquan_template_"
WORKER = "kaquan_test_"
NIGHT_SECONDS = 30
# Each table's numbers begin elsewhere: a query that forgets which table an id is of finds nothing
# at all here, instead of another test's row on an unlucky day.
_IDS_APART = """
DO $$
DECLARE one record;
BEGIN
    FOR one IN SELECT sequence, row_number() OVER (ORDER BY sequence) * 100000 + 1 AS first
        FROM (
            SELECT pg_get_serial_sequence(quote_ident(table_name), column_name) AS sequence
            FROM information_schema.columns WHERE table_schema = 'public' AND is_identity = 'YES'
        ) AS numbered
    LOOP
        EXECUTE format('ALTER SEQUENCE %s RESTART WITH %s', one.sequence, one.first);
    END LOOP;
END $$
"""

# The same examples each time, and however slow the machine is: a run fails for the code's sake
# only. HYPOTHESIS_SEED=random looks for new ones.
hypothesis_settings.register_profile(
    "steady",
    deadline=None,
    derandomize=os.environ.get("HYPOTHESIS_SEED") != "random",
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis_settings.load_profile("steady")


@dataclass(frozen=True)
class OwnDatabase:
    """A worker's own database, as the application, the owner and the superuser reach it."""

    name: str
    database_url: str
    database_admin_url: str
    superuser_url: str


class _RolledBack(Exception):
    """Ends a unit of work of a test without a commit."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let ``xdist_group`` work: pytest 9.2 keeps ids elsewhere than where xdist 3.8 writes them."""
    if not config.getoption("loadgroup", default=False):
        return
    for item in items:
        group = item.get_closest_marker("xdist_group")
        if group is not None and not item.nodeid.endswith(f"@{group.args[0]}"):
            item._id = NodeId.parse(f"{item.nodeid}@{group.args[0]}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Let a day that is about to end in Shanghai end first: no test is cut in two by midnight."""
    now = utc_now()
    left = (end_of_day(local_day(now)) - now).total_seconds()
    if left < NIGHT_SECONDS:
        time.sleep(left + 0.1)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A run that leaves broken books is worse than a failed one: `tests.steady` asks no more."""
    if report.failed and BrokenBooks.__name__ in report.longreprtext:
        pytest.exit(f"the books are broken: {report.longreprtext}", pytest.ExitCode.INTERNAL_ERROR)


@pytest.fixture(scope="session")
def of_today() -> Callable[[str, Callable[[], object]], object]:
    """``of_today("a name", make)``: what a module's tests share, made anew when the day turns."""
    made: dict[tuple[str, date], object] = {}

    def find(name: str, make: Callable[[], object]) -> object:
        key = (name, local_day(utc_now()))
        if key not in made:
            made[key] = make()
        return made[key]

    return find


@pytest.fixture(scope="session")
def postgres() -> Iterator[Urls]:
    """The embedded server that all workers share."""
    with embedded_postgres(HOME) as urls:
        yield urls


@pytest.fixture(scope="session")
def test_database(postgres: Urls) -> Iterator[OwnDatabase]:
    """A database cloned from the migrated template, dropped when this worker is done."""
    with _one_at_a_time():
        template = _migrated_template(postgres)
        name = f"{WORKER}{os.getpid()}"
        _drop(postgres, name)
        _execute(
            postgres.superuser_url,
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(template), sql.Identifier(OWNER)
            ),
            sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name)),
        )
    yield OwnDatabase(
        name=name,
        database_url=at(postgres.database_url, name),
        database_admin_url=at(postgres.database_admin_url, name),
        superuser_url=at(postgres.superuser_url, name),
    )
    _drop(postgres, name)


@pytest.fixture(scope="session")
def database(test_database: OwnDatabase) -> Iterator[Database]:
    """Real commits. At the end of the run every invariant is asked of what the tests have left."""
    opened = open_database(test_database.database_url)
    yield opened
    with opened.unit_of_work(SYSTEM) as session:
        broken = [result for result in check_invariants(session) if not result.ok]
    opened.dispose()
    if broken:
        raise BrokenBooks(broken)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A unit of work in the system scope that is never committed; deferred checks are made."""
    try:
        with database.unit_of_work(SYSTEM) as opened:
            yield opened
            status = opened.connection().connection.driver_connection.info.transaction_status
            if status == pq.TransactionStatus.INTRANS:
                opened.flush()
                opened.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            raise _RolledBack  # noqa: TRY301 - the unit of work must see it
    except _RolledBack:
        pass


@pytest.fixture(scope="session")
def keys() -> Keys:
    return Keys(code_keys={1: b"c" * 32}, phone_key=b"p" * 32, secret_key=b"s" * 32)


@pytest.fixture(scope="session")
def make(database: Database, keys: Keys) -> Factories:
    """Makes merchants, members, cards and vouchers, each committed when the call returns."""
    return Factories(database=database, keys=keys)


def _migrated_template(postgres: Urls) -> str:
    """The database that all tests' databases are copies of, made when the schema is a new one."""
    template = TEMPLATE + _schema_hash()
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        known = [row[0] for row in connection.execute("SELECT datname FROM pg_database")]
    for name in known:
        old_template = name.startswith(TEMPLATE) and name != template
        if old_template or (name.startswith(WORKER) and not _is_running(name)):
            _drop(postgres, name)
    if template in known:
        return template
    draft = f"{template}_draft"
    _drop(postgres, draft)
    _execute(
        postgres.superuser_url,
        sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(draft), sql.Identifier(OWNER)),
    )
    migrate(
        "upgrade",
        "head",
        admin_url=at(postgres.database_admin_url, draft),
        url=at(postgres.database_url, draft),
    )
    _execute(at(postgres.superuser_url, draft), sql.SQL(_IDS_APART))
    _execute(
        postgres.superuser_url,
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
            sql.Identifier(draft), sql.Identifier(template)
        ),
    )
    return template


def migrate(*words: str, admin_url: str, url: str) -> str:
    """Run Alembic as `make run` does: as the owner, for the application's login."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *words],
        cwd=ROOT,
        env={**os.environ, "DATABASE_ADMIN_URL": admin_url, "DATABASE_URL": url},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _schema_hash() -> str:
    """What the template depends on: the migrations and, for policies and Alembic, the models."""
    found = hashlib.sha256(_IDS_APART.encode())
    for directory in ("migrations", "app/models", "app/core"):
        for path in sorted((ROOT / directory).rglob("*")):
            if path.suffix in {".py", ".sql", ".psql"}:
                found.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return found.hexdigest()[:16]


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    HOME.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(HOME / "template.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_running(name: str) -> bool:
    """Whether the worker is alive whose database this is; a killed one leaves it behind."""
    try:
        os.kill(int(name.removeprefix(WORKER)), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def at(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _drop(postgres: Urls, name: str) -> None:
    _execute(
        postgres.superuser_url,
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)),
    )


def _execute(url: str, *statements: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
