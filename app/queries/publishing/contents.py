"""What the public reads: goods, solutions, articles, banners, pages. Published content only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from app.models.contents import (
    ContentItem,
    ContentKind,
    ContentStatus,
    ContentVersion,
    MediaFile,
)
from app.models.tenants import Merchant, MerchantStatus, Store


@dataclass(frozen=True, kw_only=True)
class PictureSeen:
    """A picture of the library; ``key`` and ``extension`` make its addresses, sizes in pixels."""

    key: str
    extension: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class ContentSeen:
    """Something published, as a list shows it; ``body_html`` is empty there."""

    id: int
    kind: ContentKind
    slug: str | None
    title: str
    summary: str
    category: str
    city: str
    price_fen: int | None
    link_url: str
    store_ids: Sequence[int]
    merchant_id: int
    merchant: str
    cover: PictureSeen | None  # Else the first of the pictures.
    sort: int
    published_at: datetime
    updated_at: datetime
    body_html: str = ""
    picture_ids: Sequence[int] = ()
    pictures: Sequence[PictureSeen] = ()  # All of them, the cover first; empty in a list.


@dataclass(frozen=True, kw_only=True)
class PageVersion:
    """A version of a page that was public: privacy and terms as they stood then."""

    version_no: int
    published_at: datetime


_LISTED = (
    *(ContentItem.id, ContentItem.kind, ContentItem.slug, ContentItem.title, ContentItem.summary),
    *(ContentItem.category, ContentItem.city, ContentItem.price_fen, ContentItem.link_url),
    *(ContentItem.store_ids, ContentItem.merchant_id, ContentItem.sort, ContentItem.picture_ids),
    *(ContentItem.published_at, ContentItem.updated_at, Merchant.name.label("merchant")),
    *(MediaFile.key, MediaFile.extension, MediaFile.alt, MediaFile.width, MediaFile.height),
)
_VERSIONED = frozenset({"title", "summary", "category", "city", "price_fen", "link_url",
                        "store_ids", "picture_ids", "body_html"})  # fmt: skip
_PUBLIC = and_(
    ContentItem.status == ContentStatus.published, Merchant.status == MerchantStatus.active
)


def list_contents(
    session: Session,
    *,
    kind: ContentKind,
    limit: int,
    category: str | None = None,
    after: tuple[int, int] | None = None,
    offered_at: int | None = None,
    merchant_id: int | None = None,
    whole: bool = False,
) -> tuple[list[ContentSeen], tuple[int, int] | None]:
    """One page of a kind, in the order that editors gave it, the newest first among equals.

    Args:
        after: Place and id of the last one shown.
        offered_at: Only what this store offers, or all the stores of its merchant do.
        whole: With their texts.
    """
    query = _published(whole=whole).where(ContentItem.kind == kind)
    if category:
        query = query.where(ContentItem.category == category)
    if merchant_id is not None:
        query = query.where(ContentItem.merchant_id == merchant_id)
    if offered_at is not None:
        everywhere = func.cardinality(ContentItem.store_ids) == 0
        query = query.where(or_(ContentItem.store_ids.contains([offered_at]), everywhere))
    if after is not None:
        sort, last_id = after
        later = and_(ContentItem.sort == sort, ContentItem.id < last_id)
        query = query.where(or_(ContentItem.sort > sort, later))
    rows = session.execute(
        query.order_by(ContentItem.sort, ContentItem.id.desc()).limit(limit + 1)
    ).all()
    found = [_seen(row) for row in rows[:limit]]
    return found, (found[-1].sort, found[-1].id) if len(rows) > limit else None


def find_content(session: Session, *, kind: ContentKind, content_id: int) -> ContentSeen | None:
    """One published item with its text."""
    query = _published(whole=True).where(ContentItem.kind == kind, ContentItem.id == content_id)
    return _one(session, query)


def find_page(session: Session, slug: str) -> ContentSeen | None:
    return _one(session, _published(whole=True).where(ContentItem.slug == slug))


def find_store_page(session: Session, *, store_id: int) -> ContentSeen | None:
    """What a store says of itself, else what its merchant says of all its stores."""
    everywhere = func.cardinality(ContentItem.store_ids) == 0
    owner = select(Store.merchant_id).where(Store.id == store_id).scalar_subquery()
    query = _published(whole=True).where(
        ContentItem.kind == ContentKind.store,
        or_(
            ContentItem.store_ids.contains([store_id]),
            and_(everywhere, ContentItem.merchant_id == owner),
        ),
    )
    order = (everywhere, ContentItem.sort, ContentItem.id.desc())
    return _one(session, query.order_by(*order).limit(1))


def preview_content(session: Session, *, item_id: int, version_no: int) -> ContentSeen | None:
    """A version as it would be public now. For whoever holds a preview link, in any state."""
    columns = [
        ContentVersion.__table__.c[column.name] if column.name in _VERSIONED else column
        for column in (*_LISTED, ContentItem.body_html)
    ]
    row = session.execute(
        select(*columns, func.coalesce(ContentItem.published_at, ContentVersion.created_at))
        .join(ContentVersion, ContentVersion.item_id == ContentItem.id)
        .join(Merchant, Merchant.id == ContentItem.merchant_id)
        .outerjoin(MediaFile, MediaFile.id == _first_picture(ContentVersion))
        .where(ContentItem.id == item_id, ContentVersion.version_no == version_no)
    ).one_or_none()
    if row is None:
        return None
    named = {**row._mapping}
    named["published_at"] = named.pop("coalesce")
    return _with_pictures(session, _made(named))


def list_page_versions(session: Session, *, item_id: int) -> list[PageVersion]:
    """The versions of a page that were public, the newest first."""
    rows = session.execute(
        select(ContentVersion.version_no, ContentVersion.published_at)
        .where(ContentVersion.item_id == item_id, ContentVersion.published_at.is_not(None))
        .order_by(ContentVersion.version_no.desc())
    )
    return [PageVersion(version_no=row[0], published_at=row[1]) for row in rows if row[1]]


def find_page_version(
    session: Session, *, item_id: int, version_no: int
) -> tuple[str, str, datetime] | None:
    """Title, text and time of a page's version that was public."""
    row = session.execute(
        select(ContentVersion.title, ContentVersion.body_html, ContentVersion.published_at).where(
            ContentVersion.item_id == item_id,
            ContentVersion.version_no == version_no,
            ContentVersion.published_at.is_not(None),
        )
    ).one_or_none()
    return None if row is None or row[2] is None else (row[0], row[1], row[2])


