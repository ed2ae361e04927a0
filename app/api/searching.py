"""Search over what is public, suggestions, and the visits that pages tell us of."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from flask import request
from marshmallow import Schema, fields, validate

from app.api.blueprint import bp
from app.api.schemas import StoreQuery
from app.core.actor import PUBLIC
from app.core.clock import local_day, utc_now
from app.core.errors import N_, Category, DomainError
from app.core.visits import FACES, KINDS
from app.queries.publishing.searching import KINDS as TYPES
from app.queries.publishing.searching import Found, Narrowed, hot_words, search, suggest
from app.web.body import Words
from app.web.context import current_context
from app.web.limits import OPEN_TO_ALL, Limit, limited
from app.web.visits import counter, may_count, note_visit

PAGE_VIEWS = Limit("page-views", at_once=60, per_second=4)  # By address: a flood counts for little.
_MOST_VIEWS = 50


class ForeignPage(DomainError):
    code = "page_view_foreign"
    category = Category.FORBIDDEN
    template = N_("Page views are taken from our own pages only.")


class PageUnknown(DomainError):
    code = "page_unknown"
    category = Category.INVALID
    template = N_("One of these paths is no page of ours.")


class SearchQuery(Schema):
    q = Words(required=True, longest=10_000)
    type = fields.String(load_default=None, validate=validate.OneOf(TYPES))
    city = Words(load_default=None, longest=40)
    merchant = fields.Integer(load_default=None, validate=validate.Range(1, 2**62))
    lat = fields.Float(load_default=None, validate=validate.Range(-90, 90))
    lng = fields.Float(load_default=None, validate=validate.Range(-180, 180))
    offset = fields.Integer(load_default=0, validate=validate.Range(0, 500))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))
    _both_or_none = StoreQuery._both_or_none


class FoundItem(Schema):
    type = fields.String(validate=validate.OneOf(TYPES))
    id = fields.String()
    title = fields.String()
    snippet = fields.String(metadata={"description": "plain text around the first word found"})
    url = fields.String()
    city = fields.String()
    merchant = fields.String()
    score = fields.Float()
    marks = fields.List(fields.String(), metadata={"description": "words to be highlighted"})
    picture_url = fields.String(
        allow_none=True, metadata={"description": "its first picture, 320 px wide, WebP"}
    )


class Facet(Schema):
    types = fields.Dict(keys=fields.String(), values=fields.Integer())
    cities = fields.Dict(keys=fields.String(), values=fields.Integer())
    merchants = fields.Dict(keys=fields.String(), values=fields.Integer())


class FoundPage(Schema):
    items = fields.List(fields.Nested(FoundItem))
    next_cursor = fields.String(allow_none=True)
    total = fields.Integer(metadata={"description": "of the best candidates, 1,200 at most"})
    guessed = fields.Boolean(metadata={"description": "nothing has all words; these are near"})
    facets = fields.Nested(Facet)


class SuggestQuery(Schema):
    q = Words(load_default="", longest=10_000)


class Suggestions(Schema):
    items = fields.List(fields.String())
    hot = fields.List(fields.String())


class PageVisit(Schema):
    path = Words(required=True, longest=500, shortest=1)
    kind = fields.String(load_default="view", validate=validate.OneOf(KINDS[:2]))
    seconds = fields.Integer(load_default=0, validate=validate.Range(0, 86_400))
    referrer = Words(load_default="", longest=2000)
    campaign = Words(load_default="", longest=200)
    keyword = Words(load_default="", longest=200)


class PageVisits(Schema):
    face = fields.String(load_default="mini", validate=validate.OneOf(FACES))
    items = fields.List(
        fields.Nested(PageVisit), required=True, validate=validate.Length(1, _MOST_VIEWS)
    )


class Counted(Schema):
    accepted = fields.Integer()


@bp.get("/search")
@bp.doc(security=[])
@limited(OPEN_TO_ALL, by_address=True)
@bp.arguments(SearchQuery, location="query")
@bp.response(200, FoundPage)
def find_published(query: dict[str, Any]) -> dict[str, Any]:
    """Published goods, solutions, articles and open stores, the best first."""
    place = None if query["lat"] is None else (query["lat"], query["lng"])
    with current_context().database.unit_of_work(PUBLIC) as session:
        found = search(
            session,
            typed=query["q"],
            now=utc_now(),
            narrowed=Narrowed(
                kind=query["type"], city=query["city"], merchant_id=query["merchant"]
            ),
            limit=query["limit"],
            offset=query["offset"],
            place=place,
        )
    if query["offset"] == 0 and query["q"].strip():
        counter().note_search(query["q"], found=bool(found.items))
    return {
        "items": [{**asdict(one), "picture_url": _picture_url(one)} for one in found.items],
        "next_cursor": None,
        "total": found.total,
        "guessed": found.guessed,
        "facets": {"types": found.kinds, "cities": found.cities, "merchants": found.merchants},
    }


def _picture_url(one: Found) -> str | None:
    base = current_context().settings.public_base_url.rstrip("/")
    return None if one.picture is None else f"{base}/media/{one.picture}/320.webp"


@bp.get("/search/suggestions")
@bp.doc(security=[])
@limited(OPEN_TO_ALL, by_address=True)
@bp.arguments(SuggestQuery, location="query")
@bp.response(200, Suggestions)
def suggest_words(query: dict[str, Any]) -> dict[str, Any]:
    """Titles that what is typed may become, and what many look for."""
    with current_context().database.unit_of_work(PUBLIC) as session:
        return {
            "items": suggest(session, typed=query["q"]),
            "hot": hot_words(session, today=local_day(utc_now())),
        }


@bp.post("/page-views")
@bp.doc(security=[])
@limited(PAGE_VIEWS, by_address=True)
@bp.arguments(PageVisits)
@bp.response(202, Counted)
def take_page_views(body: dict[str, Any]) -> dict[str, Any]:
    """A batch of visits. When and whose they are is not believed from outside, nor asked."""
    _require_own_page()
    if not may_count():
        return {"accepted": 0}
    accepted = 0
    for item in body["items"]:
        if not note_visit(face=body["face"], **item):
            raise PageUnknown
        accepted += 1
    return {"accepted": accepted}


def _require_own_page() -> None:
    """A browser says where it comes from; another site's page must not count as ours.

    Raises:
        ForeignPage
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise ForeignPage
    origin = request.headers.get("Origin")
    ours = {request.host, urlsplit(current_context().settings.public_base_url).netloc}
    if origin and urlsplit(origin).netloc not in ours:
        raise ForeignPage
