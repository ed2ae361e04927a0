"""The public site's pages: published content only, found by engines, kept by caches."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest
from flask import Flask, render_template_string
from sqlalchemy import select

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.factory import create_app
from app.flows.demo.contents import seed_demo_contents
from app.flows.publishing.previewing import preview_token
from app.models.base import OPERATOR_ID
from app.models.contents import ContentItem, ContentKind
from app.models.tenants import Store
from app.services.demo import seed_demo
from app.services.publishing.content_words import Words
from app.services.publishing.contents import create_content, plan_content, save_content
from app.web.context import current_context
from app.wechat_simulator.keys import ensure_keys
from config import load_settings

STATIC = Path(__file__).resolve().parents[2] / "app" / "static"
FIRST_VIEW = 60_000  # Bytes, gzipped and without pictures.
_SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
LISTS = ("/goods/", "/solutions/", "/articles/", "/stores/")
KINDS = ("/", *LISTS, "goods", "solutions", "articles", "stores", "/privacy", "/terms",
         "/pages/about", "/robots.txt", "/sitemap.xml")  # fmt: skip
# What schema.org's readers want to know at least, by type.
NEEDED = {
    "Product": {"name", "description", "image", "offers"},
    "Article": {"headline", "description", "datePublished", "dateModified", "publisher"},
    "LocalBusiness": {"name", "address", "openingHoursSpecification", "url"},
}
ONE_OF = {
    "goods": (ContentItem, "担担面"),
    "solutions": (ContentItem, "节日礼券"),
    "articles": (ContentItem, "春熙路店重新开业"),
    "stores": (Store, "老街面馆（春熙路店）"),
}


@pytest.fixture(scope="module")
def app(tmp_path_factory, test_database) -> Iterator[Flask]:
    home = tmp_path_factory.mktemp("home")
    ensure_keys(home / "simulator")
    made = create_app(
        load_settings(
            {
                "KAQUAN_HOME": str(home),
                "DATABASE_URL": test_database.database_url,
                "RATE_LIMITS": "off",
                "ICP_NUMBER": "蜀ICP备00000000号",
                "PUBLIC_BASE_URL": "https://kaquan.example",
            }
        )
    )
    with made.app_context():
        context = current_context()
        with context.database.unit_of_work(SYSTEM) as session:
            seed_demo(session, password="demo-kaquan-2026")
        seed_demo_contents(context)
    yield made
    with made.app_context():
        current_context().database.dispose()


@pytest.fixture
def visitor(app):
    return app.test_client()


@pytest.fixture
def write(app):
    """``write("标题", "<p>…</p>")``: an article; published unless told."""

    def writing(title, body, *, published=True, kind=ContentKind.article):
        with app.app_context(), current_context().database.unit_of_work(SYSTEM) as session:
            made = create_content(
                session, merchant_id=OPERATOR_ID, kind=kind,
                words=Words(title=title, body_html=body, summary="摘要"), actor=SYSTEM,
            )  # fmt: skip
            if published:
                plan_content(session, item_id=made.id, publish_at=None, withdraw_at=None,
                             actor=SYSTEM, now=utc_now())  # fmt: skip
            return made.id

    return writing


@pytest.fixture
def path_of(app):
    """``path_of("goods")``: the page of one of the demo's, with picture; of a path, the path."""

    def find(kind: str) -> str:
        if kind.startswith("/"):
            return kind
        table, title = ONE_OF[kind]
        with app.app_context(), current_context().database.unit_of_work(SYSTEM) as session:
            named = table.name if table is Store else table.title
            return f"/{kind}/{session.scalars(select(table.id).where(named == title)).first()}"

    return find


def links_of(text: str) -> set[str]:
    return set(re.findall(r'href="(/[^"#?]*)"', text))


