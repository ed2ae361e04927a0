"""How the WeChat simulator is served: for this machine only, on the port after the program's."""

import os
from pathlib import Path

home = Path(os.environ.get("KAQUAN_HOME") or Path(__file__).resolve().parent.parent / "var")
scratch = home.resolve() / "run"
scratch.mkdir(parents=True, exist_ok=True)

bind = f"127.0.0.1:{int(os.environ.get('PORT') or 8000) + 1}"
workers = 1  # The far end keeps its state in this one process.
worker_class = "gthread"
threads = 16
timeout = 60
graceful_timeout = 5
keepalive = 30
worker_tmp_dir = str(scratch)
control_socket_disable = True
accesslog = "-" if os.environ.get("ACCESS_LOG") == "1" else None
errorlog = "-"
