"""Demo data: a small world that strangers and scripts can use at once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import PLATFORM_ROLES, SYSTEM, Actor, Role, Scope
from app.core.demo import DEMO_ACCOUNTS
from app.core.keys import Keys
from app.models.base import OPERATOR_ID
from app.models.cards import CardProgram
from app.models.people import Staff
from app.models.tenants import Merchant, MerchantKind, MerchantStatus, Store
from app.models.vouchers import BatchKind
from app.services.batches import (
    Acceptance,
    BatchTerms,
    approve_batch,
    create_batch,
    generate_vouchers,
)
from app.services.merchants import MerchantNotFound, StorePlace, add_store, create_merchant
from app.services.programs import ProgramRules, allow_own_programs, create_program
from app.services.staff import STORE_ROLES, add_staff
from app.services.voucher_sales import SaleSettlement, activate_vouchers, settle_voucher_sales

COMMISSION_BP = 60
TIERS = {300_00: 60_00, 100_00: 10_00}  # 充300送60，充100送10
CITY = "成都"


@dataclass(frozen=True, kw_only=True)
class _Shop:
    code: str
    name: str
    address: str
    lat: float
    lng: float


@dataclass(frozen=True, kw_only=True)
class _Business:
    code: str
    name: str
    card_name: str
    shops: tuple[_Shop, ...]


# Coordinates are GCJ-02, as the map of the mini-program wants them.
_BUSINESSES = (
    _Business(
        code="merchant1",
        name="老街面馆",
        card_name="老街面馆储值卡",
        shops=(
            _Shop(code="chunxi", name="老街面馆（春熙路店）", address="锦江区春熙路南段8号",
                  lat=30.655822, lng=104.080989),
            _Shop(code="kuanzhai", name="老街面馆（宽窄巷子店）", address="青羊区长顺上街127号",
                  lat=30.669582, lng=104.056178),
        ),
    ),
    _Business(
        code="merchant2",
        name="春风超市",
        card_name="春风超市购物卡",
        shops=(
            _Shop(code="tianfu", name="春风超市（天府广场店）", address="青羊区人民南路一段86号",
                  lat=30.657689, lng=104.065861),
            _Shop(code="jinsha", name="春风超市（金沙店）", address="青羊区金沙遗址路2号",
                  lat=30.682437, lng=104.012583),
        ),
    ),
)  # fmt: skip


def is_empty(session: Session) -> bool:
    """Whether there is nobody here yet: no merchant but the operator, and no staff."""
    merchant = session.scalar(select(Merchant.id).where(Merchant.kind == MerchantKind.merchant))
    return merchant is None and session.scalar(select(Staff.id).limit(1)) is None


def seed_demo(session: Session, *, password: str, now: datetime) -> None:
    """Make the demo's merchants, stores, card programs and accounts. A second time does nothing."""
    known = select(Merchant.id).where(Merchant.code == _BUSINESSES[0].code)
    if session.scalar(known) is not None:
        return
    first_stores = {business.code: _make_business(session, business) for business in _BUSINESSES}
    create_program(
        session,
        issuer_id=OPERATOR_ID,
        code="group",
        name="通用储值卡",
        accepted_by=[store.merchant_id for store in first_stores.values()],
        tiers=TIERS,
        rules=ProgramRules(),
        is_default=True,
        actor=SYSTEM,
    )
    _make_accounts(session, first_stores, password)


