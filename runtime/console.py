"""The program's commands, with the embedded database at hand when no other is named.

`bin/kaquan demo info` runs one of ours; `python -m runtime.console --run alembic current` runs
somebody else's in the same environment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from flask.cli import cli

from config import SettingsError, load_settings
from runtime.postgres import embedded_postgres
from runtime.privileges import PostgresError

ROOT = Path(__file__).resolve().parent.parent
# Flask's own commands ask for the whole program; ours start without its web faces.
_OF_FLASK = {"fab", "routes", "run", "shell"}


def main() -> None:
    """Run one command. Standard output is the command's alone; scripts read it."""
    words = sys.argv[1:]
    try:
        with _database_at_hand():
            if words[:1] == ["--run"]:
                sys.exit(subprocess.run(words[1:], check=False).returncode)
            program = "run.py" if _OF_FLASK.intersection(words[:1]) else "run_commands.py"
            cli.main(args=["--app", str(ROOT / program), *words], prog_name="kaquan")
    except (SettingsError, PostgresError) as refusal:
        sys.exit(f"kaquan: {refusal}")


@contextmanager
def _database_at_hand() -> Iterator[None]:
    """`DATABASE_URL` names a database meanwhile, ours or the operator's."""
    settings = load_settings()
    if settings.database_url is not None:
        yield
        return
    # Stopped by SIGTERM, we still leave the database in order.
    signal.signal(signal.SIGTERM, _leave)
    with embedded_postgres(settings.home) as urls:
        os.environ["KAQUAN_HOME"] = str(settings.home)
        os.environ["DATABASE_URL"] = urls.database_url
        os.environ["DATABASE_ADMIN_URL"] = urls.database_admin_url
        yield


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    main()
