"""Paper becomes money: vouchers are activated when they are sold, and the price comes in."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.clock import local_day
from app.core.errors import N_, Category, DomainError
from app.core.serials import is_serial
from app.models.base import OPERATOR_ID
from app.models.tenants import Store
from app.models.vouchers import BatchStatus, VoucherBatch
from app.services import ledger
from app.services.batches import audit_batch, lock_batch
from app.services.bearers import promotion_leg
from app.services.ledger import Leg

ON_PAPER = (BatchStatus.generated, BatchStatus.printed)

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


class SerialMistyped(DomainError):
    code = "serial_mistyped"
    category = Category.INVALID
    template = N_("This serial number has a typing error. Please compare it with the paper.")


class NoVouchersToChange(DomainError):
    code = "no_vouchers_to_change"
    category = Category.CONFLICT
    template = N_("No voucher in this range is in a state in which this can be done.")


class BatchExpired(DomainError):
    code = "batch_expired"
    category = Category.CONFLICT
    template = N_("The vouchers of this batch are out of date and cannot be sold any more.")


@dataclass(frozen=True, kw_only=True)
class SerialRange:
    """Vouchers from one serial number to another, both included."""

    first: str
    last: str


class SaleTender(enum.Enum):
    """What a till takes for vouchers."""

    cash = "cash:store"
    wechat = "bank:wechat"


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
    expires_on = _last_day(batch, now)
    count, first_id = session.execute(
        _ACTIVATE,
        {"batch_id": batch_id, "now": now, "expires_on": expires_on, **bounds(serials)},
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
            _receivable(batch, sold_fen),
            promotion_leg(batch, promoted_fen),
            voucher_leg(batch, -sold_fen - promoted_fen),
        ],
        now=now,
    )
    audit_batch(session, "vouchers.activated", batch, actor, {"count": count, **bounds(serials)})
    return int(count)


def sell_at_till(
    session: Session,
    *,
    batch_id: int,
    sale_no: str,
    count: int,
    tender: SaleTender,
    store: Store,
    seller: Actor,
    now: datetime,
) -> int:
    """A store has sold activated vouchers over the counter. Returns the fen it took.

    Args:
        sale_no: The sale's own number; booking it twice is refused by the ledger.
    """
    assert count > 0
    batch = lock_batch(session, batch_id=batch_id, states=ON_PAPER)
    sold_fen = batch.sale_price_fen * count
    if sold_fen == 0:
        raise NoVouchersToChange  # Promotional paper is given away, not sold.
    if tender is SaleTender.cash:
        taken = Leg(
            account="cash:store",
            amount_fen=sold_fen,
            merchant_id=store.merchant_id,
            store_id=store.id,
        )
    else:
        taken = Leg(account="bank:wechat", amount_fen=sold_fen)
    ledger.post_entry(
        session,
        kind="vouchers_sold_at_till",
        reference=f"voucher-sale:{sale_no}",
        legs=[taken, _receivable(batch, -sold_fen)],
        now=now,
    )
    audit_batch(session, "vouchers.sold", batch, seller, {"count": count, "sale_no": sale_no})
    return sold_fen


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
        legs=[debit, _receivable(batch, -amount_fen)],
        now=now,
    )
    audit_batch(session, "vouchers.settled", batch, actor, {"amount_fen": amount_fen})
    return entry_id


def bounds(serials: SerialRange | None) -> dict[str, str | None]:
    """A range as parameters; empty: the whole batch.

    Raises:
        SerialMistyped: Before the wrong paper is touched.
    """
    if serials is None:
        return {"first": None, "last": None}
    if not (is_serial(serials.first) and is_serial(serials.last)):
        raise SerialMistyped
    return {"first": serials.first, "last": serials.last}


def voucher_leg(batch: VoucherBatch, amount_fen: int) -> Leg:
    """The liability for a batch's outstanding paper."""
    return Leg(
        account="voucher", amount_fen=amount_fen, merchant_id=batch.merchant_id, batch_id=batch.id
    )


def _receivable(batch: VoucherBatch, amount_fen: int) -> Leg:
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