def test_every_link_of_the_site_leads_somewhere_and_says_what_it_is(visitor):
    seen, waiting = set(), {"/"}
    while waiting:
        path = waiting.pop()
        seen.add(path)
        answer = visitor.get(path)
        assert answer.status_code == 200, path
        if answer.mimetype != "text/html" or path.startswith("/login"):
            continue
        text = answer.get_data(as_text=True)
        assert re.search(r"<title>[^<]{3,}</title>", text), path
        assert len(re.findall(r"<h1[ >]", text)) == 1, path
        for block in re.findall(r'ld\+json">(.*?)</script>', text, re.DOTALL):
            assert json.loads(block)["@context"] == "https://schema.org"
        skipped = ("/static/", "/m/", "/api/", "/pos", "/console", "/readyz")
        waiting |= {one for one in links_of(text) if not one.startswith(skipped)} - seen
    assert {"/goods/", "/solutions/", "/articles/", "/stores/", "/privacy", "/terms"} <= seen
    assert sum(path.startswith("/goods/") for path in seen) > 3


def test_what_is_not_published_is_not_there(visitor, write):
    pk = write("机密草稿", "<p>草稿</p>", published=False)
    assert visitor.get(f"/articles/{pk}").status_code == 404
    assert visitor.get(f"/api/v1/articles/{pk}").status_code == 404
    for path in ("/", "/articles/", "/sitemaps/contents-0.xml", "/api/v1/articles?limit=100"):
        assert "机密草稿" not in visitor.get(path).get_data(as_text=True)
        assert f"/articles/{pk}<" not in visitor.get(path).get_data(as_text=True)
    assert visitor.get(f"/goods/{pk}").status_code == 404
    assert visitor.get(f"/articles/{2**70}").status_code == 404


def test_a_preview_link_shows_a_draft_and_a_forged_one_nothing(app, visitor, write):
    pk = write("预览标题", "<p>预览正文</p>", published=False)
    with app.app_context():
        token = preview_token(current_context(), item_id=pk, version_no=1)
        none = preview_token(current_context(), item_id=pk, version_no=9)
    answer = visitor.get(f"/preview/{token}")
    assert "预览正文" in answer.get_data(as_text=True)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "noindex" in answer.get_data(as_text=True)
    head, _, signature = token.rpartition(".")
    forged = f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    for wrong in (forged, "nonsense", none):
        assert visitor.get(f"/preview/{wrong}").status_code == 404


def test_site_preview_and_api_show_the_same_text(app, visitor, write):
    body = '<h2 style="text-align:center">题</h2><table><tbody><tr><td>格</td></tr></tbody></table>'
    pk = write("同一篇", body)
    with app.app_context():
        token = preview_token(current_context(), item_id=pk, version_no=1)
    written = [
        re.search(r'class="written">(.*?)</div>', visitor.get(path).get_data(as_text=True))[1]
        for path in (f"/articles/{pk}", f"/preview/{token}")
    ]
    api = visitor.get(f"/api/v1/articles/{pk}").get_json()["body_html"]
    assert written == [api, api]
    policy = visitor.get(f"/articles/{pk}").headers["Content-Security-Policy"]
    assert "style-src-attr 'unsafe-inline'" in policy
    assert "script-src" not in policy, "the default, which allows our own files only"


def test_titles_cannot_break_out_of_the_page_or_its_data(visitor, write):
    title = '</script><script>alert(1)</script>"><b>'
    pk = write(title, "<p>x</p>")
    text = visitor.get(f"/articles/{pk}").get_data(as_text=True)
    assert "<script>alert" not in text
    block = re.search(r'ld\+json">(.*?)</script>', text, re.DOTALL)[1]
    assert json.loads(block)["headline"] == title


def test_a_page_is_kept_and_asked_for_again_by_its_etag(visitor, write):
    pk = write("缓存", "<p>x</p>")
    for path in ("/", f"/articles/{pk}", "/stores/", "/sitemap.xml"):
        first = visitor.get(path)
        assert "public" in first.headers["Cache-Control"], path
        again = visitor.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304, path


def test_the_first_view_is_small(visitor):
    size = len(gzip.compress(visitor.get("/").get_data()))
    for name in ("css/site.css", "img/mark.svg"):
        size += len(gzip.compress((STATIC / name).read_bytes()))
    assert size < FIRST_VIEW


