"""The demo's keys at WeChat: made once, before the program or one of its commands asks for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from config import Settings, SettingsError

ROOT = Path(__file__).resolve().parent.parent


def ensure_simulator_keys(settings: Settings) -> None:
    """Have the simulator make its keys, when a demo is to use them and they are not there yet."""
    wanted = {settings.wechat.mch_key_file, settings.wechat.public_key_file}
    ours = settings.home / "simulator"
    if not settings.demo or all(path.exists() or path.parent != ours for path in wanted):
        return
    # A process of its own: the simulator is a stranger to the program, and to us.
    command = [sys.executable, "-m", "app.wechat_simulator.keys"]
    environ = {**os.environ, "KAQUAN_HOME": str(settings.home)}
    answer = subprocess.run(
        command, check=False, cwd=ROOT, env=environ, capture_output=True, text=True
    )
    if answer.returncode != 0:
        reason = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SettingsError(f"the simulator's keys could not be made: {reason}")
