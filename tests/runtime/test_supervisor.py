"""The supervisor, with tiny stand-ins for the programs that it keeps running."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.children import Child
from runtime.supervisor import PortInUse, require_free_ports

# A child that notes its process id, and a supervisor of two of them.
STAND_IN = """
import os, pathlib, sys, time
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
print("up", flush=True)
time.sleep(600)
"""
SUPERVISOR = """
import os, sys
from runtime.children import Child
from runtime.output import finish
from runtime.supervisor import Stop, supervise
stop = Stop()
stop.listen()
names = ["web", "worker"]
children = [
    Child(name, [sys.executable, "-c", sys.argv[2], f"{sys.argv[1]}/{name}"], dict(os.environ))
    for name in names
]
supervise(children, keep_database=lambda: None, stop=stop)
finish()
"""


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def process_of(folder: Path, name: str) -> int:
    """The stand-in's process, as soon as it has noted it."""
    path = folder / name
    wait_until(lambda: path.exists() and path.read_text() != "")
    return int(path.read_text())


def is_gone(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


@pytest.fixture
def supervisor(tmp_path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", SUPERVISOR, str(tmp_path), STAND_IN]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_killed_child_is_started_again_at_once(supervisor, tmp_path):
    first = process_of(tmp_path, "web")
    other = process_of(tmp_path, "worker")
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: process_of(tmp_path, "web") != first)
    assert process_of(tmp_path, "worker") == other, "the other one was left in peace"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_being_asked_to_stop_stops_all_and_is_no_failure(supervisor, tmp_path, number):
    children = [process_of(tmp_path, name) for name in ("web", "worker")]
    supervisor.send_signal(number)
    output, _ = supervisor.communicate(timeout=120)
    assert supervisor.returncode == 0
    assert all(is_gone(child) for child in children)
    assert b"web       | up" in output


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a parent's death")
def test_a_killed_supervisor_leaves_nobody_behind(supervisor, tmp_path):
    children = [process_of(tmp_path, name) for name in ("web", "worker")]
    supervisor.kill()
    wait_until(lambda: all(is_gone(child) for child in children))


def test_a_child_that_dies_again_and_again_waits_longer_each_time():
    child = Child("stand-in", [sys.executable, "-c", "raise SystemExit(3)"], dict(os.environ))
    died_at, started_at = [], []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and child.deaths < 3:
        deaths, process = child.deaths, child.process_id
        now = time.monotonic()
        child.keep_running()
        if child.deaths > deaths:
            died_at.append(now)
        if child.process_id not in {None, process}:
            started_at.append(now)
        time.sleep(0.01)
    child.kill()
    assert len(died_at) == len(started_at) == 3
    assert started_at[1] == died_at[0], "the first time at once"
    assert started_at[2] - died_at[1] >= 0.5


def test_a_port_in_use_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr("runtime.supervisor.PORT_PATIENCE_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=rf"127\.0\.0\.1:{port}.*PORT="):
            require_free_ports([("127.0.0.1", port)])
    require_free_ports([("127.0.0.1", port)])