def test_engines_find_the_sitemap_and_canonical_addresses(visitor, write):
    pk = write("收录", "<p>x</p>")
    assert "Sitemap: https://kaquan.example/sitemap.xml" in visitor.get("/robots.txt").text
    assert f"/articles/{pk}<" in "".join(_sitemaps(visitor))
    sitemap = visitor.get(f"/sitemaps/contents-{pk - 1}.xml").text
    assert f"<loc>https://kaquan.example/articles/{pk}</loc>" in sitemap
    text = visitor.get(f"/articles/{pk}?utm_source=x").text
    assert f'<link rel="canonical" href="https://kaquan.example/articles/{pk}">' in text
    assert "蜀ICP备00000000号" in text


def test_former_terms_stay_readable(app, visitor):
    with app.app_context(), current_context().database.unit_of_work(SYSTEM) as session:
        item = session.scalars(select(ContentItem).where(ContentItem.slug == "terms")).one()
        save_content(session, item_id=item.id, seen_no=item.head_no, actor=SYSTEM, now=utc_now(),
                     words=Words(title="用户协议", body_html="<p>新条款</p>"))  # fmt: skip
        plan_content(session, item_id=item.id, publish_at=None, withdraw_at=None, actor=SYSTEM,
                     now=utc_now())  # fmt: skip
    now, former = visitor.get("/terms").text, visitor.get("/terms?version=1").text
    assert "新条款" in now
    assert "新条款" not in former
    assert "储值卡" in former
    assert "旧版本" in former
    assert visitor.get("/terms?version=99").status_code == 404


@pytest.mark.parametrize("query", ["?category=" + "长" * 5000, "?category=%00", "?cursor=xx",
                                   "?category='%3B--", "?city=%F0%9F%98%80"])  # fmt: skip
def test_odd_addresses_are_refused_quietly(visitor, query):
    for path in ("/goods/", "/stores/"):
        assert visitor.get(path + query).status_code in {200, 400, 404}


def test_pictures_are_served_for_good_and_paths_cannot_leave_their_folder(visitor, path_of):
    url = re.search(r'src="(/media/[^"]+)"', visitor.get(path_of("goods")).text)[1]
    with visitor.get(url) as answer:  # Closed, for it is a file.
        assert answer.mimetype == "image/webp"
        assert "immutable" in answer.headers["Cache-Control"]
    key = url.split("/")[2]
    wrong = ("..%2f..%2fsecret", "9999.webp", "..", "full.svg")
    for path in (*(f"/media/{key}/{name}" for name in wrong), f"/media/{'x' * 24}/640.webp"):
        assert visitor.get(path).status_code == 404


def test_the_nearest_stores_come_first_and_the_page_is_nobodys_else(visitor, make):
    # In the middle of a desert, where no other test has a shop.
    near, far = (make.store(name=name, lat=40.5 + step, lng=101.2) for name, step in
                 (("骆驼刺小店", 0), ("胡杨林小店", 0.03)))  # fmt: skip
    text, more = "", "/stores/near?at=40.500,101.200"
    while more and far.name not in text:  # Whatever shops others have opened there.
        answer = visitor.get(more)
        assert answer.headers["Cache-Control"] == "no-store"
        text += answer.text
        found = re.search(r'rel="next" href="([^"]+)"', answer.text)
        more = found and unescape(found[1])
    assert 0 < text.index(near.name) < text.index(far.name)
    assert text.count(near.name) == 1


@pytest.mark.parametrize("query", ["", "?at=", "?at=nowhere", "?at=91,200", "?at=%00"])
def test_whoever_does_not_say_where_chooses_a_city(visitor, query):
    answer = visitor.get(f"/stores/near{query}")
    assert (answer.status_code, answer.location) == (302, "/stores/")


