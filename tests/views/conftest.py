"""The consoles as a browser meets them, on a real database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.factory import create_app
from app.models.people import Staff
from app.wechat_simulator.keys import ensure_keys
from config import load_settings
from tests.factories import PASSWORD

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@pytest.fixture(scope="session")
def app(test_database, tmp_path_factory) -> Iterator[Flask]:
    home = tmp_path_factory.mktemp("home")
    settings = load_settings(
        {"KAQUAN_HOME": str(home), "DATABASE_URL": test_database.database_url, "PORT": "8000"}
    )
    ensure_keys(settings.home / "simulator")
    made = create_app(settings)
    yield made
    made.extensions["kaquan"].database.dispose()


@dataclass(frozen=True)
class Browser:
    """A client with a cookie jar that fills the token of the form in."""

    client: FlaskClient

    def get(self, path: str, **options: object) -> TestResponse:
        return self.client.get(path, **options)

    def post(
        self, path: str, fields: dict[str, str] | None = None, **options: object
    ) -> TestResponse:
        token = csrf_token(self.client.get(options.pop("form", path)).text)
        return self.client.post(path, data={**(fields or {}), "csrf_token": token}, **options)

    def sign_in(self, username: str, password: str = PASSWORD, *, then: str = "") -> TestResponse:
        path = f"/login/?next={then}" if then else "/login/"
        return self.post(path, {"username": username, "password": password})


@pytest.fixture
def browser(app) -> Browser:
    return Browser(app.test_client())


@pytest.fixture(scope="session")
def signed_in(app, make) -> Callable[[Staff], Browser]:
    """A browser of somebody on the staff; one for each, signed in once."""
    known: dict[int, Browser] = {}

    def enter(staff: Staff) -> Browser:
        if staff.id not in known:
            known[staff.id] = Browser(app.test_client())
            assert known[staff.id].sign_in(make.username(staff)).status_code == 302
        return known[staff.id]

    return enter


def csrf_token(page: str) -> str:
    found = _TOKEN.search(page)
    return found.group(1) if found else ""
