"""The stores' public pages: by city, and one with hours, pictures and the way there."""

from __future__ import annotations

import re
from urllib.parse import quote

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app.core.actor import PUBLIC
from app.core.clock import utc_now
from app.core.coordinates import CoordinateSystem, read_position, to_gcj02
from app.core.errors import N_
from app.models.contents import ContentKind
from app.queries.publishing.contents import ContentSeen, find_store_page, list_contents
from app.queries.tenants.store_pages import (
    StorePage,
    find_store_facts,
    list_cities,
    list_stores_of_city,
)
from app.queries.tenants.stores import list_stores
from app.site.caching import keep_private, may_be_kept
from app.site.structured import store_data
from app.web.context import current_context
from app.web.security import allow_written_styles

bp = Blueprint("site_stores", __name__)

PAGE = 60
NEAREST = 30
_CURSOR = re.compile(r"([0-9]{1,9})-([0-9]{1,18})")
_DAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))
_WHOLE_WEEK = "1234567"


@bp.get("/stores/")
def show_stores() -> ResponseReturnValue:
    city = request.args.get("city", "")[:40].replace("\x00", "") or None
    typed = request.args.get("after", "")
    after = int(typed) if typed.isdecimal() and len(typed) < 19 else 0
    with current_context().database.unit_of_work(PUBLIC) as session:
        cities = list_cities(session)
        stores, last = list_stores_of_city(
            session, city=city, after_id=after, limit=PAGE, now=utc_now()
        )
    if city and city not in dict(cities):
        abort(404)
    more = url_for("site_stores.show_stores", city=city, after=last) if last else None
    page = render_template(
        "site/stores.html", stores=stores, cities=cities, city=city, more=more, first=not after
    )
    return may_be_kept(page)


@bp.get("/stores/near")
def show_nearest() -> ResponseReturnValue:
    """The stores around a visitor, whose browser has said where (``at``, WGS-84 degrees).

    The position is of about a hundred metres, and the page is kept by nobody: it is the visitor's.
    """
    typed = request.args.get("at", "")[:60]
    position = read_position(typed)
    if position is None:
        return redirect(url_for("site_stores.show_stores"))
    here = to_gcj02(position, CoordinateSystem.wgs84)
    open_only = request.args.get("open") == "1"
    after = _CURSOR.fullmatch(request.args.get("after", ""))
    with current_context().database.unit_of_work(PUBLIC) as session:
        cities = list_cities(session)
        stores, last = list_stores(
            session,
            now=utc_now(),
            lat=here.lat,
            lng=here.lng,
            q=None,
            limit=NEAREST,
            after=None if after is None else (int(after[1]), int(after[2])),
            member=False,
            open_only=open_only,
        )
    asked = {"at": typed, "open": 1 if open_only else None}
    page = render_template(
        "site/stores_near.html",
        stores=stores,
        cities=cities,
        at=typed,
        open_only=open_only,
        more=last and url_for("site_stores.show_nearest", after=f"{last[0]}-{last[1]}", **asked),
    )
    return keep_private(page)


@bp.get("/stores/<int:store_id>")
def show_store(store_id: int) -> ResponseReturnValue:
    if store_id >= 2**63:
        abort(404)
    page = store_page(store_id)
    if page is None:
        abort(404)
    return may_be_kept(page)


def store_page(store_id: int, *, previewed: ContentSeen | None = None) -> str | None:
    """A store's page, with words of its own that are not public yet; None when it is not open."""
    with current_context().database.unit_of_work(PUBLIC) as session:
        store = find_store_facts(session, store_id, now=utc_now())
        if store is None:
            return None
        own = previewed or find_store_page(session, store_id=store_id)
        goods, _ = list_contents(session, kind=ContentKind.goods, limit=6, offered_at=store_id,
                                 merchant_id=store.merchant_id)  # fmt: skip
    allow_written_styles()
    return render_template(
        "site/store.html",
        store=store,
        own=own,
        goods=goods,
        hours=[(_days(days), f"{opens}–{closes}") for days, opens, closes in store.hours],
        map_url=_map_url(store),
        data=store_data(store, own),
        preview=previewed is not None,
    )


def _days(days: str) -> str:
    if days == _WHOLE_WEEK:
        return gettext("Every day")
    return "、".join(gettext(_DAYS[int(day) - 1]) for day in days)


def _map_url(store: StorePage) -> str | None:
    """The way there in the map of the visitor's phone; nothing is asked of it before the click."""
    if store.lat is None or store.lng is None:
        return None
    return (
        f"https://uri.amap.com/marker?position={store.lng},{store.lat}"
        f"&name={quote(store.name)}&coordinate=gaode&callnative=0"
    )
