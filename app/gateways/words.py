"""The dictionaries of words in a process of their own, which ends when nothing is to be indexed.

They take 90 MB that nobody gives back, and the worker, which indexes texts now and then, has other
work all day. The process reads a text a line from a pipe and answers each with its words; it ends
with the pipe, so that it never outlives whoever asked.
"""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from app.core.search_words import Spelling, spell
from app.services.ports import GatewayUnavailable

IDLE_SECONDS = 30.0
PATIENCE_SECONDS = 20.0  # Ten thousand times what the longest text takes.
_ROOT = Path(__file__).resolve().parents[2]


class WordProcess:
    """Spells texts as ``search_words.spell`` does, one at a time, from any thread."""

    def __init__(self, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def spell(self, *, title: str, about: Sequence[str], body: str) -> Spelling:
        """The words of one text.

        Raises:
            GatewayUnavailable: Twice a process ended without an answer; the job is tried again.
        """
        asked = json.dumps([title, list(about), body]).encode() + b"\n"
        with self._turn:
            # One that has just ended for want of work is replaced; a second one has no excuse.
            answer = self._ask(asked) or self._ask(asked)
        if answer is None:
            raise GatewayUnavailable("the words' process ended without an answer")
        sound, lexemes = json.loads(answer)
        return Spelling(sound=sound, lexemes=lexemes)

    @property
    def pid(self) -> int | None:
        """The process that runs now, if any."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process is not None and running else None

    def close(self) -> None:
        """End it, if it runs. The next text begins another."""
        with self._turn:
            self._end()

    def _ask(self, asked: bytes) -> bytes | None:
        if self.pid is None:
            self._begin()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        too_long = threading.Timer(PATIENCE_SECONDS, process.kill)
        too_long.start()
        try:
            process.stdin.write(asked)
            process.stdin.flush()
            answer = process.stdout.readline()
        except OSError:
            answer = b""
        finally:
            too_long.cancel()
        if answer.endswith(b"\n"):
            return answer
        self._end()
        return None

    def _begin(self) -> None:
        self._end()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "app.gateways.words", str(self._idle_seconds)],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        # So that one that ended for want of work is gone, and not an entry among the processes.
        threading.Thread(target=self._process.wait, daemon=True).start()

    def _end(self) -> None:
        """Leave nothing of the last one behind, neither pipes nor a dead process's entry."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                pass  # What was not yet written to it is asked again.
        process.wait()


def answer_until_idle(asked: IO[bytes], answers: IO[bytes], *, idle_seconds: float) -> None:
    """A line for a line, until the pipe ends or nothing has come for so long."""
    while select.select([asked], [], [], idle_seconds)[0]:
        line = asked.readline()
        if not line.endswith(b"\n"):
            return
        title, about, body = json.loads(line)
        found = spell(title=title, about=about, body=body)
        answers.write(json.dumps([found.sound, found.lexemes]).encode() + b"\n")
        answers.flush()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, whose end is ours.
    # One line is under way at most, since who asks waits: nothing hides in a buffer from select.
    answer_until_idle(sys.stdin.buffer, sys.stdout.buffer, idle_seconds=float(sys.argv[1]))


if __name__ == "__main__":
    main()
