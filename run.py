"""What gunicorn loads."""

from __future__ import annotations

from app.factory import create_app
from program import load_program

app = load_program(create_app)
