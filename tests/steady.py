"""Runs the tests; the few that fall are asked once more: `python -m tests.steady [pytest's words]`.

A machine that is too busy makes a test fall now and then, and that is no fault of the code. Both
runs stand on the screen: what falls once and then holds is named at the end, as a test to mend.
Many that fall, or a run that broke off, are not asked again.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

FEW = 3
FELL = 1  # pytest's exit code for: some tests failed, nothing else is wrong.
GROUP = r"@[\w-]+$"  # What `--dist loadgroup` writes behind a test's name.
_FALLEN = Path(__file__).parent.parent / ".pytest_cache/v/cache/lastfailed"


def main(words: list[str]) -> int:
    code = _run(*words, "--cache-clear")
    fallen = sorted(json.loads(_FALLEN.read_text())) if _FALLEN.exists() else []
    if code != FELL or not 0 < len(fallen) <= FEW:
        return code
    print("\ntest: asked once more, by themselves:", *fallen, sep="\n  ", flush=True)
    code = _run(*(re.sub(GROUP, "", name) for name in fallen))
    if code == 0:
        print("\ntest: unsteady, to be mended:", *fallen, sep="\n  ", flush=True)
    return code


def _run(*words: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *words]).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
