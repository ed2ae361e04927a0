"""What search engines ask for first: robots.txt and sitemap.xml."""

from __future__ import annotations

from xml.sax.saxutils import escape

from flask import Blueprint, Response, url_for
from flask.typing import ResponseReturnValue

from app.core.actor import PUBLIC
from app.core.clock import rfc3339, utc_now
from app.models.contents import ContentKind
from app.queries.publishing.contents import Address, list_addresses
from app.queries.tenants.store_pages import list_stores_of_city
from app.site.caching import may_be_kept
from app.site.contents import SECTIONS
from app.site.structured import absolute
from app.web.context import current_context

bp = Blueprint("site_engines", __name__)

_MOST = 40_000  # A sitemap may have 50,000 addresses.
_MOST_STORES = 5_000
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
    with current_context().database.unit_of_work(PUBLIC) as session:
        addresses = list_addresses(session, limit=_MOST)
        stores, _ = list_stores_of_city(
            session, city=None, after_id=0, limit=_MOST_STORES, now=utc_now()
        )
    lines = [_entry(path) for path in ("/", "/goods/", "/solutions/", "/articles/", "/stores/")]
    lines += [_entry(path_of(one), rfc3339(one.updated_at)) for one in addresses]
    lines += [_entry(url_for("site_stores.show_store", store_id=one.id)) for one in stores]
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        + "\n".join(lines)
        + "\n</urlset>\n"
    )
    return may_be_kept(Response(text, mimetype="application/xml"))


def path_of(one: Address) -> str:
    """The page of something published."""
    if one.kind is ContentKind.page:
        return url_for("site_content.show_page", slug=one.slug)
    return url_for("site_content.show_item", path=SECTIONS[one.kind].path, content_id=one.id)


def _entry(path: str, changed: str | None = None) -> str:
    when = f"<lastmod>{changed}</lastmod>" if changed else ""
    return f"<url><loc>{escape(absolute(path))}</loc>{when}</url>"
