"""What has happened to paper, written down beside it: the source of a voucher's story."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.models.base import OPERATOR_ID
from app.models.voucher_records import VoucherEvent, VoucherEventKind
from app.models.vouchers import VoucherBatch


@dataclass(frozen=True, kw_only=True)
class SerialRange:
    """Vouchers from one serial number to another, both included."""

    first: str
    last: str


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who has paper in hand: the platform, a merchant's office, or one of its stores."""

    merchant_id: int
    store_id: int | None = None


PLATFORM = Holder(merchant_id=OPERATOR_ID)


def record_event(
    session: Session,
    *,
    batch: VoucherBatch,
    kind: VoucherEventKind,
    quantity: int,
    actor: Actor,
    serials: SerialRange | None = None,
    giver: Holder | None = None,
    taker: Holder | None = None,
    amount_fen: int | None = None,
    reference: str | None = None,
    reason: str | None = None,
    occurred_at: datetime | None = None,
) -> None:
    """Write an event down; without serial numbers it is the whole batch's, without a time now."""
    session.add(
        VoucherEvent(
            merchant_id=batch.merchant_id,
            batch_id=batch.id,
            kind=kind,
            first_serial_no=None if serials is None else serials.first,
            last_serial_no=None if serials is None else serials.last,
            quantity=quantity,
            from_merchant_id=None if giver is None else giver.merchant_id,
            from_store_id=None if giver is None else giver.store_id,
            to_merchant_id=None if taker is None else taker.merchant_id,
            to_store_id=None if taker is None else taker.store_id,
            staff_id=actor.staff_id,
            amount_fen=amount_fen,
            reference=reference,
            reason=reason,
            **({} if occurred_at is None else {"occurred_at": occurred_at}),
        )
    )
