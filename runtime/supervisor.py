"""`make run`: keeps the database, the web server, the job worker and the simulator running.

Every part may be killed at any moment; it is back within a few seconds.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from config import Settings, SettingsError, load_settings
from runtime import postgres
from runtime.announcement import start_page
from runtime.children import COLOURS, Child, stop_all
from runtime.output import finish, say, write
from runtime.privileges import PostgresError

ROOT = Path(__file__).resolve().parent.parent
LOOK_SECONDS = 0.1
DATABASE_LOOK_SECONDS = 0.5
STOP_SECONDS = 20.0
# A run that was just killed may need a moment to let go of its port.
PORT_PATIENCE_SECONDS = 5.0


class PortInUse(Exception):
    """Somebody else listens where we should. The text is one line for the operator."""


@dataclass
class Stop:
    """Set by SIGTERM or Ctrl-C; a second one changes nothing, everything is stopping already."""

    wanted: bool = field(default=False)

    def listen(self) -> None:
        """Take over the signals that end us."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.wanted = True


def main() -> None:
    """Run everything until we are asked to stop."""
    try:
        settings = load_settings()
        ports = [(settings.bind, settings.port)]
        if settings.simulated:
            ports.append(("127.0.0.1", settings.simulator_port))
        require_free_ports(ports)
        stop = Stop()
        stop.listen()
        with _database(settings) as (environ, keep_database):
            sys.exit(_run(settings, environ, keep_database, stop))
    except (SettingsError, PortInUse, PostgresError) as refusal:
        sys.exit(f"kaquan: {refusal}")
    finally:
        finish()


def _run(
    settings: Settings, environ: dict[str, str], keep_database: Callable[[], None], stop: Stop
) -> int:
    prepared = _prepare(environ, stop)
    if prepared != 0 or stop.wanted:
        return prepared
    threading.Thread(target=_announce, args=(settings,), daemon=True).start()
    supervise(program(settings, environ), keep_database=keep_database, stop=stop)
    return 0


def supervise(children: Sequence[Child], *, keep_database: Callable[[], None], stop: Stop) -> None:
    """Keep the database and the children running until we are asked to stop; then stop them."""
    database_look_at = 0.0
    try:
        while not stop.wanted:
            if time.monotonic() >= database_look_at:
                keep_database()
                database_look_at = time.monotonic() + DATABASE_LOOK_SECONDS
            for child in children:
                child.keep_running()
            time.sleep(LOOK_SECONDS)
    finally:
        stop_all(children, patience_seconds=STOP_SECONDS)


def program(settings: Settings, environ: dict[str, str]) -> list[Child]:
    """The processes of the program; their arguments contain `gunicorn` and `worker`."""
    gunicorn = [sys.executable, "-m", "gunicorn", "--config"]
    worker = [sys.executable, "-m", "flask", "--app", "run_commands", "worker"]
    streams = [sys.executable, "-m", "app.jobs.streams"]
    commands = {
        "web": [*gunicorn, "deploy/gunicorn.conf.py", "run:app"],
        "worker": worker,
        "streams": streams,
    }
    if settings.simulated:
        simulator = ["deploy/gunicorn_simulator.conf.py", "app.wechat_simulator.wsgi:app"]
        commands["simulator"] = [*gunicorn, *simulator]
    return [
        Child(name, command, environ, colour=colour, directory=ROOT)
        for colour, (name, command) in zip(COLOURS, commands.items(), strict=False)
    ]


def require_free_ports(addresses: Sequence[tuple[str, int]]) -> None:
    """Refuse to begin while somebody else listens at one of our addresses.

    Raises:
        PortInUse: Or the address is not one of this machine's.
    """
    deadline = time.monotonic() + PORT_PATIENCE_SECONDS
    for host, port in addresses:
        while (fault := _fault_of(host, port)) is not None:
            if fault.errno is None or time.monotonic() > deadline:
                raise PortInUse(
                    f"cannot listen on {host}:{port} ({fault.strerror or fault}); "
                    "stop what uses it, or choose another: make run PORT=8100"
                )
            time.sleep(LOOK_SECONDS)


def _fault_of(host: str, port: int) -> OSError | None:
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as fault:
        return fault
    return None


@contextmanager
def _database(settings: Settings) -> Iterator[tuple[dict[str, str], Callable[[], None]]]:
    """The children's environment, and what to call every half second to keep the database up."""
    environ = {
        **os.environ,
        "KAQUAN_HOME": str(settings.home),
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(ROOT),
    }
    if settings.database_url is not None:
        yield environ, lambda: None
        return
    with postgres.embedded_postgres(settings.home) as urls:
        environ["DATABASE_URL"] = urls.database_url
        environ["DATABASE_ADMIN_URL"] = urls.database_admin_url
        yield environ, lambda: keep_postgres(settings.home)


def keep_postgres(home: Path) -> None:
    """Start the embedded server again if it has died. A failure is tried again, for ever."""
    if postgres.is_alive(home):
        return
    say("the database does not answer, starting it again")
    try:
        postgres.ensure_running(home)
    except PostgresError as fault:
        say(str(fault))


def _prepare(environ: dict[str, str], stop: Stop) -> int:
    """Bring the tables up to date, and fill an empty demo database."""
    preparation = Child("prepare", [str(ROOT / "bin" / "kaquan"), "db", "prepare"], environ)
    preparation.start()
    while preparation.exit_code() is None and not stop.wanted:
        time.sleep(LOOK_SECONDS / 4)
    stop_all([preparation], patience_seconds=STOP_SECONDS)
    code = preparation.exit_code() or 0
    if code != 0 and not stop.wanted:
        say(f"the database could not be prepared (exit code {code})")
        return 1
    return 0


def _announce(settings: Settings) -> None:
    """Print the start page's address once the program says that it is ready."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.bind, settings.bind)  # noqa: S104
    while not _is_ready(host, settings.port):
        time.sleep(LOOK_SECONDS * 2)
    write("\n".join(start_page(settings)))


def _is_ready(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main()
