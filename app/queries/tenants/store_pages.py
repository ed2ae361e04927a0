"""Stores as the public site shows them: by city, and one with its hours and position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.core.clock import local_day
from app.models.tenants import Merchant, MerchantStatus, Store, StoreSpecialDay, StoreStatus
from app.queries.tenants.stores import SOON_DAYS, SpecialDaySeen


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
    special_days: Sequence[SpecialDaySeen]


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
        select(Store, Merchant.name, _is_open(now))
        .join(Merchant, Merchant.id == Store.merchant_id)
        .where(*_OPEN, Store.id > after_id)
    )
    if city:
        query = query.where(Store.city == city)
    rows = session.execute(query.order_by(Store.id).limit(limit + 1)).all()
    found = [_line(store, merchant, is_open) for store, merchant, is_open in rows[:limit]]
    return found, found[-1].id if len(rows) > limit else None


def list_store_lines(
    session: Session, *, merchant_id: int, store_ids: Sequence[int], now: datetime, limit: int = 20
) -> list[StoreLine]:
    """The stores that offer something: those named, or all of its merchant's."""
    query = (
        select(Store, Merchant.name, _is_open(now))
        .join(Merchant, Merchant.id == Store.merchant_id)
        .where(*_OPEN)
        .order_by(Store.id)
        .limit(limit)
    )
    chosen = Store.id.in_(store_ids) if store_ids else Store.merchant_id == merchant_id
    rows = session.execute(query.where(chosen)).all()
    return [_line(store, name, is_open) for store, name, is_open in rows]


def find_store_facts(session: Session, store_id: int, *, now: datetime) -> StorePage | None:
    row = session.execute(
        select(Store, Merchant.name, _is_open(now))
        .join(Merchant, Merchant.id == Store.merchant_id)
        .where(*_OPEN, Store.id == store_id)
    ).one_or_none()
    if row is None:
        return None
    store, merchant, is_open = row
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
        open_now=is_open,
        special_days=_special_days(session, store_id, now),
    )


def _is_open(now: datetime) -> ColumnElement[bool]:
    return func.kaquan.is_store_open(Store.id, Store.hours, now)


def _special_days(session: Session, store_id: int, now: datetime) -> list[SpecialDaySeen]:
    today = local_day(now)
    found = session.scalars(
        select(StoreSpecialDay)
        .where(
            StoreSpecialDay.store_id == store_id,
            StoreSpecialDay.last_on >= today,
            StoreSpecialDay.first_on < today + timedelta(days=SOON_DAYS),
        )
        .order_by(StoreSpecialDay.first_on)
    )
    return [
        SpecialDaySeen(
            first_on=day.first_on,
            last_on=day.last_on,
            opens_at=day.opens,
            closes_at=day.closes,
            note=day.note,
        )
        for day in found
    ]


def _line(store: Store, merchant: str, is_open: bool) -> StoreLine:  # noqa: FBT001 - a column
    return StoreLine(
        id=store.id,
        name=store.name,
        merchant=merchant,
        city=store.city,
        address=store.address,
        phone=store.phone,
        open_now=is_open,
    )
