"""The stream process beside another one of the same home, as a second ``make run`` starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from app.core.streams import short_address, stream_socket
from config import ROOT
from tests.faults.stack import wait_until


@pytest.fixture
def start(tmp_path, test_database) -> Iterator[object]:
    """Starts one, and waits until its log says what it should."""
    env = {
        **os.environ,
        "KAQUAN_HOME": str(tmp_path),
        "DATABASE_URL": test_database.database_url,
    }
    with ExitStack() as running:

        def begin(until: str) -> subprocess.Popen[str]:
            process = running.enter_context(_process(env))
            assert process.stderr is not None
            assert any(until in line for line in process.stderr)
            return process

        yield begin


@contextmanager
def _process(env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "app.jobs.streams"]
    with subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _is_open(home: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line, short_address(stream_socket(home)) as address:
        return line.connect_ex(address) == 0


def test_a_second_one_takes_nothing_away_and_takes_over_when_the_first_is_gone(start, tmp_path):
    first = start("streams are open")
    guest = start("stands by")
    assert _is_open(tmp_path)
    guest.terminate()
    assert guest.wait(30) == 0
    assert _is_open(tmp_path)
    heir = start("stands by")
    first.kill()
    wait_until(lambda: _is_open(tmp_path), 30)
    assert heir.poll() is None
