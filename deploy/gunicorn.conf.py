"""How gunicorn serves the program. Everything comes from the environment, as in contract."""

import os
from pathlib import Path

home = Path(os.environ.get("KAQUAN_HOME") or Path(__file__).resolve().parent.parent / "var")
scratch = home.resolve() / "run"
scratch.mkdir(parents=True, exist_ok=True)

bind = f"{os.environ.get('BIND') or '127.0.0.1'}:{os.environ.get('PORT') or 8000}"
workers = int(os.environ.get("WEB_WORKERS") or 2)
worker_class = "gthread"
# As many connections has each of the two pools in app/db.py; twelve may wait for WeChat
# (app/gateways/wechat/transport.py).
threads = 16
timeout = 60  # Longer than the 25 s that a call to WeChat may take at most.
graceful_timeout = 20
keepalive = 30
preload_app = False  # Each worker opens its own database connections.
worker_tmp_dir = str(scratch)
# Nobody steers a running server: the switch-board socket would lie outside our home.
control_socket_disable = True
limit_request_line = 8190  # A search with filters in Chinese, percent-encoded, is long.
limit_request_fields = 64
limit_request_field_size = 8190
accesslog = "-" if os.environ.get("ACCESS_LOG") == "1" else None
errorlog = "-"
loglevel = os.environ.get("LOG_LEVEL") or "info"
