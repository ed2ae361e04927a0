"""The Chinese texts: `check` refuses a missing or fuzzy one, `update` takes in new ones."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
DIRECTORY = ROOT / "translations"
CHINESE = DIRECTORY / "zh_CN" / "LC_MESSAGES" / "messages.po"


def main() -> None:
    """Called by make lint and make translations."""
    command = sys.argv[1:]
    if command == ["check"]:
        sys.exit(check())
    elif command == ["update"]:
        update()
    else:
        sys.exit("usage: python -m runtime.translations check|update")


def check() -> int:
    """Name every text of the program that has no Chinese, or one that nobody has confirmed."""
    if not CHINESE.exists():
        print("translations: no zh_CN file yet, nothing to compare", file=sys.stderr)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        template = Path(scratch) / "messages.pot"
        _extract(template)
        faults = find_faults(_read(template), _read(CHINESE))
    for fault in faults:
        print(f"translations: {fault}", file=sys.stderr)
    return 1 if faults else 0


def find_faults(template: Catalog, chinese: Catalog) -> list[str]:
    """One line a text that is missing, empty, fuzzy, or has lost one of its placeholders."""
    faults = []
    for message in template:
        if not message.id:
            continue
        singular = message.id if isinstance(message.id, str) else message.id[0]
        known = chinese.get(singular, message.context)
        if known is None or not known.string or not all(_strings(known.string)):
            faults.append(f"missing: {singular!r}")
        elif known.fuzzy:
            faults.append(f"fuzzy: {singular!r}")
        elif list(known.check(chinese)):
            faults.append(f"its placeholders differ: {singular!r}")
    return faults


def update() -> None:
    """Take new texts into the Chinese file and drop old ones; guesses are never made."""
    template = DIRECTORY / "messages.pot"
    DIRECTORY.mkdir(exist_ok=True)
    _extract(template)
    if CHINESE.exists():
        words = ["update", "--no-fuzzy-matching", "--ignore-obsolete", "--no-wrap"]
    else:
        words = ["init"]
    _babel(*words, "-i", str(template), "-d", str(DIRECTORY), "-l", "zh_CN")
    template.unlink()


def _extract(template: Path) -> None:
    _babel(
        *("extract", "--mapping-file", "translations/babel.cfg", "--output-file", str(template)),
        *("--keywords", "N_ _l lazy_gettext t", "--sort-by-file", "--no-location", "--omit-header"),
        "app",
    )


def _babel(*words: str) -> None:
    command = [sys.executable, "-m", "babel.messages.frontend", "--quiet", *words]
    subprocess.run(command, check=True, cwd=ROOT)


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="zh_CN")


def _strings(string: str | tuple[str, ...] | list[str]) -> list[str]:
    return [string] if isinstance(string, str) else list(string)


if __name__ == "__main__":
    main()
