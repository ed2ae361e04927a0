"""What the command line loads, and the job worker: the program without its web faces."""

from __future__ import annotations

from app.cli.commands import create_commands
from program import load_program

app = load_program(create_commands)
