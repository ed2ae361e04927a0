"""What is not public yet, or not in this version, on the very page where it will stand."""

from __future__ import annotations

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue

from app.core.actor import PUBLIC
from app.core.clock import utc_now
from app.flows.publishing.previewing import read_preview
from app.models.contents import ContentKind
from app.queries.publishing.contents import ContentSeen
from app.queries.tenants.store_pages import list_store_lines
from app.site.caching import keep_private
from app.site.contents import item_page, offering_stores, written_page
from app.site.pages import home_page
from app.site.stores import store_page
from app.web.context import current_context

bp = Blueprint("site_previews", __name__)


@bp.get("/preview/<string:token>")
def show_preview(token: str) -> ResponseReturnValue:
    """A version that may not be public yet, for whoever has the link."""
    return keep_private(_page_of(read_preview(current_context(), token)))


def _page_of(item: ContentSeen) -> str:
    if item.kind in {ContentKind.banner, ContentKind.block}:
        return home_page(previewed=item)
    if item.kind is ContentKind.page:
        return written_page(item, [], preview=True)
    with current_context().database.unit_of_work(PUBLIC) as session:
        if item.kind is not ContentKind.store:
            return item_page(item, offering_stores(session, item), [], preview=True)
        stores = list_store_lines(
            session, merchant_id=item.merchant_id, store_ids=item.store_ids, now=utc_now(), limit=1
        )
    page = store_page(stores[0].id, previewed=item) if stores else None
    if page is None:  # No store of it is open: it would stand nowhere.
        abort(404)
    return page
