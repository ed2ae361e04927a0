"""What the supervisor shows: its own lines and its children's, each under a name.

Whoever started us may read slowly, or not at all. No program may stand still for that: lines that
find no room any more are dropped.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time

ROOM_LINES = 5000
STANDARD_OUTPUT = 1
_PATIENCE_SECONDS = 1.0

_lines: queue.Queue[str] = queue.Queue(maxsize=ROOM_LINES)
_writer: threading.Thread | None = None
_starting = threading.Lock()


def say(text: str) -> None:
    """A line of the supervisor itself."""
    write_line(text, name="kaquan", colour=1)


def write_line(text: str, *, name: str, colour: int) -> None:
    """A line under the name of who says it, coloured in a terminal."""
    prefix = f"{name:<9} | "
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        prefix = f"\033[{colour}m{prefix}\033[0m"
    write(prefix + text)


def write(text: str) -> None:
    """Text as it stands. Never waits."""
    global _writer
    with _starting:
        if _writer is None:
            _writer = threading.Thread(target=_write_for_ever, daemon=True)
            _writer.start()
    try:
        _lines.put_nowait(text + "\n")
    except queue.Full:
        pass


def finish() -> None:
    """Before the end: give the reader a moment to take what is left."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while _lines.unfinished_tasks and time.monotonic() < deadline:
        time.sleep(0.01)


def _write_for_ever() -> None:
    # Straight to the descriptor: a thread that hangs in a buffered write would abort the exit.
    while True:
        left = _lines.get().encode()
        try:
            while left:
                left = left[os.write(STANDARD_OUTPUT, left) :]
        except OSError:  # Nobody reads us any more; the work goes on.
            pass
        _lines.task_done()
