"""What happened in the demo's world before anybody looked: three months of trade at six stores."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import SYSTEM, Role
from app.core.keys import Keys
from app.models.base import OPERATOR_ID
from app.models.cards import Bearer, CardProgram, ProgramAcceptance
from app.models.people import Staff
from app.models.tenants import Merchant, PayPoint, Store
from app.models.voucher_records import VoucherHolding
from app.models.vouchers import BatchKind, Voucher, VoucherBatch, VoucherStatus
from app.services.demo.batches import issue_batch, take_payment, two_people
from app.services.demo.chronicle import DAYS, Chronicle
from app.services.demo.chronicle_model import Paper, Program, Shop
from app.services.demo.old_cards import seed_old_cards
from app.services.demo.shifts import seed_shifts
from app.services.demo.world import TIERS
from app.services.demo.writing import backdate_world, write_story
from app.services.vouchers.batches import BatchTerms
from app.services.vouchers.voucher_custody import hand_over
from app.services.vouchers.voucher_events import Holder, SerialRange
from app.services.vouchers.voucher_sales import activate_vouchers

SEED = 20261123
# Weights of the local hours: a noodle shop lives on its meals, a supermarket on the evening.
_MEALS = (0, 0, 0, 0, 0, 0, 1, 5, 6, 3, 2, 8, 14, 8, 3, 2, 3, 7, 12, 9, 5, 2, 0, 0)
_GROCERIES = (0, 0, 0, 0, 0, 0, 0, 1, 3, 5, 6, 6, 5, 4, 4, 5, 7, 10, 12, 11, 8, 4, 1, 0)
_PACE = {  # Payments a day and amounts from … to …, by merchant and in the order of its stores.
    "merchant1": ((5.2, 3.4, 2.2), _MEALS, (12_00, 96_00)),
    "merchant2": ((4.4, 3.0, 1.9), _GROCERIES, (15_00, 260_00)),
}


@dataclass(frozen=True, kw_only=True)
class _Batch:
    """``used``: how much of what was activated has come back by now."""

    name: str
    kind: BatchKind
    face_fen: int
    price_fen: int
    quantity: int
    active: int
    used: float


_BATCHES = (
    _Batch(name="企业福利券", kind=BatchKind.payment, face_fen=50_00, price_fen=50_00,
           quantity=150, active=150, used=0.62),
    _Batch(name="开业体验券", kind=BatchKind.payment, face_fen=20_00, price_fen=0,
           quantity=120, active=90, used=0.34),
    _Batch(name="周末团购券", kind=BatchKind.payment, face_fen=30_00, price_fen=27_00,
           quantity=100, active=60, used=0.8),
    _Batch(name="充值卡100元", kind=BatchKind.topup, face_fen=100_00, price_fen=100_00,
           quantity=40, active=40, used=1.0),
)  # fmt: skip


def seed_history(session: Session, *, keys: Keys, now: datetime) -> None:
    """Play the story up to ``now`` and book it through the ledger's function, balanced as ever.

    Its people have phone numbers 1927… and no WeChat identity, so nobody signs in as one of them.
    """
    source = random.Random(SEED)  # noqa: S311 - a story, not a secret
    shops = _shops(session)
    programs = _programs(session, shops)
    backdate_world(session, began_at=now - timedelta(days=DAYS + 1))
    paper, codes = _papers(session, programs, keys, source, now)
    story = Chronicle(shops, programs, now, _bonus_for, source).play(paper, codes)
    write_story(session, story=story, keys=keys)
    own = next(one for one in programs if one.issuer_id != OPERATOR_ID)
    seed_old_cards(
        session, program=own, keys=keys, seed=SEED, imported_at=now - timedelta(days=DAYS), now=now
    )
    seed_shifts(session, now=now)


def _bonus_for(amount_fen: int) -> int:
    return max((bonus for floor, bonus in TIERS.items() if floor <= amount_fen), default=0)


def _shops(session: Session) -> list[Shop]:
    shops = []
    for code, (pace, hours, amounts) in _PACE.items():
        merchant = session.scalars(select(Merchant).where(Merchant.code == code)).one()
        rows = session.execute(
            select(Store.id, PayPoint.id)
            .join(PayPoint, PayPoint.store_id == Store.id)
            .where(Store.merchant_id == merchant.id)
            .order_by(Store.id)
        )
        admin_id = _staff_id(session, merchant.id, Role.merchant_admin)
        for (store_id, pay_point_id), payments_a_day in zip(rows, pace, strict=True):
            shops.append(
                Shop(
                    store_id=store_id,
                    merchant_id=merchant.id,
                    pay_point_id=pay_point_id,
                    staff_id=_cashier_id(session, store_id) or admin_id,
                    commission_bp=merchant.commission_bp,
                    payments_a_day=payments_a_day,
                    hours=hours,
                    amounts_fen=amounts,
                )
            )
    return shops


def _cashier_id(session: Session, store_id: int) -> int | None:
    wanted = select(Staff.id).where(Staff.store_id == store_id, Staff.role == Role.cashier)
    return session.scalar(wanted.order_by(Staff.id).limit(1))


def _staff_id(session: Session, merchant_id: int, role: Role) -> int:
    wanted = select(Staff.id).where(Staff.merchant_id == merchant_id, Staff.role == role)
    return session.scalars(wanted.order_by(Staff.id).limit(1)).one()


def _programs(session: Session, shops: Sequence[Shop]) -> list[Program]:
    """The group's program and each merchant's own; of others the story knows nothing."""
    ours = CardProgram.is_default | CardProgram.merchant_id.in_(
        {shop.merchant_id for shop in shops}
    )
    found = session.scalars(select(CardProgram).where(ours).order_by(CardProgram.id)).all()
    return [
        Program(
            program_id=program.id,
            issuer_id=program.merchant_id,
            bearer_id=program.merchant_id if program.bonus_bearer is Bearer.issuer else None,
            accepted_by=frozenset(
                session.scalars(
                    select(ProgramAcceptance.merchant_id).where(
                        ProgramAcceptance.program_id == program.id
                    )
                )
            ),
        )
        for program in found
    ]


def _papers(
    session: Session, programs: Sequence[Program], keys: Keys, source: random.Random, now: datetime
) -> tuple[list[Paper], list[Paper]]:
    """Each merchant's batches, sold two months ago; what of them comes back, and the codes."""
    sold_at = now - timedelta(days=DAYS * 2 / 3 + 1)
    paper: list[Paper] = []
    codes: list[Paper] = []
    for program in programs:
        if program.issuer_id == OPERATOR_ID:
            continue
        for batch in _BATCHES:
            issued = _issue(session, batch, program, keys, sold_at)
            used = source.sample(issued, round(len(issued) * batch.used))
            (codes if batch.kind is BatchKind.topup else paper).extend(used)
    return paper, codes


