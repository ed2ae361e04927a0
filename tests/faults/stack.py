"""The real thing in processes of its own, as `make run` starts it, and ways to hurt it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests

from runtime.postgres_cluster import SUPERUSER, ClusterFiles

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 600.0  # On a very busy machine; it is a few seconds else.


@dataclass
class Stack:
    """A running program under ``home``. ``stop`` asks it to end, as Ctrl-C does."""

    home: Path
    port: int
    _supervisor: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def wechat_url(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        own = {"KAQUAN_HOME": str(self.home), "PORT": str(self.port), "RATE_LIMITS": "off"}
        return {**kept, **own, "PYTHONPATH": str(ROOT)}

    def start(self) -> None:
        with open(self.home / "output.log", "ab") as output:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-P", "-m", "runtime.supervisor"],
                cwd=ROOT, env=self.environ, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.wait_until_ready(START_SECONDS)

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        assert self._supervisor is not None
        self._supervisor.send_signal(signal.SIGTERM)
        code = self._supervisor.wait(timeout=120)
        self._supervisor = None
        return code

    def kill_whatever_is_left(self) -> None:
        if self._supervisor is not None:
            self._supervisor.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._supervisor.wait(timeout=60)
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    # Who is there --------------------------------------------------------------------------------

    def processes(self) -> dict[int, str]:
        """Everything that runs with this home, except children of this test, by command line."""
        mark = f"KAQUAN_HOME={self.home}".encode()
        found = {}
        for path in Path("/proc").iterdir():
            if not path.name.isdigit() or int(path.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                words = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
                ours = mark in (path / "environ").read_bytes().split(b"\0")
                if words and (ours or str(self.home) in words):
                    found[int(path.name)] = words
        return found

    def web_master(self) -> int:
        return self._master("run:app")

    def web_worker(self) -> int:
        return self._child_of(self.web_master())

    def job_worker(self) -> int:
        return self._one("--app run_commands worker")

    def simulator(self) -> int:
        return self._child_of(self._master("wechat_simulator"))

    def postmaster(self) -> int:
        return int((ClusterFiles(self.home).data / "postmaster.pid").read_text().split()[0])

    def _master(self, words: str) -> int:
        """The oldest of gunicorn's processes: its workers have the same command line."""
        known = [pid for pid, line in self.processes().items() if words in line]
        parents = {pid: _parent_of(pid) for pid in known}
        return next(pid for pid in known if parents[pid] not in known)

    def _child_of(self, master: int) -> int:
        return next(pid for pid in self.processes() if _parent_of(pid) == master)

    def _one(self, words: str) -> int:
        return next(pid for pid, line in self.processes().items() if words in line)

    # How it answers ------------------------------------------------------------------------------

    def readiness(self) -> tuple[int | None, str]:
        try:
            answer = get(f"{self.url}/readyz")
        except requests.RequestException as error:
            return None, type(error).__name__
        return answer.status_code, answer.text

    def wait_until_ready(self, seconds: float) -> float:
        begun = time.monotonic()
        wait_until(lambda: self.readiness()[0] == 200, seconds, lambda: str(self.readiness()))
        return time.monotonic() - begun

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command of bin/kaquan beside the running program."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "runtime.console", *command],
            cwd=ROOT, env=self.environ, capture_output=True, text=True, timeout=240,
        )  # fmt: skip

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        url = ClusterFiles(self.home).url(SUPERUSER)
        with psycopg.connect(url, autocommit=True) as connection:
            return connection.execute(statement, values).fetchall()  # type: ignore[arg-type]


_sessions = threading.local()


def http() -> requests.Session:
    session: requests.Session | None = getattr(_sessions, "it", None)
    if session is None:
        session = _sessions.it = requests.Session()
        session.trust_env = False
    return session


def get(url: str, token: str | None = None) -> requests.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return http().get(url, headers=headers, timeout=60)


def wait_until(
    true: Callable[[], bool], seconds: float, describe: Callable[[], str] = lambda: ""
) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"it did not happen in {seconds:g} s: {describe()}"
        time.sleep(0.1)


def free_ports() -> int:
    """A port that is free together with the next one, where the simulator goes.

    Below those that a system gives to whoever asks for any: it is taken seconds later only, and
    in between other tests open servers and connections by the hundred.
    """
    for _ in range(200):
        port = random.randrange(12_000, 32_000, 2)
        with socket.socket() as first, socket.socket() as second, contextlib.suppress(OSError):
            first.bind(("127.0.0.1", port))
            second.bind(("127.0.0.1", port + 1))
            return port
    raise AssertionError("no two free ports side by side")


def _parent_of(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@contextlib.contextmanager
def running_stack(home: Path) -> Iterator[Stack]:
    stack = Stack(home=home, port=free_ports())
    try:
        stack.start()
        yield stack
    finally:
        stack.kill_whatever_is_left()
