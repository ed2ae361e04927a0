"""What is printed on a batch's vouchers, from the batch, its issuer and its stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.tenants import Merchant, Store
from app.models.vouchers import BatchAcceptance, BatchKind, VoucherBatch

_STORES_NAMED = 20


@dataclass(frozen=True, kw_only=True)
class BatchPrint:
    """The facts that a voucher's design is made of. ``stores`` names up to twenty of them."""

    batch_no: str
    name: str
    title: str
    kind: BatchKind
    face_value_fen: int
    expires_on: date | None
    days_from_activation: int | None
    issuer: str
    stores: Sequence[str]
    more_stores: bool
    terms: str
    support_phone: str
    colour: str


def read_batch_print(session: Session, *, batch_id: int) -> BatchPrint | None:
    """The facts, as far as the reader may see the batch."""
    batch = session.get(VoucherBatch, batch_id)
    if batch is None:
        return None
    issuer = session.scalar(select(Merchant.name).where(Merchant.id == batch.merchant_id))
    stores = _stores(session, batch_id)
    return BatchPrint(
        batch_no=batch.batch_no,
        name=batch.name,
        title=batch.title,
        kind=batch.kind,
        face_value_fen=batch.face_value_fen,
        expires_on=batch.expires_on,
        days_from_activation=batch.days_from_activation,
        issuer=issuer or "",
        stores=stores[:_STORES_NAMED],
        more_stores=len(stores) > _STORES_NAMED,
        terms=batch.terms,
        support_phone=batch.support_phone,
        colour=batch.colour,
    )


def _stores(session: Session, batch_id: int) -> Sequence[str]:
    """A merchant's one store, or all of them when it accepts as a whole."""
    names = (
        select(Store.name)
        .join(BatchAcceptance, BatchAcceptance.merchant_id == Store.merchant_id)
        .where(BatchAcceptance.batch_id == batch_id)
        .where((BatchAcceptance.store_id == Store.id) | BatchAcceptance.store_id.is_(None))
        .group_by(Store.id)
        .order_by(Store.id)
        .limit(_STORES_NAMED + 1)
    )
    return session.scalars(names).all()
