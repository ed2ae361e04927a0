"""Keeps the server's OpenAPI document for the app: ``python -m tests.members_app.document``."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from app.factory import create_app
from app.wechat_simulator.keys import ensure_keys
from config import load_settings

DOCUMENT = Path(__file__).resolve().parents[2] / "miniprogram" / "openapi.json"


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        ensure_keys(Path(home) / "simulator")
        # Nothing is asked of the database: it is opened at the first question.
        environ = {"KAQUAN_HOME": home, "DATABASE_URL": "postgresql://nobody@localhost/none"}
        app = create_app(load_settings(environ))
        document = app.test_client().get("/api/v1/openapi.json").json
    text = json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True)
    DOCUMENT.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