def _issue(
    session: Session, batch: _Batch, program: Program, keys: Keys, at: datetime
) -> list[Paper]:
    made, _ = issue_batch(
        session,
        issuer_id=program.issuer_id,
        name=f"{session.get_one(Merchant, program.issuer_id).name}{batch.name}",
        terms=BatchTerms(
            kind=batch.kind,
            face_value_fen=batch.face_fen,
            sale_price_fen=batch.price_fen,
            quantity=batch.quantity,
            program_id=None if batch.kind is BatchKind.payment else program.program_id,
        ),
        keys=keys,
        now=at,
    )
    made.created_at = at - timedelta(days=5)
    serials = session.scalars(
        select(Voucher.serial_no).where(Voucher.batch_id == made.id).order_by(Voucher.serial_no)
    ).all()
    maker, _ = two_people(session)
    wanted = SerialRange(first=serials[0], last=serials[batch.active - 1])
    activate_vouchers(session, batch_id=made.id, serials=wanted, actor=maker, now=at)
    if batch.price_fen and batch.active < batch.quantity:
        _stock_first_store(
            session, made, SerialRange(first=serials[batch.active], last=serials[-1]), at
        )
    held = select(VoucherHolding).where(VoucherHolding.batch_id == made.id)
    for holding in session.scalars(held):
        holding.since = at
    if batch.price_fen:
        take_payment(
            session,
            made,
            settlement_no=f"demo-{made.batch_no}",
            amount_fen=batch.price_fen * batch.active * 4 // 5,
            now=at + timedelta(days=9),
        )
    return _active_paper(session, made.id, {"issuer_id": program.issuer_id})


def _stock_first_store(
    session: Session, made: VoucherBatch, rest: SerialRange, at: datetime
) -> None:
    """What is not sold yet lies at a counter, so that its till has paper to sell."""
    first = select(Store.id).where(Store.merchant_id == made.merchant_id).order_by(Store.id)
    counter = Holder(merchant_id=made.merchant_id, store_id=session.scalar(first.limit(1)))
    hand_over(session, batch_id=made.id, serials=rest, taker=counter, actor=SYSTEM, now=at)


def _active_paper(session: Session, batch_id: int, issuer: Mapping[str, int]) -> list[Paper]:
    rows = session.scalars(
        select(Voucher)
        .where(Voucher.batch_id == batch_id, Voucher.status == VoucherStatus.active)
        .order_by(Voucher.id)
    )
    return [
        Paper(voucher_id=row.id, batch_id=batch_id, serial_no=row.serial_no,
              face_value_fen=row.face_value_fen, **issuer)
        for row in rows
    ]  # fmt: skip
