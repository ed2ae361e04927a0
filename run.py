"""What gunicorn and the command line load."""

from __future__ import annotations

import sys

from app.factory import create_app
from config import SettingsError

try:
    app = create_app()
except SettingsError as error:
    sys.exit(f"kaquan: {error}")
