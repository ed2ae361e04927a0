"""Sees to it that there is a Chromium for the browser tests: `python -m tests.browser_at_hand`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser() -> str | None:
    """The Chromium to drive: `CHROMIUM`, the machine's own, or one that Playwright installed."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    return found or _installed_by_playwright()


def _installed_by_playwright() -> str | None:
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache/ms-playwright")
    found = sorted(cache.glob("chromium-*/chrome-linux*/chrome"))
    return str(found[-1]) if found else None


def main() -> None:
    """Install a browser when there is none; without one its tests say so themselves."""
    if find_browser() is not None or not Path("tests/browser").is_dir():
        return
    print("test: installing Chromium for the browser tests ...", file=sys.stderr)
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    if subprocess.run([*command, "--with-deps"] if os.geteuid() == 0 else command).returncode != 0:
        print("test: no browser could be installed; set CHROMIUM to one", file=sys.stderr)


if __name__ == "__main__":
    main()
