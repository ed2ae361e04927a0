"""Paper that may not be used any more: frozen for now, voided for good, or expired."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.clock import local_day
from app.models.vouchers import VoucherBatch
from app.services import ledger
from app.services.batches import audit_batch, lock_batch
from app.services.bearers import promotion_leg
from app.services.ledger import Leg
from app.services.voucher_sales import NoVouchersToChange, SerialRange, bounds, voucher_leg

_FREEZE = text(
    "WITH mine AS ("
    "  SELECT id FROM voucher WHERE batch_id = :batch_id AND frozen <> :frozen"
    "    AND status IN ('inactive', 'active')"
    "    AND (cast(:first AS text) IS NULL OR serial_no BETWEEN :first AND :last)"
    "  ORDER BY id FOR NO KEY UPDATE),"
    " done AS (UPDATE voucher v SET frozen = :frozen FROM mine WHERE v.id = mine.id RETURNING v.id)"
    " SELECT count(*) FROM done"
)
_VOID = text(
    "WITH mine AS ("
    "  SELECT id, status FROM voucher WHERE batch_id = :batch_id"
    "    AND status IN ('inactive', 'active')"
    "    AND (cast(:first AS text) IS NULL OR serial_no BETWEEN :first AND :last)"
    "  ORDER BY id FOR NO KEY UPDATE),"
    " done AS (UPDATE voucher v SET status = 'voided' FROM mine WHERE v.id = mine.id"
    "          RETURNING v.id, mine.status)"
    " SELECT count(*), count(*) FILTER (WHERE status = 'active'),"
    "        min(id) FILTER (WHERE status = 'active') FROM done"
)
_EXPIRE = text(
    "WITH mine AS ("
    "  SELECT id FROM voucher WHERE status = 'active' AND NOT frozen AND expires_on < :today"
    "  ORDER BY expires_on, id LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED),"
    " done AS (UPDATE voucher v SET status = 'expired' FROM mine WHERE v.id = mine.id"
    "          RETURNING v.id, v.batch_id)"
    " SELECT batch_id, count(*), min(id) FROM done GROUP BY batch_id ORDER BY batch_id"
)


def freeze_vouchers(
    session: Session, *, batch_id: int, serials: SerialRange | None, reason: str, actor: Actor
) -> int:
    """Stop vouchers from being used, for example because they were stolen. Returns how many."""
    return _set_frozen(session, batch_id, serials, reason, actor, frozen=True)


def unfreeze_vouchers(
    session: Session, *, batch_id: int, serials: SerialRange | None, reason: str, actor: Actor
) -> int:
    """Let frozen vouchers be used again. Returns how many."""
    return _set_frozen(session, batch_id, serials, reason, actor, frozen=False)


def void_vouchers(
    session: Session,
    *,
    batch_id: int,
    serials: SerialRange | None,
    reason: str,
    actor: Actor,
    now: datetime,
) -> int:
    """End vouchers that nobody has used: what they sold for is owed to the buyer again.

    The sold part goes back against the sales, the promotional part to whoever bears it. Returns how
    many were voided; vouchers that were never activated had no value to book.

    Raises:
        NoVouchersToChange
    """
    batch = lock_batch(session, batch_id=batch_id)
    count, active, first_id = session.execute(
        _VOID, {"batch_id": batch_id, **bounds(serials)}
    ).one()
    if count == 0:
        raise NoVouchersToChange
    if active:
        back = Leg(
            account="receivable:voucher-sales",
            amount_fen=-batch.sale_price_fen * active,
            merchant_id=batch.merchant_id,
            batch_id=batch.id,
        )
        _end(session, batch, "voided", active, first_id, back, now, reason)
    audit_batch(
        session,
        "vouchers.voided",
        batch,
        actor,
        {"count": count, "reason": reason, **bounds(serials)},
    )
    return int(count)


def expire_vouchers(session: Session, *, now: datetime, limit: int = 1000) -> int:
    """End vouchers after their last day: the sold part is breakage, the rest its bearer's again.

    Frozen vouchers wait until somebody has decided about them. Returns how many have expired.
    """
    done = 0
    for batch_id, count, first_id in session.execute(
        _EXPIRE, {"today": local_day(now), "limit": limit}
    ).all():
        batch = session.get_one(VoucherBatch, batch_id)
        kept = Leg(account="income:breakage", amount_fen=-batch.sale_price_fen * count)
        _end(session, batch, "expired", count, first_id, kept, now)
        done += count
    return done


def _end(
    session: Session,
    batch: VoucherBatch,
    how: str,
    count: int,
    first_id: int,
    sold_part: Leg,
    now: datetime,
    reason: str | None = None,
) -> None:
    ledger.post_entry(
        session,
        kind=f"vouchers_{how}",
        reference=f"voucher:{first_id}:{how}",  # Once in its life.
        legs=[
            voucher_leg(batch, batch.face_value_fen * count),
            sold_part,
            promotion_leg(batch, (batch.sale_price_fen - batch.face_value_fen) * count),
        ],
        now=now,
        reason=reason,
    )


def _set_frozen(
    session: Session,
    batch_id: int,
    serials: SerialRange | None,
    reason: str,
    actor: Actor,
    *,
    frozen: bool,
) -> int:
    batch = lock_batch(session, batch_id=batch_id)
    count = session.scalar(_FREEZE, {"batch_id": batch_id, "frozen": frozen, **bounds(serials)})
    if not count:
        raise NoVouchersToChange
    audit_batch(
        session,
        "vouchers.frozen" if frozen else "vouchers.unfrozen",
        batch,
        actor,
        {"count": count, "reason": reason, **bounds(serials)},
    )
    return int(count)
