"""Paper goes from hand to hand: platform, merchant, store, and back. Each step is an event."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.models.base import OPERATOR_ID
from app.models.tenants import Store
from app.models.voucher_records import VoucherEventKind
from app.models.vouchers import BatchAcceptance, BatchStatus, VoucherBatch
from app.services.refusals import Forbidden
from app.services.vouchers.batches import audit_batch, lock_batch
from app.services.vouchers.voucher_events import PLATFORM, Holder, SerialRange, record_event
from app.services.vouchers.voucher_holdings import (
    NotInHand,
    find_holder,
    hands_of,
    numbers_of,
    put_in_hand,
    serials_of,
    take_from,
)

EXISTS = (BatchStatus.generated, BatchStatus.printed, BatchStatus.closed)


class HolderDoesNotAccept(DomainError):
    code = "holder_does_not_accept"
    category = Category.INVALID
    template = N_("Only the issuer and those who redeem this batch can have its paper in hand.")


class SameHolder(DomainError):
    code = "same_holder"
    category = Category.INVALID
    template = N_("These vouchers are there already. Please choose another receiver.")


def hand_over(
    session: Session,
    *,
    batch_id: int,
    serials: SerialRange | None,
    taker: Holder,
    actor: Actor,
    reason: str | None = None,
    now: datetime | None = None,
) -> int:
    """Hand a range of paper over, or back. Returns how many vouchers changed hands.

    The platform may move any; a merchant its own, to its stores or back to the platform; a store
    its own, back to its merchant.

    Raises:
        NotInHand, HolderDoesNotAccept, SameHolder, Forbidden
        VouchersBeingSold: A till's open sale holds some of it.
        SerialMistyped, SerialOfOtherBatch, SerialRangeReversed
    """
    batch = lock_batch(session, batch_id=batch_id, states=EXISTS)
    numbers = numbers_of(batch, serials)
    _require_taker(session, batch, taker)
    giver = find_holder(session, batch=batch, numbers=numbers)
    if hands_of(actor) not in {None, giver}:
        raise NotInHand
    if giver == taker:
        raise SameHolder
    _require_way(actor, giver, taker)
    take_from(session, batch=batch, numbers=numbers, holder=giver)
    put_in_hand(session, batch=batch, numbers=numbers, holder=taker)
    count = numbers[1] - numbers[0] + 1
    back = taker == PLATFORM or (giver.store_id is not None and taker.store_id is None)
    kind = VoucherEventKind.returned if back else VoucherEventKind.handed_over
    moved = serials_of(batch, numbers)
    record_event(
        session,
        batch=batch,
        kind=kind,
        quantity=count,
        actor=actor,
        serials=moved,
        giver=giver,
        taker=taker,
        reason=reason,
        occurred_at=now,
    )
    detail: dict[str, object] = {"count": count, "first": moved.first, "last": moved.last}
    audit_batch(session, f"vouchers.{kind.name}", batch, actor, detail)
    return count


def _require_way(actor: Actor, giver: Holder, taker: Holder) -> None:
    if hands_of(actor) is None:
        return
    down = giver.store_id is None and taker.merchant_id == giver.merchant_id
    back = taker == (PLATFORM if giver.store_id is None else Holder(merchant_id=giver.merchant_id))
    if not (down or back):
        raise Forbidden


def _require_taker(session: Session, batch: VoucherBatch, taker: Holder) -> None:
    """The platform, the issuer and its stores, or an acceptor and its stores."""
    if taker == PLATFORM:
        return
    if taker.store_id is not None:
        owner = session.scalar(select(Store.merchant_id).where(Store.id == taker.store_id))
        if owner != taker.merchant_id or owner == OPERATOR_ID:
            raise HolderDoesNotAccept
    if taker.merchant_id == batch.merchant_id:
        return
    accepted = select(BatchAcceptance.id).where(
        BatchAcceptance.batch_id == batch.id, BatchAcceptance.merchant_id == taker.merchant_id
    )
    if taker.store_id is not None:
        here = BatchAcceptance.store_id.is_(None) | (BatchAcceptance.store_id == taker.store_id)
        accepted = accepted.where(here)
    if session.scalar(accepted.limit(1)) is None:
        raise HolderDoesNotAccept
