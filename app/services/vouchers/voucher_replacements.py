"""A damaged voucher is exchanged for another one of its batch: new serial, linked to the old."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.clock import local_day
from app.core.errors import N_, Category, DomainError
from app.models.voucher_records import VoucherEventKind
from app.models.vouchers import Voucher, VoucherBatch, VoucherStatus
from app.services.vouchers.batches import ON_PAPER, audit_batch, lock_batch
from app.services.vouchers.voucher_endings import void_vouchers
from app.services.vouchers.voucher_events import SerialRange, record_event
from app.services.vouchers.voucher_holdings import (
    NotInHand,
    find_holder,
    hands_of,
    numbers_of,
    take_from,
)
from app.services.vouchers.voucher_sales import activate_vouchers, find_batch_of_serial


class NotReplaceable(DomainError):
    code = "voucher_not_replaceable"
    category = Category.CONFLICT
    template = N_(
        "Only an active voucher that is not frozen and not out of date is exchanged, and only for"
        " one of the same batch that was not activated yet."
    )


def replace_voucher(
    session: Session, *, damaged: str, fresh: str, reason: str, actor: Actor, now: datetime
) -> Voucher:
    """Void the damaged voucher and make the fresh one good instead, until the same day.

    No money moves: what was sold stays sold. The fresh one comes out of the actor's own stock.

    Raises:
        NotReplaceable, NotInHand, SerialMistyped, SerialOfOtherBatch
    """
    batch = lock_batch(session, batch_id=find_batch_of_serial(session, damaged).id, states=ON_PAPER)
    old_range, new_range = (SerialRange(first=s, last=s) for s in (damaged, fresh))
    numbers_of(batch, old_range)
    new_numbers = numbers_of(batch, new_range)
    old, new = _lock_both(session, batch, damaged, fresh)
    good = old.expires_on is None or old.expires_on >= local_day(now)
    if old.status is not VoucherStatus.active or old.frozen or not good:
        raise NotReplaceable
    if new.status is not VoucherStatus.inactive or new.frozen:
        raise NotReplaceable
    giver = hands_of(actor) or find_holder(session, batch=batch, numbers=new_numbers)
    take_from(session, batch=batch, numbers=new_numbers, holder=giver)
    expires_on, new_id = old.expires_on, new.id
    void_vouchers(
        session, batch_id=batch.id, serials=old_range, reason=reason, actor=actor, now=now
    )
    activate_vouchers(session, batch_id=batch.id, serials=new_range, actor=actor, now=now)
    old, new = _lock_both(session, batch, damaged, fresh)
    old.replaced_by_id, new.expires_on = new_id, expires_on
    _drop_from_stock(session, batch, damaged)
    for serials, reference in ((old_range, fresh), (new_range, damaged)):
        record_event(
            session, batch=batch, kind=VoucherEventKind.replaced, quantity=1, actor=actor,
            serials=serials, giver=giver, reference=reference, reason=reason,
        )  # fmt: skip
    audit_batch(session, "vouchers.replaced", batch, actor, {"old": damaged, "new": fresh})
    return new


def _drop_from_stock(session: Session, batch: VoucherBatch, serial_no: str) -> None:
    """The damaged paper is destroyed, if it had not been sold yet and was in somebody's hands."""
    serials = SerialRange(first=serial_no, last=serial_no)
    numbers = numbers_of(batch, serials)
    try:
        holder = find_holder(session, batch=batch, numbers=numbers)
    except NotInHand:
        return
    take_from(session, batch=batch, numbers=numbers, holder=holder)


def _lock_both(
    session: Session, batch: VoucherBatch, damaged: str, fresh: str
) -> tuple[Voucher, Voucher]:
    rows = session.scalars(
        select(Voucher)
        .where(Voucher.batch_id == batch.id, Voucher.serial_no.in_([damaged, fresh]))
        .order_by(Voucher.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    found = {row.serial_no: row for row in rows}
    if len(found) != 2:
        raise NotReplaceable
    return found[damaged], found[fresh]
