"""Batches of paper in the demo, made by the two people that paper needs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import Actor, Role, Scope
from app.core.keys import Keys
from app.models.base import OPERATOR_ID
from app.models.people import Staff
from app.models.vouchers import VoucherBatch
from app.services.vouchers.batches import (
    Acceptance,
    BatchTerms,
    approve_batch,
    create_batch,
    generate_vouchers,
)
from app.services.vouchers.voucher_sales import SaleSettlement, settle_voucher_sales


def issue_batch(
    session: Session,
    *,
    issuer_id: int,
    name: str,
    terms: BatchTerms,
    accepted_by: Sequence[Acceptance] = (),
    keys: Keys,
    now: datetime,
) -> tuple[VoucherBatch, list[str]]:
    """A batch that is drafted, approved and generated; and the secret codes of its vouchers."""
    maker, approver = two_people(session)
    batch = create_batch(
        session,
        issuer_id=issuer_id,
        name=name,
        terms=terms,
        accepted_by=accepted_by,
        maker=maker,
        now=now,
    )
    approve_batch(session, batch_id=batch.id, approver=approver, now=now)
    fresh = generate_vouchers(session, batch_id=batch.id, keys=keys, actor=maker, now=now)
    return batch, fresh


def take_payment(
    session: Session, batch: VoucherBatch, *, settlement_no: str, amount_fen: int, now: datetime
) -> None:
    """Note that so much of what the batch was sold for has been paid."""
    _, approver = two_people(session)
    settle_voucher_sales(
        session,
        batch_id=batch.id,
        settlement_no=settlement_no,
        amount_fen=amount_fen,
        by=SaleSettlement.paid,
        actor=approver,
        now=now,
    )


def two_people(session: Session) -> tuple[Actor, Actor]:
    """Whoever makes something, and the finance person who approves it."""
    people = []
    for role in (Role.platform_admin, Role.platform_finance):
        staff_id = session.scalar(select(Staff.id).where(Staff.role == role).order_by(Staff.id))
        people.append(
            Actor(scope=Scope.platform, staff_id=staff_id, merchant_id=OPERATOR_ID, role=role)
        )
    return people[0], people[1]
