"""Merchants, their stores and the QR codes on their counters, as the operator sets them up."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, fields
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.coordinates import CoordinateSystem
from app.core.errors import N_, Category, DomainError
from app.core.money import BASIS
from app.core.opening_hours import OpenSpan, written
from app.models.tenants import (
    Merchant,
    MerchantKind,
    MerchantPapers,
    MerchantStatus,
    PayPoint,
    PayPointStatus,
    SettlementCycle,
    Store,
    StoreStatus,
)
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


class PayPointRetired(DomainError):
    code = "pay_point_retired"
    category = Category.CONFLICT
    template = N_("This pay point is out of use already.")


class CommissionOutOfRange(DomainError):
    code = "commission_out_of_range"
    category = Category.INVALID
    template = N_("A commission is between 0 and 100 percent.")


@dataclass(frozen=True, kw_only=True)
class StorePlace:
    """Where a store is and when it is open. Coordinates are GCJ-02; no hours: always open.

    ``coordinate_source`` is the system in which they were given, before they were converted.
    """

    address: str = ""
    city: str = ""
    phone: str = ""
    lat: float | None = None
    lng: float | None = None
    coordinate_source: CoordinateSystem = CoordinateSystem.gcj02
    hours: tuple[OpenSpan, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MerchantTerms:
    """What the operator and a merchant have agreed: the rate, and when it is paid out (T+n)."""

    name: str
    commission_bp: int
    settlement_cycle: SettlementCycle = SettlementCycle.monthly
    settlement_days: int = 1


@dataclass(frozen=True, kw_only=True)
class Papers:
    """A merchant's licence and filing (备案), with the last day of each (none: for good)."""

    licence_no: str = ""
    licence_expires_on: date | None = None
    filing_no: str = ""
    filing_expires_on: date | None = None
    contact_name: str = ""
    contact_phone: str = ""


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


def edit_merchant(
    session: Session, *, merchant_id: int, terms: MerchantTerms, papers: Papers, actor: Actor
) -> Merchant:
    """Write down other terms and papers. The rate is for payments from now on.

    Raises:
        MerchantNotFound, CommissionOutOfRange
    """
    merchant = _lock_merchant(session, merchant_id)
    if terms.commission_bp != merchant.commission_bp:
        set_commission(
            session, merchant_id=merchant_id, commission_bp=terms.commission_bp, actor=actor
        )
    changed = _set_all(merchant, terms) | write_papers(session, merchant_id, papers)
    if changed:
        journal.audit(
            session,
            "merchant.edited",
            actor=actor,
            subject_id=merchant_id,
            merchant_id=merchant_id,
            detail={"changed": sorted(changed)},
        )
    return merchant


def write_papers(session: Session, merchant_id: int, papers: Papers) -> set[str]:
    """Keep a merchant's papers; which of them are others than before."""
    kept = session.get(MerchantPapers, merchant_id)
    if kept is None:
        kept = MerchantPapers(merchant_id=merchant_id)
        session.add(kept)
        session.flush()
    return _set_all(kept, papers)


def add_store(
    session: Session,
    *,
    merchant_id: int,
    code: str,
    name: str,
    place: StorePlace,
    strict_tills: bool = False,
    actor: Actor,
) -> tuple[Store, PayPoint]:
    """Open a store with its first pay point.

    Args:
        strict_tills: It begins with both till rules on: money on enrolled terminals only, cash
            within an open shift only. Its manager may change either.

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
        shift_required=strict_tills,
        terminal_required=strict_tills,
    )
    _set_place(store, place)
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


def edit_store(
    session: Session, *, store_id: int, name: str, place: StorePlace, actor: Actor
) -> Store:
    """Write down another name, place or other hours of a store. Its code and QR codes stay."""
    store = _lock_store(session, store_id)
    before = (store.name, store.lat, store.lng, store.hours)
    store.name = name
    _set_place(store, place)
    journal.audit(
        session,
        "store.edited",
        actor=actor,
        subject_id=store_id,
        merchant_id=store.merchant_id,
        store_id=store_id,
        detail={"name": before[0], "lat": before[1], "lng": before[2], "hours": before[3]},
    )
    return store


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


def rename_pay_point(session: Session, *, pay_point_id: int, name: str, actor: Actor) -> PayPoint:
    """Call a pay point something else: the till beside it, the table it stands on."""
    pay_point = _lock_pay_point(session, pay_point_id)
    before, pay_point.name = pay_point.name, name
    _audit_pay_point(session, "pay_point.renamed", pay_point, actor, {"before": before})
    return pay_point


def retire_pay_point(session: Session, *, pay_point_id: int, reason: str, actor: Actor) -> PayPoint:
    """Take a QR code out of use for good: whoever scans it is told so. Its payments stay."""
    pay_point = _lock_pay_point(session, pay_point_id)
    if pay_point.status is PayPointStatus.retired:
        raise PayPointRetired
    pay_point.status = PayPointStatus.retired
    _audit_pay_point(session, "pay_point.retired", pay_point, actor, {"reason": reason})
    return pay_point


def set_merchant_status(
    session: Session, *, merchant_id: int, status: MerchantStatus, reason: str, actor: Actor
) -> Merchant:
    """Freeze a merchant (its stores take nothing, its staff cannot sign in), or let it trade."""
    merchant = _lock_merchant(session, merchant_id)
    if merchant.kind is MerchantKind.operator:
        raise MerchantNotFound
    if merchant.status is status:
        return merchant  # Asked for twice.
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
    merchant = _lock_merchant(session, merchant_id)
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
    store = _lock_store(session, store_id)
    if store.status is status:
        return store  # Asked for twice.
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


def _lock_merchant(session: Session, merchant_id: int) -> Merchant:
    merchant = session.get(Merchant, merchant_id, with_for_update={"key_share": True})
    if merchant is None:
        raise MerchantNotFound
    return merchant


def _lock_store(session: Session, store_id: int) -> Store:
    store = session.get(Store, store_id, with_for_update={"key_share": True})
    if store is None:
        raise StoreNotFound
    return store


def _lock_pay_point(session: Session, pay_point_id: int) -> PayPoint:
    pay_point = session.get(PayPoint, pay_point_id, with_for_update={"key_share": True})
    assert pay_point is not None, "whoever names it has seen it"
    return pay_point


def _audit_pay_point(
    session: Session, action: str, pay_point: PayPoint, actor: Actor, detail: dict[str, object]
) -> None:
    journal.audit(
        session,
        action,
        actor=actor,
        subject_id=pay_point.id,
        merchant_id=pay_point.merchant_id,
        store_id=pay_point.store_id,
        detail=detail,
    )


def _set_place(store: Store, place: StorePlace) -> None:
    store.address, store.city, store.phone = place.address, place.city, place.phone
    store.lat, store.lng = place.lat, place.lng
    store.coordinate_source = place.coordinate_source
    store.hours = written(place.hours)


def _set_all(row: Merchant | MerchantPapers, wanted: MerchantTerms | Papers) -> set[str]:
    """Set the columns named as the fields; which of them had another value."""
    changed = set()
    for field in fields(wanted):
        value = getattr(wanted, field.name)
        if getattr(row, field.name) != value:
            setattr(row, field.name, value)
            changed.add(field.name)
    return changed


def _require_rate(commission_bp: int) -> None:
    if not 0 <= commission_bp <= BASIS:
        raise CommissionOutOfRange
