"""What the command line loads, and the job worker: the program without its web faces."""

from __future__ import annotations

import sys

from app.cli.commands import create_commands
from app.wechat_simulator.keys import ensure_keys
from config import SettingsError, load_settings

try:
    settings = load_settings()
    if settings.simulated:
        ensure_keys(settings.home / "simulator")  # As in run.py.
    app = create_commands(settings)
except SettingsError as error:
    sys.exit(f"kaquan: {error}")
