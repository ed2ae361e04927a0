"""Merchants, their stores and the QR codes on their counters, as the operator sets them up."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.core.money import BASIS
from app.models.tenants import Merchant, MerchantStatus, PayPoint, Store, StoreStatus
from app.services import journal

_TOKEN_BYTES = 16  # 22 characters in base64url: nobody finds a counter by guessing.


class MerchantCodeTaken(DomainError):
    code = "merchant_code_taken"
    category = Category.CONFLICT
    template = N_("There is a merchant with this code already. Please choose another code.")


class StoreCodeTaken(DomainError):
    code = "store_code_taken"
    category = Category.CONFLICT
    template = N_("This merchant has a store with this code already. Please choose another code.")


class MerchantNotFound(DomainError):
    code = "merchant_not_found"
    category = Category.NOT_FOUND
    template = N_("No such merchant.")


class StoreNotFound(DomainError):
    code = "store_not_found"
    category = Category.NOT_FOUND
    template = N_("No such store.")


class CommissionOutOfRange(DomainError):
    code = "commission_out_of_range"
    category = Category.INVALID
    template = N_("A commission is between 0 and 100 percent.")


@dataclass(frozen=True, kw_only=True)
class StorePlace:
    """Where a store is and when it is open. Coordinates are GCJ-02; no hours: always open."""

    address: str = ""
    city: str = ""
    phone: str = ""
    lat: float | None = None
    lng: float | None = None
    opens_at: time | None = None
    closes_at: time | None = None


def create_merchant(
    session: Session, *, code: str, name: str, commission_bp: int, actor: Actor
) -> Merchant:
    """Take a merchant on, trading from now on at this rate of commission.

    Raises:
        MerchantCodeTaken, CommissionOutOfRange
    """
    if session.scalar(select(Merchant.id).where(Merchant.code == code)) is not None:
        raise MerchantCodeTaken
    _require_rate(commission_bp)
    merchant = Merchant(code=code, name=name, commission_bp=commission_bp)
    session.add(merchant)
    session.flush()
    journal.audit(
        session,
        "merchant.created",
        actor=actor,
        subject_id=merchant.id,
        merchant_id=merchant.id,
        detail={"commission_bp": commission_bp},
    )
    return merchant


def add_store(
    session: Session, *, merchant_id: int, code: str, name: str, place: StorePlace, actor: Actor
) -> tuple[Store, PayPoint]:
    """Open a store with its first pay point.

    Raises:
        StoreCodeTaken: Codes are unique within the merchant.
    """
    taken = select(Store.id).where(Store.merchant_id == merchant_id, Store.code == code)
    if session.scalar(taken) is not None:
        raise StoreCodeTaken
    store = Store(
        merchant_id=merchant_id,
        code=code,
        name=name,
        address=place.address,
        city=place.city,
        phone=place.phone,
        lat=place.lat,
        lng=place.lng,
        opens_at=place.opens_at,
        closes_at=place.closes_at,
    )
    session.add(store)
    session.flush()
    pay_point = add_pay_point(session, store=store, name="", actor=actor)
    journal.audit(
        session,
        "store.added",
        actor=actor,
        subject_id=store.id,
        merchant_id=merchant_id,
        store_id=store.id,
    )
    return store, pay_point


def add_pay_point(session: Session, *, store: Store, name: str, actor: Actor) -> PayPoint:
    """One more QR code on a store's counters. Its token is public and never changes."""
    pay_point = PayPoint(
        merchant_id=store.merchant_id,
        store_id=store.id,
        token=secrets.token_urlsafe(_TOKEN_BYTES),
        name=name,
    )
    session.add(pay_point)
    session.flush()
    journal.audit(
        session,
        "pay_point.added",
        actor=actor,
        subject_id=pay_point.id,
        merchant_id=store.merchant_id,
        store_id=store.id,
    )
    return pay_point


def set_merchant_status(
    session: Session, *, merchant_id: int, status: MerchantStatus, reason: str, actor: Actor
) -> Merchant:
    """Freeze a merchant (its stores take nothing, its staff cannot sign in), or let it trade."""
    merchant = session.get(Merchant, merchant_id, with_for_update={"key_share": True})
    if merchant is None:
        raise MerchantNotFound
    merchant.status = status
    journal.audit(
        session,
        f"merchant.{status.name}",
        actor=actor,
        subject_id=merchant_id,
        merchant_id=merchant_id,
        detail={"reason": reason},
    )
    return merchant


def set_commission(
    session: Session, *, merchant_id: int, commission_bp: int, actor: Actor
) -> Merchant:
    """Change the rate for payments from now on; what was paid keeps the rate of its moment."""
    _require_rate(commission_bp)
    merchant = session.get(Merchant, merchant_id, with_for_update={"key_share": True})
    if merchant is None:
        raise MerchantNotFound
    before, merchant.commission_bp = merchant.commission_bp, commission_bp
    journal.audit(
        session,
        "merchant.commission",
        actor=actor,
        subject_id=merchant_id,
        merchant_id=merchant_id,
        detail={"before_bp": before, "after_bp": commission_bp},
    )
    return merchant


def set_store_status(
    session: Session, *, store_id: int, status: StoreStatus, reason: str, actor: Actor
) -> Store:
    """Close a store, for good or for now, or open it again."""
    store = session.get(Store, store_id, with_for_update={"key_share": True})
    if store is None:
        raise StoreNotFound
    store.status = status
    journal.audit(
        session,
        f"store.{status.name}",
        actor=actor,
        subject_id=store_id,
        merchant_id=store.merchant_id,
        store_id=store_id,
        detail={"reason": reason},
    )
    return store


def _require_rate(commission_bp: int) -> None:
    if not 0 <= commission_bp <= BASIS:
        raise CommissionOutOfRange