def make_demo_voucher_codes(
    session: Session,
    *,
    merchant_code: str | None,
    count: int,
    face_value_fen: int,
    kind: str,
    keys: Keys,
    now: datetime,
) -> list[str]:
    """Fresh active codes of a batch that is sold and paid for, so a top-up code is principal.

    Args:
        merchant_code: The issuer. A top-up code goes to its own program; None: the group program,
            and a voucher that every merchant redeems.
        kind: ``payment`` or ``topup``.
    """
    issuer_id = _issuer_id(session, merchant_code)
    batch_kind = BatchKind[kind]
    maker, approver = _two_people(session)
    terms = BatchTerms(
        kind=batch_kind,
        face_value_fen=face_value_fen,
        sale_price_fen=face_value_fen,
        quantity=count,
        program_id=None if batch_kind is BatchKind.payment else _program_id(session, issuer_id),
    )
    batch = create_batch(
        session,
        issuer_id=issuer_id,
        name=f"演示{'充值码' if batch_kind is BatchKind.topup else '纸质券'}",
        terms=terms,
        accepted_by=_acceptors(session, issuer_id, batch_kind),
        maker=maker,
        now=now,
    )
    approve_batch(session, batch_id=batch.id, approver=approver)
    fresh = generate_vouchers(session, batch_id=batch.id, keys=keys, actor=maker)
    activate_vouchers(session, batch_id=batch.id, serials=None, actor=maker, now=now)
    settle_voucher_sales(
        session,
        batch_id=batch.id,
        settlement_no=f"demo-{secrets.token_hex(8)}",
        amount_fen=face_value_fen * count,
        by=SaleSettlement.paid,
        actor=approver,
        now=now,
    )
    return fresh


def _make_business(session: Session, business: _Business) -> Store:
    merchant = create_merchant(
        session,
        code=business.code,
        name=business.name,
        commission_bp=COMMISSION_BP,
        actor=SYSTEM,
    )
    stores = [
        add_store(
            session,
            merchant_id=merchant.id,
            code=shop.code,
            name=shop.name,
            place=StorePlace(address=shop.address, city=CITY, lat=shop.lat, lng=shop.lng),
            actor=SYSTEM,
        )[0]
        for shop in business.shops
    ]
    allow_own_programs(session, merchant_id=merchant.id, allowed=True, actor=SYSTEM)
    create_program(
        session,
        issuer_id=merchant.id,
        code="card",
        name=business.card_name,
        accepted_by=[merchant.id],
        tiers=TIERS,
        rules=ProgramRules(),
        actor=SYSTEM,
    )
    return stores[0]


def _make_accounts(session: Session, first_stores: dict[str, Store], password: str) -> None:
    for account in DEMO_ACCOUNTS:
        # merchant2 and cashier2 belong to the second merchant, the others to the first.
        store = first_stores["merchant2" if account.username.endswith("2") else "merchant1"]
        add_staff(
            session,
            username=account.username,
            password=password,
            name=account.username,
            role=account.role,
            merchant_id=OPERATOR_ID if account.role in PLATFORM_ROLES else store.merchant_id,
            store_id=store.id if account.role in STORE_ROLES else None,
            known_to_all=True,
            actor=SYSTEM,
        )


def _issuer_id(session: Session, merchant_code: str | None) -> int:
    if merchant_code is None:
        return OPERATOR_ID
    found = session.scalar(select(Merchant.id).where(Merchant.code == merchant_code))
    if found is None:
        raise MerchantNotFound
    return found


def _program_id(session: Session, issuer_id: int) -> int:
    wanted = CardProgram.is_default if issuer_id == OPERATOR_ID else CardProgram.id > 0
    return session.scalars(
        select(CardProgram.id)
        .where(CardProgram.merchant_id == issuer_id, wanted)
        .order_by(CardProgram.id)
        .limit(1)
    ).one()


def _acceptors(session: Session, issuer_id: int, kind: BatchKind) -> list[Acceptance]:
    if issuer_id != OPERATOR_ID:
        return [Acceptance(merchant_id=issuer_id)]
    if kind is BatchKind.topup:
        return []
    active = select(Merchant.id).where(
        Merchant.kind == MerchantKind.merchant, Merchant.status == MerchantStatus.active
    )
    return [
        Acceptance(merchant_id=found) for found in session.scalars(active.order_by(Merchant.id))
    ]


def _two_people(session: Session) -> tuple[Actor, Actor]:
    """A batch needs two: whoever makes it, and the finance person who approves it."""
    people = []
    for role in (Role.platform_admin, Role.platform_finance):
        staff_id = session.scalar(select(Staff.id).where(Staff.role == role).order_by(Staff.id))
        people.append(
            Actor(scope=Scope.platform, staff_id=staff_id, merchant_id=OPERATOR_ID, role=role)
        )
    return people[0], people[1]
