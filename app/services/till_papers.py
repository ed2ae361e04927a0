"""Handing sold paper out: exactly these become good, and the price is booked where it came in.

The one door between a till's sale and the books of the batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.clock import local_day
from app.models.tills import SaleTender, VoucherSale
from app.models.vouchers import VoucherBatch
from app.services import ledger
from app.services.batches import ON_PAPER, audit_batch, lock_batch
from app.services.bearers import promotion_leg
from app.services.ledger import Leg
from app.services.voucher_sales import BatchExpired, NoVouchersToChange, voucher_leg

_ACTIVATE = text(
    "WITH mine AS (SELECT id FROM voucher WHERE batch_id = :batch_id AND status = 'inactive'"
    "    AND serial_no = ANY (:serials) ORDER BY id FOR NO KEY UPDATE),"
    " done AS (UPDATE voucher v SET status = 'active', activated_at = :now,"
    "    expires_on = :expires_on FROM mine WHERE v.id = mine.id RETURNING v.id)"
    " SELECT count(*), min(id) FROM done"
)


def hand_out(
    session: Session, *, sale: VoucherSale, serials: Sequence[str], seller: Actor, now: datetime
) -> int:
    """Make a sale's papers good and book its price. Returns the entry that took the money.

    Paper that was frozen while it was being paid becomes good and stays frozen: whoever froze it
    decides.

    Raises:
        NoVouchersToChange: Some are no longer waiting to be sold. BatchExpired, BatchStateConflict
    """
    batch = lock_batch(session, batch_id=sale.batch_id, states=ON_PAPER)
    count, first_id = session.execute(
        _ACTIVATE,
        {
            "batch_id": batch.id,
            "serials": list(serials),
            "now": now,
            "expires_on": _last_day(batch, now),
        },
    ).one()
    if count != sale.quantity:
        raise NoVouchersToChange
    promoted_fen = batch.face_value_fen * count - sale.amount_fen
    ledger.post_entry(
        session,
        kind="vouchers_activated",
        # A voucher is activated once in its life, so its id names the event.
        reference=f"voucher:{first_id}:activated",
        legs=[
            _receivable(batch, sale.amount_fen),
            promotion_leg(batch, promoted_fen),
            voucher_leg(batch, -sale.amount_fen - promoted_fen),
        ],
        now=now,
    )
    entry_id = ledger.post_entry(
        session,
        kind="vouchers_sold_at_till",
        reference=f"voucher-sale:{sale.sale_no}",
        legs=[_taken(sale), _receivable(batch, -sale.amount_fen)],
        now=now,
    )
    audit_batch(session, "vouchers.sold", batch, seller, {"count": count, "sale_no": sale.sale_no})
    return entry_id


def _taken(sale: VoucherSale) -> Leg:
    if sale.tender is SaleTender.wechat:
        return Leg(account="bank:wechat", amount_fen=sale.amount_fen)
    return Leg(
        account="cash:store",
        amount_fen=sale.amount_fen,
        merchant_id=sale.merchant_id,
        store_id=sale.store_id,
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
    if batch.expires_on is not None and batch.expires_on < today:
        raise BatchExpired
    if batch.expires_on is not None or batch.days_from_activation is None:
        return batch.expires_on
    return today + timedelta(days=batch.days_from_activation)
