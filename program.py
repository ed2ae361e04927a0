"""How a process comes by the program: settings first, then the demo's keys, then what it needs."""

from __future__ import annotations

import sys
from collections.abc import Callable

from flask import Flask

from app.wechat_simulator.keys import ensure_keys
from config import Settings, SettingsError, load_settings


def load_program(create: Callable[[Settings], Flask]) -> Flask:
    """Make the whole program or its commands; what is missing is one line for the operator."""
    try:
        settings = load_settings()
        if settings.simulated:
            # The demo's far end and we share keys, whoever of us is the first to start.
            ensure_keys(settings.home / "simulator")
        return create(settings)
    except SettingsError as error:
        sys.exit(f"kaquan: {error}")
