"""Stores near the member, and the store behind a scanned code."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from marshmallow import Schema, fields

from app.api import schemas
from app.api.blueprint import bp
from app.api.contents import Cover, shape_content
from app.core.actor import PUBLIC
from app.core.clock import utc_now
from app.queries.publishing.contents import find_store_page
from app.queries.tenants.store_pages import list_cities
from app.queries.tenants.stores import find_pay_point, list_stores
from app.services.refusals import PayPointNotFound
from app.services.tenants.merchants import StoreNotFound
from app.web.auth import optional_actor
from app.web.context import current_context
from app.web.limits import OPEN_TO_ALL, limited
from app.web.paging import page, read_cursor, write_cursor


class StorePage(Schema):
    summary = fields.String()
    body_html = fields.String(metadata={"description": "sanitised, for rich text"})
    cover = fields.Nested(Cover, allow_none=True)


class StoreWhole(schemas.Store):
    page = fields.Nested(
        StorePage, allow_none=True, metadata={"description": "what it says of itself"}
    )


@bp.get("/stores")
@bp.doc(security=[])
@limited(OPEN_TO_ALL, by_address=True)
@bp.arguments(schemas.StoreQuery, location="query")
@bp.response(200, schemas.Stores)
def find_stores(query: dict[str, Any]) -> dict[str, Any]:
    """Open stores, nearest first when lat and lng (GCJ-02) are given."""
    actor = optional_actor() or PUBLIC
    after = read_cursor(query["cursor"], 2)
    with current_context().database.unit_of_work(actor) as session:
        stores, last = list_stores(
            session,
            now=utc_now(),
            lat=query["lat"],
            lng=query["lng"],
            q=query["q"],
            city=query["city"],
            limit=query["limit"],
            after=None if after is None else (after[0], after[1]),
            member=actor.member_id is not None,
            open_only=query["open_now"],
            mine_only=query["accepts_my_cards"],
        )
    return page(stores, None if last is None else write_cursor(*last))


@bp.get("/cities")
@bp.doc(security=[])
@limited(OPEN_TO_ALL, by_address=True)
@bp.response(200, schemas.Cities)
def show_cities() -> dict[str, Any]:
    """Cities with open stores, for whoever does not say where they are; most stores first."""
    with current_context().database.unit_of_work(PUBLIC) as session:
        found = list_cities(session)
    return page([{"name": name, "stores": count} for name, count in found], None)


@bp.get("/stores/<int:store_id>")
@bp.doc(security=[])
@limited(OPEN_TO_ALL, by_address=True)
@bp.arguments(schemas.Position, location="query")
@bp.response(200, StoreWhole)
def show_store(query: dict[str, Any], store_id: int) -> dict[str, Any]:
    """One open store, with its distance when lat and lng (GCJ-02) are given."""
    actor = optional_actor() or PUBLIC
    with current_context().database.unit_of_work(actor) as session:
        stores, _ = list_stores(
            session,
            now=utc_now(),
            lat=query["lat"],
            lng=query["lng"],
            q=None,
            limit=1,
            after=None,
            member=actor.member_id is not None,
            store_id=min(store_id, 2**62),
        )
    if not stores:
        raise StoreNotFound
    with current_context().database.unit_of_work(PUBLIC) as session:
        own = find_store_page(session, store_id=stores[0].id)
    return {**asdict(stores[0]), "page": None if own is None else shape_content(own)}


@bp.get("/pay-points/<string:token>")
@bp.doc(security=[])
@limited(OPEN_TO_ALL, by_address=True)
@bp.response(200, schemas.PayPoint)
def show_pay_point(token: str) -> dict[str, Any]:
    """The store behind a scanned QR."""
    with current_context().database.unit_of_work(PUBLIC) as session:
        seen = find_pay_point(session, token[:100])
    if seen is None:
        raise PayPointNotFound
    return {
        "token": seen.token,
        "store": {"id": str(seen.store_id), "name": seen.store_name},
        "merchant": seen.merchant_name,
        "open": seen.open,
    }
