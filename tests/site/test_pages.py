"""The pages that any scanner opens: they explain, and they say when all is a demo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.core.actor import SYSTEM
from app.core.demo import DEMO_ACCOUNTS
from app.db import Database
from app.factory import create_app
from app.models.tenants import PayPoint, Store, StoreStatus
from app.web.context import current_context
from app.wechat_simulator.keys import ensure_keys
from config import load_settings
from tests.conftest import OwnDatabase
from tests.factories import Factories

TEMPLATES = sorted((Path(__file__).resolve().parents[2] / "app" / "templates").rglob("*.html"))
CODE = "0000-0000-0000-0000"  # Its check character is right; no voucher has it.
PAGES = ("/", "/v/" + CODE, "/v/typo", "/t/" + CODE, "/t/typo", "/g/anything", "/nothing-here")


@pytest.fixture(scope="module")
def visitor(
    tmp_path_factory: pytest.TempPathFactory, test_database: OwnDatabase
) -> Iterator[FlaskClient]:
    home = tmp_path_factory.mktemp("home")
    ensure_keys(home / "simulator")
    environ = {
        "KAQUAN_HOME": str(home),
        "DATABASE_URL": test_database.database_url,
        "RATE_LIMITS": "off",
    }
    app = create_app(load_settings(environ))
    yield app.test_client()
    with app.app_context():
        current_context().database.dispose()


@pytest.fixture
def pay_point(make: Factories) -> PayPoint:
    return make.pay_point()


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_that_this_is_a_demo(visitor: FlaskClient, page: str):
    text = visitor.get(page).get_data(as_text=True)
    assert "演示模式" in text
    assert '<html lang="zh-CN">' in text


def test_the_home_page_offers_every_demo_account(visitor: FlaskClient):
    text = visitor.get("/").get_data(as_text=True)
    assert [a.username for a in DEMO_ACCOUNTS if f"<code>{a.username}</code>" not in text] == []


def test_a_reader_of_english_gets_english_and_caches_know_it(visitor: FlaskClient):
    answer = visitor.get("/", headers={"Accept-Language": "en-GB,en;q=0.9"})
    assert '<html lang="en">' in answer.get_data(as_text=True)
    assert "Demo mode" in answer.get_data(as_text=True)
    assert "Accept-Language" in answer.headers["Vary"]


def test_a_stranger_meets_a_page_and_not_json(visitor: FlaskClient):
    answer = visitor.get("/q/no-such-token")
    assert answer.status_code == 404
    assert "收款码无效" in answer.get_data(as_text=True)
    assert answer.mimetype == "text/html"


def test_a_pay_point_names_its_store(visitor: FlaskClient, pay_point: PayPoint, database: Database):
    with database.unit_of_work(SYSTEM) as session:
        name = session.get_one(Store, pay_point.store_id).name
    text = visitor.get(f"/q/{pay_point.token}").get_data(as_text=True)
    assert name in text
    assert "请用微信扫码付款" in text


def test_a_closed_store_says_so(visitor: FlaskClient, pay_point: PayPoint, database: Database):
    with database.unit_of_work(SYSTEM) as session:
        session.get_one(Store, pay_point.store_id).status = StoreStatus.closed
    text = visitor.get(f"/q/{pay_point.token}").get_data(as_text=True)
    assert "请用微信扫码付款" not in text
    assert "暂时不收款" in text


def test_a_typing_error_is_told_at_once_and_a_code_is_shown_in_groups(visitor: FlaskClient):
    assert "输入有误" in visitor.get("/v/typo").get_data(as_text=True)
    assert CODE in visitor.get("/v/o000000000000000").get_data(as_text=True)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_page_needs_more_than_the_content_policy_allows(template: Path):
    """No script or style in the page, no handler, and nothing from another host."""
    text = template.read_text()
    forbidden = (
        r"<style|<script(?! type=.application/(?:ld.)?json)(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+="
        r"|(?:src|href)=\"(?:https?:)?//"
    )
    assert re.findall(forbidden, text) == []
