"""Pages that search engines may find: what is published and which stores are open, by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.models.contents import ContentItem, ContentKind, ContentStatus
from app.models.tenants import Merchant, MerchantStatus, Store, StoreStatus

_KINDS = (ContentKind.goods, ContentKind.solution, ContentKind.article, ContentKind.page)


@dataclass(frozen=True, kw_only=True)
class Address:
    """Something published that has a page of its own. Only pages have a slug."""

    kind: ContentKind
    id: int
    slug: str | None
    updated_at: datetime


def list_content_addresses(session: Session, *, after_id: int, limit: int) -> list[Address]:
    query = _contents(
        select(ContentItem.kind, ContentItem.id, ContentItem.slug, ContentItem.updated_at)
    )
    rows = session.execute(
        query.where(ContentItem.id > after_id).order_by(ContentItem.id).limit(limit)
    )
    return [Address(kind=row[0], id=row[1], slug=row[2], updated_at=row[3]) for row in rows]


def list_store_ids(session: Session, *, after_id: int, limit: int) -> list[int]:
    query = _stores(select(Store.id)).where(Store.id > after_id)
    return list(session.scalars(query.order_by(Store.id).limit(limit)))


def find_content_breaks(session: Session, *, every: int) -> Sequence[int]:
    """After which ids a list of what is published is cut, so that no part has more than ``every``.

    The first part begins after 0; without anything published there is no part at all.
    """
    return _breaks(session, _contents(_numbered(ContentItem.id)), every)


def find_store_breaks(session: Session, *, every: int) -> Sequence[int]:
    """As find_content_breaks, for open stores."""
    return _breaks(session, _stores(_numbered(Store.id)), every)


def _contents(query: Any) -> Select[Any]:
    narrowed: Select[Any] = query.join(Merchant, Merchant.id == ContentItem.merchant_id).where(
        ContentItem.status == ContentStatus.published,
        Merchant.status == MerchantStatus.active,
        ContentItem.kind.in_(_KINDS),
    )
    return narrowed


def _stores(query: Select[Any]) -> Select[Any]:
    return query.join(Merchant, Merchant.id == Store.merchant_id).where(
        Store.status == StoreStatus.open, Merchant.status == MerchantStatus.active
    )


def _numbered(pk: InstrumentedAttribute[int]) -> Select[Any]:
    number = func.row_number().over(order_by=pk)
    return select(func.lag(pk, 1, 0).over(order_by=pk).label("before"), number.label("number"))


def _breaks(session: Session, numbered: Select[Any], every: int) -> Sequence[int]:
    rows = numbered.subquery()
    first_of_part = select(rows.c.before).where((rows.c.number - 1) % every == 0)
    return list(session.scalars(first_of_part.order_by(rows.c.number)))
