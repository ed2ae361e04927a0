"""The programs that the supervisor keeps running, each in a session of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from runtime.output import say, write_line

WRAPPER = Path(__file__).resolve().parent / "die_with_parent.py"
FIRST_DELAYS = (0.0, 0.5, 1.0, 2.0)  # Seconds before a restart: the first comes at once ...
LONGEST_DELAY = 5.0  # ... and none waits longer than this.
SETTLED_SECONDS = 10.0  # Having lived this long, a child has earned its quick restart again.
COLOURS = (36, 35, 33, 32, 34)


@dataclass
class Child:
    """One program: started, restarted when it dies, and stopped with all that it started."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    colour: int = 0
    directory: Path | None = None
    deaths: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _started_at: float = 0.0
    _restart_at: float = 0.0

    @property
    def process_id(self) -> int | None:
        """Its process, while there is one."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it now. Its output is passed on line by line, under its name."""
        # Its own session: Ctrl-C in the terminal reaches us alone, and we stop it in order.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(WRAPPER), *self.command],
            env=dict(self.environ),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._started_at = time.monotonic()
        assert self._process.stdout is not None, "asked for with PIPE"
        threading.Thread(
            target=_pass_on, args=(self._process.stdout, self.name, self.colour), daemon=True
        ).start()

    def exit_code(self) -> int | None:
        """How it ended, or nothing while it runs."""
        return None if self._process is None else self._process.poll()

    def keep_running(self) -> None:
        """Called a few times a second: notice its death, and start it again when it is time."""
        now = time.monotonic()
        if self._process is not None and self._process.poll() is not None:
            self._bury(now)
        if self._process is None and now >= self._restart_at:
            self.start()

    def ask_to_stop(self) -> None:
        """Ask it to finish what it is doing and end."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """End it and all that it started, at once."""
        if self._process is None:
            return
        try:
            # Workers of a killed master would go on holding its port.
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()

    def _bury(self, now: float) -> None:
        assert self._process is not None, "only what was started can die"
        code = self._process.returncode
        self.kill()
        self._process = None
        self.deaths = 0 if now - self._started_at > SETTLED_SECONDS else self.deaths
        early = self.deaths < len(FIRST_DELAYS)
        delay = FIRST_DELAYS[self.deaths] if early else LONGEST_DELAY
        self.deaths += 1
        self._restart_at = now + delay
        say(f"{self.name} ended ({code}), starts again in {delay:g} s")


def stop_all(children: Sequence[Child], *, patience_seconds: float) -> None:
    """Ask all to stop, wait, and end whoever has not gone by then."""
    for child in children:
        child.ask_to_stop()
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline and any(
        child.process_id is not None and child.exit_code() is None for child in children
    ):
        time.sleep(0.02)
    for child in children:
        child.kill()


def _pass_on(output: IO[bytes], name: str, colour: int) -> None:
    with output:
        for line in output:
            write_line(line.decode(errors="replace").rstrip("\n"), name=name, colour=colour)
