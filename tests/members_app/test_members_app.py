"""The members' app by its own tools: tests pass, types fit the server, the build is whole."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from flask import Flask

from app.factory import create_app
from app.wechat_simulator.keys import ensure_keys
from config import load_settings
from tests.conftest import OwnDatabase

ROOT = Path(__file__).resolve().parents[2] / "miniprogram"
pytestmark = pytest.mark.xdist_group("members-app")


@pytest.fixture
def app(tmp_path: Path, test_database: OwnDatabase) -> Flask:
    ensure_keys(tmp_path / "simulator")
    environ = {"KAQUAN_HOME": str(tmp_path), "DATABASE_URL": test_database.database_url}
    return create_app(load_settings(environ))


def _run(*command: str, cwd: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def test_its_document_is_the_servers(app: Flask):
    """If this fails: ``python -m tests.members_app.document``, then ``make lint``."""
    kept = json.loads((ROOT / "openapi.json").read_text())
    assert kept == app.test_client().get("/api/v1/openapi.json").json


def test_its_logic_is_right():
    _run("npm", "run", "--silent", "test")


def test_its_types_fit_the_servers_document():
    _run("npm", "run", "--silent", "check")


def test_the_mini_program_is_whole_and_small():
    _run("npm", "run", "--silent", "build:mp-weixin")
    told = json.loads(_run("node", "check-mp-weixin.mjs").splitlines()[-1])
    assert told["problems"] == 0
    assert told["pages"] >= 28
    assert told["bytes"] < 2 * 1024 * 1024
