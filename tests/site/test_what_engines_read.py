"""What engines, caches and visitors without script get of every kind of public page."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
from flask import render_template_string

from tests.site import test_contents as site

app, visitor = site.app, site.visitor
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


@pytest.fixture
def path_of(visitor):
    """``path_of("goods")``: the page of one of them; of a path, the path itself."""

    def find(kind: str) -> str:
        if kind.startswith("/"):
            return kind
        return re.search(rf'class="card[^"]*" href="(/{kind}/\d+)"', visitor.get(f"/{kind}/").text)[
            1
        ]

    return find


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
    tree = ElementTree.fromstring(visitor.get("/sitemap.xml").data)
    addresses = [one.text for one in tree.iter(f"{_SITEMAP}loc")]
    assert len(addresses) == len(set(addresses)) > len(LISTS)
    for address in addresses:
        assert address.startswith("https://kaquan.example/")
        assert not address.removeprefix("https://kaquan.example").startswith(refused)
    for one in tree.iter(f"{_SITEMAP}lastmod"):
        assert re.match(r"\d{4}-\d\d-\d\dT", one.text)


def test_where_no_store_is_open_no_empty_list_of_cities_stands(app):
    """Readers of the screen are told of a landmark, so there must be something in it."""
    words = '{% from "site/_cards.html" import city_picks with context %}{{ city_picks(cities) }}'
    with app.test_request_context("/stores/"):
        assert render_template_string(words, cities=[]).strip() == ""
        assert "<nav" in render_template_string(words, cities=[("成都", 2)])
