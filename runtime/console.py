"""`bin/kaquan`: the program's commands, with the embedded database at hand when none is named."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from flask.cli import cli

from config import SettingsError, load_settings
from runtime.postgres import embedded_postgres
from runtime.privileges import PostgresError

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Run one command. Standard output is the command's alone; scripts read it."""
    try:
        settings = load_settings()
        if settings.database_url is not None:
            _run_flask()
        # Stopped by SIGTERM, we still leave the database in order.
        signal.signal(signal.SIGTERM, _leave)
        with embedded_postgres(settings.home) as urls:
            os.environ["KAQUAN_HOME"] = str(settings.home)
            os.environ["DATABASE_URL"] = urls.database_url
            os.environ["DATABASE_ADMIN_URL"] = urls.database_admin_url
            _run_flask()
    except (SettingsError, PostgresError) as refusal:
        sys.exit(f"kaquan: {refusal}")


def _run_flask() -> None:
    """Never returns: Flask ends the process with the command's exit code."""
    cli.main(args=["--app", str(ROOT / "run.py"), *sys.argv[1:]], prog_name="kaquan")


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    main()
