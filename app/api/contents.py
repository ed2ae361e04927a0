"""Content for the members' app: goods, solutions, articles, banners. Published content only."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from app.api.blueprint import bp
from app.core.actor import PUBLIC
from app.models.contents import ContentKind
from app.queries.publishing.contents import ContentSeen, PictureSeen, find_content, list_contents
from app.services.publishing.content_refusals import ContentNotFound
from app.web.body import Words
from app.web.context import current_context
from app.web.limits import OPEN_TO_ALL, limited
from app.web.paging import PageArguments, page, read_cursor, write_cursor
from app.web.wire import Instant

_PATHS = {
    ContentKind.goods: "goods",
    ContentKind.solution: "solutions",
    ContentKind.article: "articles",
}


class ContentQuery(PageArguments):
    category = Words(longest=40, load_default=None)


class Cover(Schema):
    url = fields.String(metadata={"description": "640 px wide, WebP"})
    large_url = fields.String(metadata={"description": "1280 px wide, WebP"})
    alt = fields.String()
    width = fields.Integer(metadata={"description": "of the original, in px"})
    height = fields.Integer()


class Content(Schema):
    id = fields.String()
    title = fields.String()
    summary = fields.String()
    category = fields.String()
    city = fields.String(metadata={"description": "empty: everywhere"})
    merchant = fields.String()
    price_fen = fields.Integer(allow_none=True)
    cover = fields.Nested(Cover, allow_none=True)
    url = fields.String(metadata={"description": "its page on the public site"})
    published_at = Instant()


class ContentWhole(Content):
    pictures = fields.List(
        fields.Nested(Cover), metadata={"description": "in order, the cover first"}
    )
    body_html = fields.String(metadata={"description": "sanitised, for rich text"})
    store_ids = fields.List(fields.String(), metadata={"description": "empty: all stores"})


class Contents(Schema):
    items = fields.List(fields.Nested(Content))
    next_cursor = fields.String(allow_none=True)


class Banner(Schema):
    id = fields.String()
    title = fields.String()
    summary = fields.String()
    cover = fields.Nested(Cover, allow_none=True)
    link_url = fields.String(metadata={"description": "a path of ours, or https://"})


class Banners(Schema):
    items = fields.List(fields.Nested(Banner))
    next_cursor = fields.String(allow_none=True)


class Block(Banner):
    body_html = fields.String(metadata={"description": "sanitised, for rich text"})


class Blocks(Schema):
    items = fields.List(fields.Nested(Block))
    next_cursor = fields.String(allow_none=True)


@bp.get("/articles")
@bp.doc(security=[])
@limited(OPEN_TO_ALL, by_address=True)
@bp.arguments(ContentQuery, location="query")
@bp.response(200, Contents)
def list_articles(query: dict[str, Any]) -> dict[str, Any]:
    """Published articles and news, in the order of the editors."""
    return _page_of(ContentKind.article, query)


@bp.get("/articles/<int:content_id>")
@bp.doc(security=[])
@limited(OPEN_TO_ALL, by_address=True)
@bp.response(200, ContentWhole)
def show_article(content_id: int) -> dict[str, Any]:
    """One article with its text."""
    return _one_of(ContentKind.article, content_id)


@bp.get("/goods")
@bp.doc(security=[])
@limited(OPEN_TO_ALL, by_address=True)
@bp.arguments(ContentQuery, location="query")
@bp.response(200, Contents)
def list_goods(query: dict[str, Any]) -> dict[str, Any]:
    """Published goods with their prices, in the order of the editors."""
    return _page_of(ContentKind.goods, query)


@bp.get("/goods/<int:content_id>")
@bp.doc(security=[])
@limited(OPEN_TO_ALL, by_address=True)
@bp.response(200, ContentWhole)
def show_goods(content_id: int) -> dict[str, Any]:
    """One of the goods with its description and the stores that offer it."""
    return _one_of(ContentKind.goods, content_id)


@bp.get("/solutions")
@bp.doc(security=[])
@limited(OPEN_TO_ALL, by_address=True)
@bp.arguments(ContentQuery, location="query")
@bp.response(200, Contents)
def list_solutions(query: dict[str, Any]) -> dict[str, Any]:
    """Published solutions, in the order of the editors."""
    return _page_of(ContentKind.solution, query)


@bp.get("/solutions/<int:content_id>")
@bp.doc(security=[])
@limited(OPEN_TO_ALL, by_address=True)
@bp.response(200, ContentWhole)
def show_solution(content_id: int) -> dict[str, Any]:
    """One solution with its text."""
    return _one_of(ContentKind.solution, content_id)


@bp.get("/banners")
@bp.doc(security=[])
@limited(OPEN_TO_ALL, by_address=True)
@bp.response(200, Banners)
def list_banners() -> dict[str, Any]:
    """What stands at the top of the app's home page."""
    with current_context().database.unit_of_work(PUBLIC) as session:
        found, _ = list_contents(session, kind=ContentKind.banner, limit=10)
    return page([shape_content(one) for one in found], None)


@bp.get("/blocks")
@bp.doc(security=[])
@limited(OPEN_TO_ALL, by_address=True)
@bp.response(200, Blocks)
def list_blocks() -> dict[str, Any]:
    """What editors put on the home page beneath everything else, with its text."""
    with current_context().database.unit_of_work(PUBLIC) as session:
        found, _ = list_contents(session, kind=ContentKind.block, limit=12, whole=True)
    return page([shape_content(one) for one in found], None)


def _page_of(kind: ContentKind, query: dict[str, Any]) -> dict[str, Any]:
    after = read_cursor(query["cursor"], 2)
    with current_context().database.unit_of_work(PUBLIC) as session:
        found, last = list_contents(
            session,
            kind=kind,
            limit=query["limit"],
            category=query["category"],
            after=None if after is None else (after[0], after[1]),
        )
    return page([shape_content(one) for one in found], write_cursor(*last) if last else None)


def _one_of(kind: ContentKind, content_id: int) -> dict[str, Any]:
    with current_context().database.unit_of_work(PUBLIC) as session:
        found = find_content(session, kind=kind, content_id=content_id % 2**63)
    if found is None:
        raise ContentNotFound
    return shape_content(found)


def shape_content(one: ContentSeen) -> dict[str, Any]:
    """As the schemas want it: addresses whole, so that a mini-program can load them."""
    base = current_context().settings.public_base_url.rstrip("/")
    path = _PATHS.get(one.kind)
    return {
        "id": str(one.id),
        "title": one.title,
        "summary": one.summary,
        "category": one.category,
        "city": one.city,
        "merchant": one.merchant,
        "price_fen": one.price_fen,
        "cover": one.cover and shape_picture(one.cover),
        "pictures": [shape_picture(picture) for picture in one.pictures],
        "url": f"{base}/{path}/{one.id}" if path else base,
        "link_url": one.link_url,
        "published_at": one.published_at,
        "body_html": one.body_html.replace('src="/media/', f'src="{base}/media/'),
        "store_ids": [str(pk) for pk in one.store_ids],
    }


def shape_picture(one: PictureSeen) -> dict[str, Any]:
    base = current_context().settings.public_base_url.rstrip("/")
    return {
        "url": f"{base}/media/{one.key}/640.webp",
        "large_url": f"{base}/media/{one.key}/1280.webp",
        "alt": one.alt,
        "width": one.width,
        "height": one.height,
    }
