"""Fresh secret codes of a demo, for scripts that want paper to redeem."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.keys import Keys
from app.models.base import OPERATOR_ID
from app.models.cards import CardProgram
from app.models.tenants import Merchant, MerchantKind, MerchantStatus
from app.models.vouchers import BatchKind
from app.services.demo.batches import issue_batch, take_payment, two_people
from app.services.tenants.merchants import MerchantNotFound
from app.services.vouchers.batches import Acceptance, BatchTerms
from app.services.vouchers.voucher_sales import activate_vouchers


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
    paper = BatchKind[kind] is BatchKind.payment
    batch, fresh = issue_batch(
        session,
        issuer_id=issuer_id,
        name=f"演示{'纸质券' if paper else '充值码'}",
        terms=BatchTerms(
            kind=BatchKind[kind],
            face_value_fen=face_value_fen,
            sale_price_fen=face_value_fen,
            quantity=count,
            program_id=None if paper else program_of_issuer(session, issuer_id),
        ),
        accepted_by=_acceptors(session, issuer_id, BatchKind[kind]),
        keys=keys,
        now=now,
    )
    maker, _ = two_people(session)
    activate_vouchers(session, batch_id=batch.id, serials=None, actor=maker, now=now)
    take_payment(
        session,
        batch,
        settlement_no=f"demo-{secrets.token_hex(8)}",
        amount_fen=face_value_fen * count,
        now=now,
    )
    return fresh


def _issuer_id(session: Session, merchant_code: str | None) -> int:
    if merchant_code is None:
        return OPERATOR_ID
    found = session.scalar(select(Merchant.id).where(Merchant.code == merchant_code))
    if found is None:
        raise MerchantNotFound
    return found


def program_of_issuer(session: Session, issuer_id: int) -> int:
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
