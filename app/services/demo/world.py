"""Demo data: a small world that strangers and scripts can use at once."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import PLATFORM_ROLES, SYSTEM
from app.core.demo import DEMO_ACCOUNTS
from app.models.base import OPERATOR_ID
from app.models.people import Staff
from app.models.tenants import Merchant, MerchantKind, Store
from app.services.people.staff import STORE_ROLES, add_staff
from app.services.stored_value.programs import ProgramRules, allow_own_programs, create_program
from app.services.tenants.merchants import StorePlace, add_store, create_merchant
from app.services.vouchers.batch_requests import allow_own_batches

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
            _Shop(code="jiuyanqiao", name="老街面馆（九眼桥店）", address="武侯区致民路36号",
                  lat=30.640237, lng=104.087465),
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
            _Shop(code="gaoxin", name="春风超市（高新店）", address="高新区天府二街138号",
                  lat=30.548213, lng=104.066012),
        ),
    ),
)  # fmt: skip


def is_empty(session: Session) -> bool:
    """Whether there is nobody here yet: no merchant but the operator, and no staff."""
    merchant = session.scalar(select(Merchant.id).where(Merchant.kind == MerchantKind.merchant))
    return merchant is None and session.scalar(select(Staff.id).limit(1)) is None


def seed_demo(session: Session, *, password: str) -> None:
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
    allow_own_batches(session, merchant_id=merchant.id, allowed=True, actor=SYSTEM)
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
