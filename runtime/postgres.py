"""The embedded PostgreSQL server, shared by all programs that use one home directory.

Whoever needs it joins; the first to join starts it, and the last to leave stops it. Readiness is
decided by a connection, never by a process id: after a `kill -9` the id may be a zombie's, or by
now somebody else's.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import pq

from runtime.postgres_cluster import (
    APPLICATION,
    OWNER,
    PORT,
    SUPERUSER,
    ClusterFiles,
    create_roles_and_database,
    programs,
)
from runtime.privileges import PostgresError, Runner, choose_runner

START_SECONDS = 30.0
RECOVERY_SECONDS = 600.0  # After a crash the server answers "starting up" as long as it replays.
HUNG_SECONDS = 10.0
ORPHANS_SECONDS = 2.0
STOP_SECONDS = 30.0
PAUSE_SECONDS = 0.02

# Servers that this process started, kept so that a dead one is reaped and not left as a zombie.
_started: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Urls:
    """How the server is reached, as libpq URIs."""

    database_url: str  # The application's role: owns nothing.
    database_admin_url: str  # The owner's, for migrations.
    superuser_url: str  # For tests and benchmarks that make databases of their own.


@contextmanager
def embedded_postgres(home: Path) -> Iterator[Urls]:
    """Use the server of this home: start it if need be, and stop it if nobody else uses it.

    Raises:
        PostgresError: It cannot run here, in one line.
    """
    files = ClusterFiles(home)
    files.make_root()
    with _locked(files.start_lock):
        user = _register_user(files)
        try:
            _ensure_running(files)
        except BaseException:
            os.close(user)
            raise
    try:
        yield _urls(files)
    finally:
        with _locked(files.start_lock):
            os.close(user)
            if _is_unused(files):
                _stop(files)


def ensure_running(home: Path) -> Urls:
    """Start the server again if it died. Only for those who have joined it and not yet left."""
    files = ClusterFiles(home)
    with _locked(files.start_lock):
        _ensure_running(files)
    return _urls(files)


def is_alive(home: Path) -> bool:
    """Whether the server answers a connection; one that still replays its log does, too."""
    return _ping(ClusterFiles(home)) != pq.Ping.NO_RESPONSE


def _urls(files: ClusterFiles) -> Urls:
    return Urls(
        database_url=files.url(APPLICATION),
        database_admin_url=files.url(OWNER),
        superuser_url=files.url(SUPERUSER, database="postgres"),
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One at a time may start or stop the server. The lock dies with its process."""
    # Python opens files close-on-exec, so the server cannot inherit, and thus keep, a lock.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _register_user(files: ClusterFiles) -> int:
    """Count ourselves among the users, until the descriptor is closed or we die."""
    descriptor = os.open(files.users_lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _is_unused(files: ClusterFiles) -> bool:
    """Whether nobody uses the server. Nobody can join meanwhile: we hold the start lock."""
    descriptor = os.open(files.users_lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _ensure_running(files: ClusterFiles) -> None:
    if not _wait_for_living(files):
        runner = choose_runner(files.root, program=programs() / "postgres")
        files.initialise(runner)
        deadline = time.monotonic() + START_SECONDS
        while not _start(files, runner):
            remains = "shared memory" in _last_words(files)
            if not remains or time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL does not start: {_last_words(files)}")
            # Processes of the dead server may still hold its shared memory for a moment.
            time.sleep(PAUSE_SECONDS * 10)
    create_roles_and_database(files.url(SUPERUSER, database="postgres"))


def _wait_for_living(files: ClusterFiles) -> bool:
    """True when a server is there and ready; false when there is none, or only its remains."""
    hung_at = time.monotonic() + HUNG_SECONDS
    recovered_at = time.monotonic() + RECOVERY_SECONDS
    while True:
        ping = _ping(files)
        if ping == pq.Ping.OK:
            return True
        silent = ping == pq.Ping.NO_RESPONSE
        if silent and (_postmaster(files) is None or time.monotonic() > hung_at):
            return False
        if time.monotonic() > recovered_at:
            raise PostgresError(f"PostgreSQL is still not ready: {_last_words(files)}")
        time.sleep(PAUSE_SECONDS)


def _start(files: ClusterFiles, runner: Runner) -> bool:
    """Start the server and wait until it is ready. False when it ended instead."""
    _clear_remains(files)
    socket_directory = files.make_socket_directory(runner)
    runner.hand_over(files.data)
    files.rotate_log()
    command = runner.command(
        programs() / "postgres", "-D", files.data, "-p", str(PORT), "-k", socket_directory
    )
    with files.log.open("ab") as log:
        # A session of its own: Ctrl-C in one user's terminal must not end it for the others.
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **runner.options(),
        )
    _started.append(server)
    silent_until = time.monotonic() + START_SECONDS
    while server.poll() is None:
        ping = _ping(files)
        if ping == pq.Ping.OK:
            return True
        if ping == pq.Ping.NO_RESPONSE and time.monotonic() > silent_until:
            raise PostgresError(f"PostgreSQL does not answer: {_last_words(files)}")
        time.sleep(PAUSE_SECONDS)
    return False


def _clear_remains(files: ClusterFiles) -> None:
    """Remove what a killed server left behind: orphaned processes, lock files, the socket.

    Its lock files name process ids; after a restart of the machine those may be anybody's, and
    PostgreSQL would refuse to start.
    """
    deadline = time.monotonic() + ORPHANS_SECONDS
    while _server_processes(files):
        if time.monotonic() > deadline:
            # Nothing committed is lost: the next start replays the write-ahead log.
            for process in _server_processes(files):
                _signal(process, signal.SIGKILL)
        time.sleep(PAUSE_SECONDS)
    directory = files.socket_directory()
    remains = [files.data / "postmaster.pid"]
    if directory is not None:
        remains += [directory / f".s.PGSQL.{PORT}", directory / f".s.PGSQL.{PORT}.lock"]
    for path in remains:
        path.unlink(missing_ok=True)


def _stop(files: ClusterFiles) -> None:
    """Stop the server cleanly; open connections are broken off. Insist when it does not go."""
    begun = time.monotonic()
    while processes := _server_processes(files):
        waited = time.monotonic() - begun
        postmaster = _postmaster(files)
        if waited > STOP_SECONDS:
            for process in processes:
                _signal(process, signal.SIGKILL)
        elif postmaster is not None:
            _signal(postmaster, signal.SIGQUIT if waited > STOP_SECONDS / 2 else signal.SIGINT)
        time.sleep(PAUSE_SECONDS * 5)
    for server in list(_started):
        if server.poll() is not None:
            _started.remove(server)
    files.remove_short_directory()


def _ping(files: ClusterFiles) -> pq.Ping:
    for server in _started:
        server.poll()
    if files.socket_directory() is None:
        return pq.Ping.NO_RESPONSE
    url = files.url(SUPERUSER, database="postgres")
    answer = pq.PGconn.ping(f"{url}&connect_timeout=5".encode())
    return pq.Ping(answer)


def _postmaster(files: ClusterFiles) -> int | None:
    """The server's main process, if it lives."""
    try:
        first_line = (files.data / "postmaster.pid").read_text().partition("\n")[0]
    except FileNotFoundError:
        return None
    living = _server_processes(files)
    return int(first_line) if first_line.isdecimal() and int(first_line) in living else None


def _server_processes(files: ClusterFiles) -> list[int]:
    """All living processes of this server: those called postgres that work in its data."""
    proc = Path("/proc")
    if not proc.is_dir():
        return _server_processes_elsewhere(files)
    found = []
    for entry in proc.iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            called = (entry / "comm").read_text().strip()
            if called == "postgres" and os.readlink(entry / "cwd") == str(files.data):
                found.append(int(entry.name))
        except OSError:  # It ended meanwhile, is a zombie, or is somebody else's.
            continue
    return found


def _server_processes_elsewhere(files: ClusterFiles) -> list[int]:
    """Without /proc (macOS) only the main process is known, by its lock file."""
    try:
        process = int((files.data / "postmaster.pid").read_text().partition("\n")[0])
        os.kill(process, 0)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return []
    return [process]


def _signal(process: int, number: signal.Signals) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        pass


def _last_words(files: ClusterFiles) -> str:
    """The last complaint in the server's log, and where the log is."""
    try:
        with files.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 10_000))
            lines = log.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    complaints = [line for line in lines if "FATAL" in line or "could not" in line]
    return f"{complaints[-1] if complaints else 'no reason given'} (see {files.log})"
