"""Paper becomes money: vouchers are activated when they are sold, and the price comes in."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.clock import local_day
from app.core.errors import N_, Category, DomainError
from app.core.serials import batch_no_of, is_serial, running_number
from app.models.base import OPERATOR_ID
from app.models.tenants import Store
from app.models.tills import SaleTender
from app.models.voucher_records import VoucherEventKind
from app.models.vouchers import VoucherBatch
from app.services import ledger
from app.services.bearers import promotion_leg
from app.services.ledger import Leg
from app.services.vouchers.batches import ON_PAPER, audit_batch, lock_batch
from app.services.vouchers.voucher_events import Holder, SerialRange, record_event
from app.services.vouchers.voucher_holdings import (
    NotInHand,
    SerialMistyped,
    SerialOfOtherBatch,
    find_holder,
    numbers_of,
    require_not_being_sold,
    take_from,
)

_ACTIVATE = text(
    "WITH mine AS ("
    "  SELECT id FROM voucher WHERE batch_id = :batch_id AND status = 'inactive' AND NOT frozen"
    "    AND (cast(:first AS text) IS NULL OR serial_no BETWEEN :first AND :last)"
    "  ORDER BY id FOR NO KEY UPDATE),"
    " done AS (UPDATE voucher v SET status = 'active', activated_at = :now,"
    "                               expires_on = :expires_on"
    "          FROM mine WHERE v.id = mine.id RETURNING v.id)"
    " SELECT count(*), min(id) FROM done"
)


# What of a range can be sold: not frozen, and not active or active and in date. Locked in id order.
_SELLABLE = text(
    "SELECT count(*) FILTER (WHERE NOT frozen AND (status = 'inactive' OR status = 'active'"
    "    AND (expires_on IS NULL OR expires_on >= :today)))"
    "    AS sellable, count(*) FILTER (WHERE status = 'inactive') AS inactive"
    " FROM (SELECT status, frozen, expires_on FROM voucher"
    "       WHERE batch_id = :batch_id AND serial_no BETWEEN :first AND :last"
    "       ORDER BY id FOR NO KEY UPDATE) locked"
)


class NotForSale(DomainError):
    code = "vouchers_not_for_sale"
    category = Category.CONFLICT
    template = N_(
        "Not all of these vouchers can be sold: some are frozen, used, out of date, or given away"
        " free of charge. Please take others."
    )


class NoVouchersToChange(DomainError):
    code = "no_vouchers_to_change"
    category = Category.CONFLICT
    template = N_("No voucher in this range is in a state in which this can be done.")


class BatchExpired(DomainError):
    code = "batch_expired"
    category = Category.CONFLICT
    template = N_("The vouchers of this batch are out of date and cannot be sold any more.")


class SaleSettlement(enum.Enum):
    """How a merchant's voucher sales reach the platform: paid in, or out of what it has earned."""

    paid = "bank:payout"
    netted = "payable:merchant"


def activate_vouchers(
    session: Session, *, batch_id: int, serials: SerialRange | None, actor: Actor, now: datetime
) -> int:
    """Make printed vouchers good, by range as they are sold; those that are already are left alone.

    From now on the platform owes their face value. Returns how many were activated.

    Raises:
        NoVouchersToChange, BatchExpired, SerialMistyped
    """
    batch = lock_batch(session, batch_id=batch_id, states=ON_PAPER)
    numbers_of(batch, serials)
    return _activate(session, batch, serials, _last_day(batch, now), actor, now)


