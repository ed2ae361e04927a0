"""What search engines ask for first: robots.txt and sitemap.xml."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from xml.sax.saxutils import escape

from flask import Blueprint, Response, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.core.actor import PUBLIC
from app.core.clock import rfc3339
from app.models.contents import ContentKind
from app.queries.publishing.addresses import (
    Address,
    find_content_breaks,
    find_store_breaks,
    list_content_addresses,
    list_store_ids,
)
from app.site.caching import may_be_kept
from app.site.contents import SECTIONS
from app.site.structured import absolute
from app.web.context import current_context

bp = Blueprint("site_engines", __name__)

MOST = 50_000  # No sitemap may have more addresses.
MAX_ID = 2**63 - 1
_AT_ONCE = 2_000
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
Read = Callable[[Session, int, int], list[tuple[int, str]]]  # After an id, so many: id and entry.
_ROBOTS = """User-agent: *
Disallow: /console/
Disallow: /login/
Disallow: /pos/
Disallow: /api/
Disallow: /preview/
Disallow: /q/
Disallow: /v/
Disallow: /t/
Disallow: /g/
"""


@bp.get("/robots.txt")
def show_robots() -> ResponseReturnValue:
    text = f"{_ROBOTS}\nSitemap: {absolute('/sitemap.xml')}\n"
    return may_be_kept(Response(text, mimetype="text/plain"))


@bp.get("/sitemap.xml")
def show_sitemap() -> ResponseReturnValue:
    """Which sitemaps there are: one of lists, and of items and stores as many as they fill."""
    with current_context().database.unit_of_work(PUBLIC) as session:
        contents = find_content_breaks(session, every=MOST)
        stores = find_store_breaks(session, every=MOST)
    paths = [
        url_for("site_engines.show_lists"),
        *(url_for("site_engines.show_contents", after_id=after_id) for after_id in contents),
        *(url_for("site_engines.show_stores", after_id=after_id) for after_id in stores),
    ]
    maps = "\n".join(f"<sitemap><loc>{escape(absolute(path))}</loc></sitemap>" for path in paths)
    text = f'{_XML}<sitemapindex xmlns="{_NAMESPACE}">\n{maps}\n</sitemapindex>\n'
    return may_be_kept(Response(text, mimetype="application/xml"))


@bp.get("/sitemaps/lists.xml")
def show_lists() -> ResponseReturnValue:
    lists = ("/", "/goods/", "/solutions/", "/articles/", "/stores/")
    text = "".join(_urlset([_entry(path) for path in lists]))
    return may_be_kept(Response(text, mimetype="application/xml"))


@bp.get(f"/sitemaps/contents-<int(max={MAX_ID}):after_id>.xml")
def show_contents(after_id: int) -> ResponseReturnValue:
    """What is published behind an id: no more than one sitemap may hold."""

    def read(session: Session, after: int, limit: int) -> list[tuple[int, str]]:
        found = list_content_addresses(session, after_id=after, limit=limit)
        return [(one.id, _entry(path_of(one), rfc3339(one.updated_at))) for one in found]

    return _streamed(read, after_id)


@bp.get(f"/sitemaps/stores-<int(max={MAX_ID}):after_id>.xml")
def show_stores(after_id: int) -> ResponseReturnValue:
    """Open stores behind an id: no more than one sitemap may hold."""

    def read(session: Session, after: int, limit: int) -> list[tuple[int, str]]:
        found = list_store_ids(session, after_id=after, limit=limit)
        return [(pk, _entry(url_for("site_stores.show_store", store_id=pk))) for pk in found]

    return _streamed(read, after_id)


def path_of(one: Address) -> str:
    """The page of something published."""
    if one.kind is ContentKind.page:
        return url_for("site_content.show_page", slug=one.slug)
    return url_for("site_content.show_item", path=SECTIONS[one.kind].path, content_id=one.id)


def _streamed(read: Read, after_id: int) -> Response:
    """A sitemap as it is read, some at a time: no connection is held while a robot is slow."""
    text = stream_with_context(_urlset(_entries(read, after_id)))
    answer = Response(text, mimetype="application/xml")
    answer.cache_control.public, answer.cache_control.max_age = True, 60
    return answer


def _entries(read: Read, after_id: int) -> Iterator[str]:
    left = MOST
    while left > 0:
        with current_context().database.unit_of_work(PUBLIC) as session:
            found = read(session, after_id, min(left, _AT_ONCE))
        yield from (entry for _, entry in found)
        if len(found) < _AT_ONCE:
            return
        after_id, left = found[-1][0], left - len(found)


def _urlset(entries: Iterable[str]) -> Iterator[str]:
    yield f'{_XML}<urlset xmlns="{_NAMESPACE}">\n'
    rest = iter(entries)
    while some := list(islice(rest, _AT_ONCE)):
        yield "\n".join(some) + "\n"
    yield "</urlset>\n"


def _entry(path: str, changed: str | None = None) -> str:
    when = f"<lastmod>{changed}</lastmod>" if changed else ""
    return f"<url><loc>{escape(absolute(path))}</loc>{when}</url>"
