"""The embedded server: shared, closed to others, and there again after any kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from runtime import postgres
from runtime.postgres import embedded_postgres, ensure_running, is_alive
from runtime.postgres_cluster import ClusterFiles

USER = """
import sys
from pathlib import Path
from runtime.postgres import embedded_postgres
with embedded_postgres(Path(sys.argv[1])) as urls:
    print(urls.database_url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_user(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A second process that uses the server until its standard input ends."""
    command = [sys.executable, "-c", USER, str(home)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline().startswith("postgresql://"), "it has joined"
        yield process


def postmaster(home: Path) -> int:
    return int((ClusterFiles(home).data / "postmaster.pid").read_text().split()[0])


def write_note(url: str, note: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note (text text)")
        connection.execute("INSERT INTO note VALUES (%s)", [note])


def read_notes(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT text FROM note ORDER BY text")]


def test_roles_are_weak_and_commits_are_safe(tmp_path):
    with embedded_postgres(tmp_path) as urls, psycopg.connect(urls.database_url) as connection:
        role = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolinherit FROM pg_roles"
            " WHERE rolname LIKE 'kaquan%' ORDER BY 1"
        ).fetchall()
        settings = connection.execute(
            "SELECT current_setting(name) FROM unnest(ARRAY['fsync', 'synchronous_commit',"
            " 'data_checksums', 'listen_addresses', 'server_encoding']) AS name"
        ).fetchall()
    assert role == [
        ("kaquan_app", False, False, False, False),
        ("kaquan_owner", False, False, True, True),
    ]
    assert [value for (value,) in settings] == ["on", "on", "on", "", "UTF8"]


def test_two_processes_share_one_server_and_the_last_one_out_stops_it(tmp_path):
    with another_user(tmp_path) as other:
        with embedded_postgres(tmp_path):
            assert postmaster(tmp_path)
            shared = postmaster(tmp_path)
        assert is_alive(tmp_path), "the other one still uses it"
        with embedded_postgres(tmp_path):
            assert postmaster(tmp_path) == shared
        other.stdin.close()
        other.wait(timeout=120)
    assert not is_alive(tmp_path)
    assert not ClusterFiles(tmp_path).data.joinpath("postmaster.pid").exists(), "stopped cleanly"


def test_many_starters_at_once_get_one_server(tmp_path):
    command = [sys.executable, "-c", USER, str(tmp_path)]
    starters = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(3)
    ]
    addresses = {starter.stdout.readline() for starter in starters}
    assert len(addresses) == 1
    assert ClusterFiles(tmp_path).log.read_text().count("starting PostgreSQL") == 1
    for starter in starters:
        starter.communicate(timeout=120)
        assert starter.returncode == 0
    assert not is_alive(tmp_path)


def test_a_killed_user_neither_stops_nor_keeps_the_server(tmp_path):
    with embedded_postgres(tmp_path):
        with another_user(tmp_path) as other:
            other.kill()
        assert is_alive(tmp_path)
    assert not is_alive(tmp_path)


def test_a_killed_postmaster_is_replaced_and_no_commit_is_lost(tmp_path):
    with embedded_postgres(tmp_path) as urls:
        write_note(urls.database_admin_url, "before")
        os.kill(postmaster(tmp_path), signal.SIGKILL)
        ensure_running(tmp_path)
        write_note(urls.database_admin_url, "after")
        assert read_notes(urls.database_admin_url) == ["after", "before"]


def test_a_postmaster_killed_under_a_busy_connection_is_replaced(tmp_path):
    with embedded_postgres(tmp_path) as urls:
        write_note(urls.database_admin_url, "kept")
        connection = psycopg.connect(urls.database_admin_url, autocommit=True)
        connection.pgconn.send_query(b"SELECT pg_sleep(60)")
        os.kill(postmaster(tmp_path), signal.SIGKILL)
        started = time.monotonic()
        ensure_running(tmp_path)
        assert time.monotonic() - started < 50, "it did not wait for the sleeper"
        assert read_notes(urls.database_admin_url) == ["kept"]
        connection.close()


def test_lock_files_that_name_a_stranger_do_not_hinder_the_start(tmp_path_factory):
    home = tmp_path_factory.mktemp("h")  # So short that the socket stays under it.
    with embedded_postgres(home) as urls:
        write_note(urls.database_admin_url, "kept")
    files = ClusterFiles(home)
    # As after a restart of the machine: the number now belongs to somebody else, here to us.
    (files.data / "postmaster.pid").write_text(f"{os.getpid()}\n{files.data}\n1\n5432\n\n\n")
    (files.socket_directory() / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")
    with embedded_postgres(home) as urls:
        assert read_notes(urls.database_admin_url) == ["kept"]


def test_an_initialisation_killed_midway_is_begun_again(tmp_path):
    draft = tmp_path / "postgres" / "draft-killed"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18")
    with embedded_postgres(tmp_path) as urls:
        write_note(urls.database_admin_url, "works")
    assert not draft.exists()


def test_a_home_that_is_closed_to_others_and_very_long_works(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    if os.geteuid() == 0 and not _has_user_namespaces():
        pytest.skip("as root and without user namespaces the path must be open to nobody")
    home = closed / ("long" * 40) / "with 空格 & signs"
    with embedded_postgres(home) as urls:
        write_note(urls.database_admin_url, "works")
        socket_directory = ClusterFiles(home).socket_directory()
        assert len(os.fsencode(socket_directory)) < 100
        assert socket_directory.stat().st_mode & 0o777 == 0o700
    with embedded_postgres(home) as urls:
        assert read_notes(urls.database_admin_url) == ["works"]
    assert not socket_directory.exists(), "nothing stays outside the home"


def _has_user_namespaces() -> bool:
    answer = subprocess.run(["unshare", "--user", "true"], capture_output=True)
    return answer.returncode == 0


def test_root_without_user_namespaces_becomes_nobody_or_says_what_to_do(tmp_path, monkeypatch):
    if os.geteuid() != 0:
        pytest.skip("only root has this problem")
    monkeypatch.setattr("runtime.privileges.USER_NAMESPACE", ("false",))
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with (
        pytest.raises(postgres.PostgresError, match="DATABASE_URL"),
        embedded_postgres(closed / "home"),
    ):
        pass
