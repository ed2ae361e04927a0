"""What gunicorn loads."""

from __future__ import annotations

import sys

from app.factory import create_app
from app.wechat_simulator.keys import ensure_keys
from config import SettingsError, load_settings

try:
    settings = load_settings()
    if settings.simulated:
        # The demo's far end and we share keys, whoever of us is the first to start.
        ensure_keys(settings.home / "simulator")
    app = create_app(settings)
except SettingsError as error:
    sys.exit(f"kaquan: {error}")
