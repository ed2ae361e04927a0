"""What search engines and people read: goods, solutions, articles, pages; and previews of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.core.actor import PUBLIC
from app.core.clock import utc_now
from app.core.errors import N_
from app.models.contents import ContentKind
from app.queries.publishing.contents import (
    ContentSeen,
    PageVersion,
    find_content,
    find_page,
    find_page_version,
    list_categories,
    list_contents,
    list_page_versions,
)
from app.queries.tenants.store_pages import StoreLine, list_store_lines
from app.site.caching import may_be_kept
from app.site.structured import article_data, goods_data
from app.web.context import current_context
from app.web.paging import read_cursor, write_cursor
from app.web.security import allow_written_styles

bp = Blueprint("site_content", __name__)

PAGE = 24


@dataclass(frozen=True)
class Section:
    """A list of the site: its kind, its addresses and what stands over it."""

    kind: ContentKind
    path: str
    title: str
    lead: str


SECTIONS = {
    ContentKind.goods: Section(
        ContentKind.goods, "goods", N_("Goods"), N_("What our merchants offer, with prices.")
    ),
    ContentKind.solution: Section(
        ContentKind.solution, "solutions", N_("Solutions"),
        N_("Cards and vouchers for companies, groups and shops."),
    ),
    ContentKind.article: Section(
        ContentKind.article, "articles", N_("Articles and news"),
        N_("How to use cards and vouchers, and what is new at the stores."),
    ),
}  # fmt: skip
_BY_PATH = {section.path: section for section in SECTIONS.values()}


@bp.get("/<any(goods, solutions, articles):path>/")
def show_list(path: str) -> ResponseReturnValue:
    """A section, whole or one category of it."""
    section = _BY_PATH[path]
    category = request.args.get("category", "")[:40].replace("\x00", "") or None
    after = read_cursor(request.args.get("cursor"), 2)
    with current_context().database.unit_of_work(PUBLIC) as session:
        items, last = list_contents(
            session,
            kind=section.kind,
            limit=PAGE,
            category=category,
            after=None if after is None else (after[0], after[1]),
        )
        categories = list_categories(session, kind=section.kind)
    if category and category not in categories:
        abort(404)
    more = (
        url_for("site_content.show_list", path=path, category=category, cursor=write_cursor(*last))
        if last
        else None
    )
    page = render_template(
        "site/contents.html",
        section=section,
        items=items,
        categories=categories,
        category=category,
        more=more,
        first=after is None,
    )
    return may_be_kept(page)


@bp.get("/<any(goods, solutions, articles):path>/<int:content_id>")
def show_item(path: str, content_id: int) -> ResponseReturnValue:
    section = _BY_PATH[path]
    if content_id >= 2**63:
        abort(404)
    with current_context().database.unit_of_work(PUBLIC) as session:
        item = find_content(session, kind=section.kind, content_id=content_id)
        if item is None:
            abort(404)
        stores = offering_stores(session, item)
        others, _ = list_contents(session, kind=section.kind, limit=4)
    return may_be_kept(item_page(item, stores, [one for one in others if one.id != item.id][:3]))


@bp.get("/<any(privacy, terms):slug>")
@bp.get("/pages/<string:slug>")
def show_page(slug: str) -> ResponseReturnValue:
    """A page by its name; privacy and terms stay readable as they stood."""
    number = request.args.get("version", "")
    with current_context().database.unit_of_work(PUBLIC) as session:
        item = find_page(session, slug[:40])
        if item is None:
            abort(404)
        versions = list_page_versions(session, item_id=item.id)
        old = None
        if number.isdecimal() and len(number) < 9:
            old = find_page_version(session, item_id=item.id, version_no=int(number))
        if number and old is None:
            abort(404)
    return may_be_kept(written_page(item, versions, old, shown=int(number) if old else None))


def offering_stores(session: Session, item: ContentSeen) -> list[StoreLine]:
    """Where goods are to be had; nothing else is offered at stores."""
    if item.kind is not ContentKind.goods:
        return []
    return list_store_lines(
        session, merchant_id=item.merchant_id, store_ids=item.store_ids, now=utc_now()
    )


def written_page(
    item: ContentSeen,
    versions: list[PageVersion],
    old: tuple[str, str, datetime] | None = None,
    *,
    shown: int | None = None,
    preview: bool = False,
) -> str:
    """A page as it stands, or as it stood in a former version."""
    allow_written_styles()
    newest = versions[0].published_at if versions else item.published_at
    return render_template(
        "site/page.html",
        item=item,
        title=old[0] if old else item.title,
        body=old[1] if old else item.body_html,
        since=old[2] if old else newest,
        versions=versions,
        shown=shown,
        preview=preview,
    )


def item_page(
    item: ContentSeen, stores: list[StoreLine], others: list[ContentSeen], *, preview: bool = False
) -> str:
    """The page of goods, a solution or an article."""
    allow_written_styles()
    data = goods_data(item) if item.kind is ContentKind.goods else article_data(item)
    return render_template(
        "site/content.html",
        item=item,
        section=SECTIONS.get(item.kind),
        stores=stores,
        others=others,
        preview=preview,
        data=data,
    )
