"""The pages that any scanner opens: they explain, and they say when all is a demo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core import codes
from app.core.actor import SYSTEM
from app.core.demo import DEMO_ACCOUNTS
from app.db import Database
from app.factory import create_app
from app.models.tenants import PayPoint, Store, StoreStatus
from app.models.vouchers import Voucher, VoucherStatus
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


SCANNERS = {
    "WeChat": {"User-Agent": "Mozilla/5.0 (iPhone) MicroMessenger/8.0.50 NetType/WIFI"},
    "Alipay": {"User-Agent": "Mozilla/5.0 (Linux; Android 14) AliApp(AP/10.6.0) AlipayClient"},
    "a browser": {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/128.0"},
    "a browser that looks ahead": {"Sec-Purpose": "prefetch;prerender"},
    "a bot": {"User-Agent": "Mozilla/5.0 (compatible; Baiduspider/2.0)"},
    "nobody": {},
}


@pytest.mark.parametrize("scanner", list(SCANNERS))
@pytest.mark.parametrize("kind", ["v", "t"])
def test_no_scanner_uses_paper_up_and_nothing_keeps_its_code(
    visitor: FlaskClient, make, database: Database, caplog, scanner: str, kind: str
):
    batch = make.batch(quantity=1)
    (code,) = make.vouchers(batch)
    caplog.set_level("DEBUG")
    for open_page in (visitor.head, visitor.get, visitor.get):
        answer = open_page(f"/{kind}/{code}", headers=SCANNERS[scanner])
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert "Set-Cookie" not in answer.headers
    assert codes.grouped(code) in answer.get_data(as_text=True)
    assert visitor.post(f"/{kind}/{code}").status_code in {400, 405}
    with database.unit_of_work(SYSTEM) as session:
        paper = session.scalars(select(Voucher).where(Voucher.batch_id == batch.id)).one()
        assert (paper.status, paper.redeemed_at) == (VoucherStatus.active, None)
    assert code not in caplog.text
    assert codes.grouped(code) not in caplog.text


def test_a_code_goes_on_into_the_app_where_no_server_reads_it(visitor: FlaskClient):
    links = re.findall(r'href="([^"]*)"', visitor.get(f"/t/{CODE}").get_data(as_text=True))
    onward = [link for link in links if CODE in link and not link.endswith(f"/t/{CODE}")]
    assert onward
    assert all(CODE not in link.partition("#")[0] for link in onward)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_page_needs_more_than_the_content_policy_allows(template: Path):
    """No script or style in the page, no handler, and nothing from another host."""
    text = template.read_text()
    forbidden = (
        r"<style|<script(?! type=.application/(?:ld.)?json)(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+="
        r"|(?:src|href)=\"(?:https?:)?//"
    )
    assert re.findall(forbidden, text) == []