def _activate(
    session: Session,
    batch: VoucherBatch,
    serials: SerialRange | None,
    expires_on: date | None,
    actor: Actor,
    now: datetime,
) -> int:
    count, first_id = session.execute(
        _ACTIVATE,
        {"batch_id": batch.id, "now": now, "expires_on": expires_on, **bounds(serials)},
    ).one()
    if count == 0:
        raise NoVouchersToChange
    sold_fen = batch.sale_price_fen * count
    promoted_fen = (batch.face_value_fen - batch.sale_price_fen) * count
    ledger.post_entry(
        session,
        kind="vouchers_activated",
        # A voucher is activated once in its life, so its id names the event.
        reference=f"voucher:{first_id}:activated",
        legs=[
            receivable_leg(batch, sold_fen),
            promotion_leg(batch, promoted_fen),
            voucher_leg(batch, -sold_fen - promoted_fen),
        ],
        now=now,
    )
    record_event(
        session,
        batch=batch,
        kind=VoucherEventKind.activated,
        quantity=count,
        actor=actor,
        serials=serials,
        occurred_at=now,
    )
    audit_batch(session, "vouchers.activated", batch, actor, {"count": count, **bounds(serials)})
    return int(count)


def sell_at_till(
    session: Session,
    *,
    sale_no: str,
    serials: Sequence[SerialRange],
    tender: SaleTender,
    store: Store,
    seller: Actor,
    now: datetime,
) -> int:
    """A store sells paper of its own stock over the counter. Returns the entry that took the money.

    What is not active yet becomes so; from now on the paper is nobody's stock any more.

    Args:
        sale_no: The sale's own number; booking it twice is refused by the ledger. Paper that this
            sale has held while it was being paid for is its own to take.
        serials: Single vouchers or ranges, all of one batch.

    Raises:
        NotInHand: Not in this store's stock, or sold already.
        NotForSale: Frozen, used or out of date; or promotional, which is given away.
        VouchersBeingSold: Another sale holds some.
        SerialMistyped, SerialOfOtherBatch, SerialRangeReversed
    """
    assert serials
    batch = lock_batch(
        session, batch_id=find_batch_of_serial(session, serials[0].first).id, states=ON_PAPER
    )
    holder = Holder(merchant_id=store.merchant_id, store_id=store.id)
    count = 0
    for one in serials:
        inactive = require_for_sale(
            session, batch=batch, serials=one, holder=holder, now=now, sale_no=sale_no
        )
        numbers = numbers_of(batch, one)
        take_from(session, batch=batch, numbers=numbers, holder=holder, sale_no=sale_no)
        if inactive:
            _activate(session, batch, one, _last_day(batch, now), seller, now)
        count += numbers[1] - numbers[0] + 1
    sold_fen = batch.sale_price_fen * count
    entry_id = ledger.post_entry(
        session,
        kind="vouchers_sold_at_till",
        reference=f"voucher-sale:{sale_no}",
        legs=[_taken(tender, store, sold_fen), receivable_leg(batch, -sold_fen)],
        now=now,
    )
    for one in serials:
        _tell_sale(session, batch, one, holder, seller, sale_no)
    audit_batch(session, "vouchers.sold", batch, seller, {"count": count, "sale_no": sale_no})
    return entry_id


def require_for_sale(
    session: Session,
    *,
    batch: VoucherBatch,
    serials: SerialRange,
    holder: Holder,
    now: datetime,
    sale_no: str | None = None,
) -> int:
    """Refuse a range unless its holder can sell all of it, active or not. Its rows are locked.

    Args:
        batch: Locked already.
        sale_no: The sale that may have held the paper itself.

    Returns:
        How many of it are not active yet.

    Raises:
        NotInHand, NotForSale, VouchersBeingSold
        BatchExpired: There is no day left on which what is not active could be used.
    """
    numbers = numbers_of(batch, serials)
    if find_holder(session, batch=batch, numbers=numbers) != holder:
        raise NotInHand
    require_not_being_sold(session, batch=batch, numbers=numbers, sale_no=sale_no)
    found = session.execute(
        _SELLABLE, {"batch_id": batch.id, "today": local_day(now), **bounds(serials)}
    ).one()
    if batch.sale_price_fen == 0 or found.sellable != numbers[1] - numbers[0] + 1:
        raise NotForSale
    if found.inactive:
        _last_day(batch, now)
    return int(found.inactive)