def test_odd_pages_of_the_nearest_are_the_first(visitor):
    for after in ("x", "1", "-1--1", "9" * 30):
        assert (
            visitor.get(f"/stores/near?at=30.657,104.081&open=1&after={after}").status_code == 200
        )


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_page_is_kept_and_asked_for_again_by_its_etag(visitor, path_of, kind):
    path = path_of(kind)
    first = visitor.get(path)
    assert first.status_code == 200
    assert "public" in first.headers["Cache-Control"]
    assert "Set-Cookie" not in first.headers, "a page with a cookie is nobody else's"
    again = visitor.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = visitor.get(path, headers={"If-None-Match": '"of-another-day"'})
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("kind", "of_type"),
    [("goods", "Product"), ("solutions", "Article"), ("articles", "Article"),
     ("stores", "LocalBusiness")],
)  # fmt: skip
def test_what_a_page_is_about_is_told_whole_in_schema_org_words(visitor, path_of, kind, of_type):
    text = visitor.get(path_of(kind)).text
    [block] = re.findall(r'ld\+json">(.*?)</script>', text, re.DOTALL)
    told = json.loads(block)
    assert told["@type"] == of_type
    assert set(told) >= NEEDED[of_type]
    assert all(told[name] for name in NEEDED[of_type] - {"openingHoursSpecification"})
    for name in ("image", "url"):
        assert told.get(name, "https://").startswith("https://"), "addresses are whole"
    if of_type == "Product":
        assert re.fullmatch(r"\d+\.\d\d", told["offers"]["price"])
        assert told["offers"]["priceCurrency"] == "CNY"


def test_the_sitemap_is_xml_and_leads_only_to_pages_that_robots_may_read(visitor):
    robots = visitor.get("/robots.txt").text
    refused = tuple(re.findall(r"^Disallow: (\S+)$", robots, re.MULTILINE))
    assert {"/console/", "/api/", "/preview/", "/v/", "/t/", "/g/", "/q/"} <= set(refused)
    trees = [ElementTree.fromstring(text) for text in _sitemaps(visitor)]
    addresses = [one.text for tree in trees for one in tree.iter(f"{_SITEMAP}loc")]
    assert len(addresses) == len(set(addresses)) > len(LISTS)
    for address in addresses:
        assert address.startswith("https://kaquan.example/")
        assert not address.removeprefix("https://kaquan.example").startswith(refused)
    for one in (one for tree in trees for one in tree.iter(f"{_SITEMAP}lastmod")):
        assert re.match(r"\d{4}-\d\d-\d\dT", one.text)


def _sitemaps(visitor) -> list[str]:
    """The texts of all sitemaps that the index names."""
    index = ElementTree.fromstring(visitor.get("/sitemap.xml").data)
    paths = [
        one.text.removeprefix("https://kaquan.example") for one in index.iter(f"{_SITEMAP}loc")
    ]
    return [visitor.get(path).text for path in paths]


def test_a_sitemap_holds_so_many_and_the_next_one_goes_on_behind_them(
    visitor, write, make, monkeypatch
):
    monkeypatch.setattr("app.site.for_engines.MOST", 5)
    monkeypatch.setattr("app.site.for_engines._AT_ONCE", 2)
    wanted = {f"/articles/{write(f'地图{n}', '<p>x</p>')}" for n in range(7)}
    merchant = make.merchant()
    wanted |= {f"/stores/{make.store(merchant).id}" for _ in range(6)}
    found: list[str] = []
    for text in _sitemaps(visitor):
        tree = ElementTree.fromstring(text)
        part = [one.text for one in tree.iter(f"{_SITEMAP}loc")]
        assert 1 <= len(part) <= 5
        found += part
    assert len(found) == len(set(found)), "nothing stands twice"
    assert wanted <= {one.removeprefix("https://kaquan.example") for one in found}
    assert visitor.get("/sitemaps/stores-9999999999999999999.xml").status_code == 404


def test_where_no_store_is_open_no_empty_list_of_cities_stands(app):
    """Readers of the screen are told of a landmark, so there must be something in it."""
    words = '{% from "site/_cards.html" import city_picks with context %}{{ city_picks(cities) }}'
    with app.test_request_context("/stores/"):
        assert render_template_string(words, cities=[]).strip() == ""
        assert "<nav" in render_template_string(words, cities=[("成都", 2)])
