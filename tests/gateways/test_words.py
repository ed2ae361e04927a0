"""The words' dictionaries in a process of their own: a real one, killed and left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.core.search_words import spell
from app.gateways.words import WordProcess
from tests.conftest import ROOT

TEXT = {
    "title": "春熙路老街茶馆",
    "about": ("成都", "Tea 25 号"),
    "body": "好喝的茶\n和“点心”\u2028。",
}
_PATIENCE_SECONDS = 60.0


def gone(pid: int) -> bool:
    """Whether the process has ended and nobody has to clear it away any more."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def words():
    process = WordProcess()
    yield process
    process.close()


def test_it_finds_the_words_that_are_found_here(words):
    assert words.spell(**TEXT) == spell(**TEXT)
    assert words.pid not in (None, os.getpid())


def test_four_jobs_at_once_each_get_their_own_words(words):
    texts = [{**TEXT, "title": f"茶馆{n}"} for n in range(40)]
    with ThreadPoolExecutor(4) as jobs:
        found = list(jobs.map(lambda text: words.spell(**text), texts))
    assert found == [spell(**text) for text in texts]


def test_one_that_was_killed_is_replaced_within_the_same_question(words):
    words.spell(**TEXT)
    killed = words.pid
    os.kill(killed, signal.SIGKILL)
    assert words.spell(**TEXT) == spell(**TEXT)
    assert words.pid != killed
    assert gone(killed)


def test_it_ends_when_there_is_nothing_to_do_and_comes_again():
    words = WordProcess(idle_seconds=0.1)
    words.spell(**TEXT)
    ended = words.pid
    assert ended is None or gone(ended)
    assert words.spell(**TEXT) == spell(**TEXT)
    words.close()


def test_it_does_not_outlive_a_worker_that_was_killed():
    script = """if True:
        import time
        from app.gateways.words import WordProcess
        words = WordProcess(idle_seconds=600)
        words.spell(title="茶", about=(), body="")
        print(words.pid, flush=True)
        time.sleep(600)
    """
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as worker:
        pid = int(worker.stdout.readline())
        worker.kill()
    assert gone(pid)
