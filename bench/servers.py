"""The product as it is deployed, started for a benchmark: gunicorn, and maybe the simulator."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processor_time import children
from bench.seeds import ROOT, SECRETS, at
from config import load_settings
from runtime.postgres import Urls
from runtime.supervisor import program

START_SECONDS = 60.0
WORKERS = 2


@dataclass(frozen=True)
class Server:
    port: int
    process_id: int
    others: Mapping[str, int]  # The process ids of what else was started, by name.

    def rss_mb(self) -> float:
        """Resident memory of gunicorn's master and workers together."""
        return sum(map(rss_mb, [self.process_id, *children(self.process_id)]))


@contextmanager
def serve(
    urls: Urls,
    home: Path,
    database: str,
    *,
    simulator: bool = False,
    others: Sequence[str] = (),
) -> Iterator[Server]:
    """The web processes on a free port, on one database; stopped at the end."""
    port = _free_port()
    environ = {
        **os.environ,
        **SECRETS,
        "KAQUAN_HOME": str(home),
        "PORT": str(port),
        "BIND": "127.0.0.1",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "WEB_WORKERS": str(WORKERS),
        "RATE_LIMITS": "off",
        "LOG_LEVEL": "WARNING",
        "DATABASE_URL": at(urls.database_url, database),
        "DATABASE_ADMIN_URL": at(urls.database_admin_url, database),
        "PYTHONPATH": str(ROOT),
    }
    wanted = {"web", *others, *(["simulator"] if simulator else [])}
    if simulator:
        # Our numbers begin anew with every clone, and WeChat would know them from the last run.
        for kept in (home / "simulator").glob("state.sqlite3*"):
            kept.unlink()
    commands = {c.name: c.command for c in program(load_settings(environ), environ)}
    started = {
        name: subprocess.Popen(commands[name], cwd=ROOT, env=environ, stdout=sys.stderr)
        for name in sorted(wanted)
    }
    try:
        if simulator:
            _wait_for(port + 1, "/", started["simulator"])
        _wait_for(port, "/healthz", started["web"])
        yield Server(
            port=port,
            process_id=started["web"].pid,
            others={name: process.pid for name, process in started.items()},
        )
    finally:
        for process in started.values():
            process.send_signal(signal.SIGTERM)
        for process in started.values():
            process.wait(timeout=30)


def _free_port() -> int:
    """A port that is free together with the next one, which is the simulator's."""
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise OSError("no two free ports side by side")


def _wait_for(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            connection.getresponse()
            return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise SystemExit(f"bench: the program does not answer on port {port}")


def rss_mb(process_id: int) -> float:
    pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
