"""Stores as the public site shows them: by city, and one with its hours and position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import opening_hours
from app.models.tenants import Merchant, MerchantStatus, Store, StoreStatus


@dataclass(frozen=True, kw_only=True)
class StoreLine:
    id: int
    name: str
    merchant: str
    city: str
    address: str
    phone: str
    open_now: bool


@dataclass(frozen=True, kw_only=True)
class StorePage:
    """One store; ``hours`` as days, opening and closing; coordinates in GCJ-02 degrees."""

    id: int
    merchant_id: int
    name: str
    merchant: str
    city: str
    address: str
    phone: str
    lat: float | None
    lng: float | None
    hours: Sequence[tuple[str, str, str]]
    open_now: bool


_OPEN = (Store.status == StoreStatus.open, Merchant.status == MerchantStatus.active)


def list_cities(session: Session) -> list[tuple[str, int]]:
    """Cities with open stores and how many, the most first."""
    rows = session.execute(
        select(Store.city, func.count())
        .join(Merchant, Merchant.id == Store.merchant_id)
        .where(*_OPEN, Store.city != "")
        .group_by(Store.city)
        .order_by(func.count().desc(), Store.city)
    )
    return [(row[0], row[1]) for row in rows]


def list_stores_of_city(
    session: Session, *, city: str | None, after_id: int, limit: int, now: datetime
) -> tuple[list[StoreLine], int | None]:
    """One page of open stores; with the last one's id when there are more."""
    query = (
        select(Store, Merchant.name)
        .join(Merchant, Merchant.id == Store.merchant_id)
        .where(*_OPEN, Store.id > after_id)
    )
    if city:
        query = query.where(Store.city == city)
    rows = session.execute(query.order_by(Store.id).limit(limit + 1)).all()
    found = [_line(store, merchant, now) for store, merchant in rows[:limit]]
    return found, found[-1].id if len(rows) > limit else None


def list_store_lines(
    session: Session, *, merchant_id: int, store_ids: Sequence[int], now: datetime, limit: int = 20
) -> list[StoreLine]:
    """The stores that offer something: those named, or all of its merchant's."""
    query = (
        select(Store, Merchant.name)
        .join(Merchant, Merchant.id == Store.merchant_id)
        .where(*_OPEN)
        .order_by(Store.id)
        .limit(limit)
    )
    chosen = Store.id.in_(store_ids) if store_ids else Store.merchant_id == merchant_id
    return [_line(store, name, now) for store, name in session.execute(query.where(chosen))]


def find_store_facts(session: Session, store_id: int, *, now: datetime) -> StorePage | None:
    row = session.execute(
        select(Store, Merchant.name)
        .join(Merchant, Merchant.id == Store.merchant_id)
        .where(*_OPEN, Store.id == store_id)
    ).one_or_none()
    if row is None:
        return None
    store, merchant = row
    return StorePage(
        id=store.id,
        merchant_id=store.merchant_id,
        name=store.name,
        merchant=merchant,
        city=store.city,
        address=store.address,
        phone=store.phone,
        lat=store.lat,
        lng=store.lng,
        hours=[(span[0], span[1], span[2]) for span in store.hours],
        open_now=opening_hours.is_open(opening_hours.read(store.hours), now),
    )


def _line(store: Store, merchant: str, now: datetime) -> StoreLine:
    return StoreLine(
        id=store.id,
        name=store.name,
        merchant=merchant,
        city=store.city,
        address=store.address,
        phone=store.phone,
        open_now=opening_hours.is_open(opening_hours.read(store.hours), now),
    )
