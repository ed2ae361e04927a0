"""Where gunicorn finds the simulator: ``app.wechat_simulator.wsgi:app``, one worker process."""

from __future__ import annotations

from app.wechat_simulator.factory import create_simulator
from app.wechat_simulator.settings import load_simulator_settings

app = create_simulator(load_simulator_settings())
