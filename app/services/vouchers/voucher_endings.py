"""Paper that may not be used any more: frozen for now, voided for good, or expired."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.actor import SYSTEM, Actor
from app.core.clock import local_day
from app.models.voucher_records import VoucherEventKind
from app.models.vouchers import VoucherBatch
from app.services import ledger
from app.services.bearers import promotion_leg
from app.services.ledger import Leg
from app.services.vouchers.batches import audit_batch, lock_batch
from app.services.vouchers.voucher_events import SerialRange, record_event
from app.services.vouchers.voucher_holdings import SerialOfOtherBatch, numbers_of
from app.services.vouchers.voucher_sales import (
    NoVouchersToChange,
    bounds,
    receivable_leg,
    voucher_leg,
)

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
    "          RETURNING v.id, mine.status, v.face_value_fen)"
    " SELECT count(*), count(*) FILTER (WHERE status = 'active'),"
    "        min(id) FILTER (WHERE status = 'active'),"
    "        coalesce(sum(face_value_fen) FILTER (WHERE status = 'active'), 0)::bigint FROM done"
)
_EXPIRE = text(
    "WITH mine AS ("
    "  SELECT id FROM voucher WHERE status = 'active' AND NOT frozen AND expires_on < :today"
    "  ORDER BY expires_on, id LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED),"
    " done AS (UPDATE voucher v SET status = 'expired' FROM mine WHERE v.id = mine.id"
    "          RETURNING v.id, v.batch_id, v.face_value_fen, v.serial_no)"
    " SELECT batch_id, count(*), min(id), sum(face_value_fen)::bigint,"
    "        min(serial_no), max(serial_no) FROM done"
    " GROUP BY batch_id ORDER BY batch_id"
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
    require_range(batch, serials)
    count, active, first_id, face_fen = session.execute(
        _VOID, {"batch_id": batch_id, **bounds(serials)}
    ).one()
    if count == 0:
        raise NoVouchersToChange
    if active:
        _end(session, batch, _Ending("voided", first_id, active, face_fen), now, reason)
    _record(session, batch, VoucherEventKind.voided, serials, count, reason, actor)
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
    for batch_id, count, first_id, face_fen, first, last in session.execute(
        _EXPIRE, {"today": local_day(now), "limit": limit}
    ).all():
        batch = session.get_one(VoucherBatch, batch_id)
        _end(session, batch, _Ending("expired", first_id, count, face_fen), now)
        # Between the two there may be paper that was used or is good still: see voucher_stories.
        record_event(
            session, batch=batch, kind=VoucherEventKind.expired, quantity=count, actor=SYSTEM,
            serials=SerialRange(first=first, last=last), amount_fen=face_fen,
            occurred_at=now,
        )  # fmt: skip
        done += count
    return done


@dataclass(frozen=True)
class _Ending:
    """What ends: how many active vouchers, their faces in fen, and the first one's id."""

    how: str
    first_id: int
    count: int
    face_fen: int


def _end(
    session: Session,
    batch: VoucherBatch,
    ending: _Ending,
    now: datetime,
    reason: str | None = None,
) -> None:
    # Each old card of an import was sold for its balance, whatever that is.
    sold_fen = ending.face_fen if batch.is_imported else batch.sale_price_fen * ending.count
    if ending.how == "expired":
        sold_part = Leg(account="income:breakage", amount_fen=-sold_fen)
    else:
        sold_part = receivable_leg(batch, -sold_fen)
    ledger.post_entry(
        session,
        kind=f"vouchers_{ending.how}",
        reference=f"voucher:{ending.first_id}:{ending.how}",  # Once in its life.
        legs=[
            voucher_leg(batch, ending.face_fen),
            sold_part,
            promotion_leg(batch, sold_fen - ending.face_fen),
        ],
        now=now,
        reason=reason,
    )


def require_range(batch: VoucherBatch, serials: SerialRange | None) -> None:
    """Refuse a range before the wrong paper is touched.

    Raises:
        SerialMistyped, SerialOfOtherBatch, SerialRangeReversed
    """
    if not batch.is_imported:
        numbers_of(batch, serials)
    elif serials is not None and serials.first != serials.last:
        raise SerialOfOtherBatch  # Old numbers have no order of ours: one at a time.


def _record(
    session: Session,
    batch: VoucherBatch,
    kind: VoucherEventKind,
    serials: SerialRange | None,
    count: int,
    reason: str,
    actor: Actor,
) -> None:
    record_event(
        session,
        batch=batch,
        kind=kind,
        quantity=count,
        actor=actor,
        serials=serials,
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
    require_range(batch, serials)
    count = session.scalar(_FREEZE, {"batch_id": batch_id, "frozen": frozen, **bounds(serials)})
    if not count:
        raise NoVouchersToChange
    kind = VoucherEventKind.frozen if frozen else VoucherEventKind.unfrozen
    _record(session, batch, kind, serials, count, reason, actor)
    audit_batch(
        session,
        "vouchers.frozen" if frozen else "vouchers.unfrozen",
        batch,
        actor,
        {"count": count, "reason": reason, **bounds(serials)},
    )
    return int(count)