def list_categories(session: Session, *, kind: ContentKind) -> list[str]:
    """The categories in which something is published, the fullest first."""
    found = session.scalars(
        select(ContentItem.category)
        .join(Merchant, Merchant.id == ContentItem.merchant_id)
        .where(_PUBLIC, ContentItem.kind == kind, ContentItem.category != "")
        .group_by(ContentItem.category)
        .order_by(func.count().desc(), ContentItem.category)
        .limit(20)
    )
    return list(found)


def _published(*, whole: bool = False) -> Select[Any]:
    columns = (*_LISTED, ContentItem.body_html) if whole else _LISTED
    return (
        select(*columns)
        .join(Merchant, Merchant.id == ContentItem.merchant_id)
        .outerjoin(MediaFile, MediaFile.id == _first_picture(ContentItem))
        .where(_PUBLIC)
    )


def _one(session: Session, query: Select[Any]) -> ContentSeen | None:
    row = session.execute(query).one_or_none()
    return None if row is None else _with_pictures(session, _seen(row))


def _first_picture(words: type[ContentItem] | type[ContentVersion]) -> ColumnElement[int | None]:
    return func.coalesce(words.cover_id, words.picture_ids[1])


def _with_pictures(session: Session, item: ContentSeen) -> ContentSeen:
    """With the pictures behind the cover, in their order, as far as they are in the library."""
    if not item.picture_ids:
        return replace(item, pictures=[item.cover] if item.cover else [])
    rows = session.execute(select(MediaFile).where(MediaFile.id.in_(item.picture_ids))).scalars()
    known = {row.id: row for row in rows}
    shown = [
        PictureSeen(key=one.key, extension=one.extension, alt=one.alt, width=one.width,
                    height=one.height)
        for pk in item.picture_ids if (one := known.get(pk)) is not None
    ]  # fmt: skip
    first = [item.cover] if item.cover and item.cover not in shown else []
    return replace(item, pictures=[*first, *shown])


def _seen(row: Row[Any]) -> ContentSeen:
    return _made(dict(row._mapping))


def _made(named: dict[str, Any]) -> ContentSeen:
    picture = {name: named.pop(name) for name in ("key", "extension", "alt", "width", "height")}
    cover = None if picture["key"] is None else PictureSeen(**picture)
    return ContentSeen(cover=cover, **named)
