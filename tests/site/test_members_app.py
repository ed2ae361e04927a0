"""How the members' app is served: files for a year, the page never, nothing inline."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.factory import create_app
from app.web.context import current_context
from app.wechat_simulator.keys import ensure_keys
from config import load_settings
from tests.conftest import OwnDatabase

PAGE = '<!doctype html><meta name="kaquan-demo" content=""><div id="app"></div>'
SCRIPT = "export const members = 1\n" * 40


@pytest.fixture(scope="module")
def visitor(
    tmp_path_factory: pytest.TempPathFactory, test_database: OwnDatabase
) -> Iterator[FlaskClient]:
    home, built = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("built")
    ensure_keys(home / "simulator")
    (built / "assets").mkdir()
    (built / "index.html").write_text(PAGE)
    (built / "assets" / "index-abc.js").write_text(SCRIPT)
    (built / "assets" / "index-abc.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    environ = {"KAQUAN_HOME": str(home), "DATABASE_URL": test_database.database_url}
    app = create_app(load_settings(environ))
    app.config["MEMBERS_APP"] = str(built)
    yield app.test_client()
    with app.app_context():
        current_context().database.dispose()


@pytest.mark.parametrize("address", ["/m/", "/m/pages/pay/index?point=x", "/m/anything/else"])
def test_every_address_of_the_app_is_the_app(visitor: FlaskClient, address: str):
    answer = visitor.get(address)
    assert answer.status_code == 200
    assert 'content="1"' in answer.get_data(as_text=True)
    assert answer.headers["Cache-Control"] == "no-cache"


def test_the_policy_lets_no_inline_script_run_and_asks_no_other_host(visitor: FlaskClient):
    policy = dict(
        part.strip().partition(" ")[::2]
        for part in visitor.get("/m/").headers["Content-Security-Policy"].split(";")
    )
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert not any("http" in allowed or "*" in allowed for allowed in policy.values())


def test_hashed_files_are_kept_for_a_year_and_packed_for_who_takes_it(visitor: FlaskClient):
    address = "/m/assets/index-abc.js"
    with visitor.get(address, headers={"Accept-Encoding": "gzip, br"}) as packed:
        assert packed.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert packed.headers["Content-Encoding"] == "gzip"
        assert packed.mimetype == "text/javascript"
        assert gzip.decompress(packed.data).decode() == SCRIPT
    with visitor.get(address) as plain:
        assert "Content-Encoding" not in plain.headers
        assert plain.get_data(as_text=True) == SCRIPT
        assert "Accept-Encoding" in plain.headers["Vary"]


@pytest.mark.parametrize("name", ["assets/gone.js", "assets/../../secret", "static/../../secret"])
def test_what_is_no_file_of_the_app_is_not_there(visitor: FlaskClient, name: str):
    """``secret`` lies beside the app's folder."""
    built = Path(visitor.application.config["MEMBERS_APP"])
    (built.parent / "secret").write_text("secret")
    answer = visitor.get(f"/m/{name}")
    assert answer.status_code == 404
    assert answer.get_data(as_text=True) != "secret"


def test_without_a_build_the_page_says_what_to_do(visitor: FlaskClient, tmp_path: Path):
    config = visitor.application.config
    kept, config["MEMBERS_APP"] = config["MEMBERS_APP"], str(tmp_path)
    try:
        answer = visitor.get("/m/")
    finally:
        config["MEMBERS_APP"] = kept
    assert answer.status_code == 503
    assert "bin/setup" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("landing", "leads_to"),
    [
        ("/g/abc-1", "/m/pages/gift/open?token=abc-1"),
        ("/t/0000-0000-0000-0000", "/m/pages/topup/code#code=0000-0000-0000-0000"),
        ("/", "/m/"),
    ],
)
def test_landing_pages_lead_into_the_app(visitor: FlaskClient, landing: str, leads_to: str):
    assert f'href="{leads_to}"' in visitor.get(landing).get_data(as_text=True)