def find_batch_of_serial(session: Session, serial_no: str) -> VoucherBatch:
    """The batch that a serial number (typed, or scanned from its barcode) is of.

    Raises:
        SerialMistyped, SerialOfOtherBatch: There is no such batch.
    """
    if not is_serial(serial_no):
        raise SerialMistyped
    batch = session.scalars(
        select(VoucherBatch).where(VoucherBatch.batch_no == batch_no_of(serial_no))
    ).one_or_none()
    if batch is None:
        raise SerialOfOtherBatch
    return batch


def settle_voucher_sales(
    session: Session,
    *,
    batch_id: int,
    settlement_no: str,
    amount_fen: int,
    by: SaleSettlement,
    actor: Actor,
    now: datetime,
) -> int:
    """What a batch was sold for has reached the platform. Returns the entry's id.

    Args:
        settlement_no: The transfer's or statement's number; it settles once.
    """
    assert amount_fen > 0
    batch = lock_batch(session, batch_id=batch_id)
    if by is SaleSettlement.paid:
        debit = Leg(account=by.value, amount_fen=amount_fen, merchant_id=OPERATOR_ID)
    else:
        debit = Leg(
            account=by.value,
            amount_fen=amount_fen,
            merchant_id=batch.merchant_id,
            batch_id=batch.id,
        )
    entry_id = ledger.post_entry(
        session,
        kind=f"voucher_sales_{by.name}",
        reference=f"voucher-settlement:{settlement_no}",
        legs=[debit, receivable_leg(batch, -amount_fen)],
        now=now,
    )
    audit_batch(session, "vouchers.settled", batch, actor, {"amount_fen": amount_fen})
    return entry_id


def bounds(serials: SerialRange | None) -> dict[str, str | None]:
    """A range as parameters; empty: the whole batch."""
    if serials is None:
        return {"first": None, "last": None}
    return {"first": serials.first, "last": serials.last}


def voucher_leg(batch: VoucherBatch, amount_fen: int) -> Leg:
    """The liability for a batch's outstanding paper."""
    return Leg(
        account="voucher", amount_fen=amount_fen, merchant_id=batch.merchant_id, batch_id=batch.id
    )


def _tell_sale(
    session: Session,
    batch: VoucherBatch,
    sold: SerialRange,
    holder: Holder,
    seller: Actor,
    sale_no: str,
) -> None:
    """A voucher's story says when it left the store's stock, and in which sale."""
    quantity = running_number(sold.last) - running_number(sold.first) + 1
    record_event(
        session,
        batch=batch,
        kind=VoucherEventKind.sold,
        quantity=quantity,
        actor=seller,
        serials=sold,
        giver=holder,
        amount_fen=batch.sale_price_fen * quantity,
        reference=sale_no,
    )


def _taken(tender: SaleTender, store: Store, sold_fen: int) -> Leg:
    if tender is SaleTender.wechat:
        return Leg(account="bank:wechat", amount_fen=sold_fen)
    return Leg(
        account="cash:store",
        amount_fen=sold_fen,
        merchant_id=store.merchant_id,
        store_id=store.id,
    )


def receivable_leg(batch: VoucherBatch, amount_fen: int) -> Leg:
    """What the issuer took, or will take, for a batch's paper and owes to the platform."""
    return Leg(
        account="receivable:voucher-sales",
        amount_fen=amount_fen,
        merchant_id=batch.merchant_id,
        batch_id=batch.id,
    )


def _last_day(batch: VoucherBatch, now: datetime) -> date | None:
    today = local_day(now)
    if batch.expires_on is not None:
        if batch.expires_on < today:
            raise BatchExpired
        return batch.expires_on
    if batch.days_from_activation is None:
        return None
    return today + timedelta(days=batch.days_from_activation)
