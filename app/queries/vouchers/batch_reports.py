"""What became of a batch's paper, in count and fen, over time, by store and by holder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.models.ledger import Posting
from app.models.tenants import Merchant, Store
from app.models.voucher_records import VoucherHolding
from app.models.vouchers import BatchStatus, VoucherBatch

_STATES = text("""
    SELECT status, frozen, count(*) AS count, sum(face_value_fen)::bigint AS fen FROM voucher
    WHERE batch_id = :batch_id
      AND (cast(:first AS text) IS NULL OR serial_no BETWEEN :first AND :last)
    GROUP BY status, frozen
""")
# Paper in somebody's hands that can still be sold or used. What is spent lies nowhere.
_IN_STOCK = text("""
    SELECT count(*) FROM voucher_holding h
    JOIN voucher v ON v.batch_id = h.batch_id
        AND v.serial_no BETWEEN h.first_serial_no AND h.last_serial_no
    WHERE h.batch_id = :batch_id AND v.status IN ('inactive', 'active')
""")
_DAYS = text("""
    SELECT (redeemed_at AT TIME ZONE 'Asia/Shanghai')::date AS day, count(*) AS count,
           sum(face_value_fen)::bigint AS fen
    FROM redemption WHERE batch_id = :batch_id AND reversed_at IS NULL GROUP BY 1 ORDER BY 1
""")
_STORES = text("""
    SELECT r.store_id, coalesce(s.name, '') AS name, count(*) AS count,
           sum(r.face_value_fen)::bigint AS fen
    FROM redemption r LEFT JOIN store s ON s.id = r.store_id
    WHERE r.batch_id = :batch_id AND r.reversed_at IS NULL GROUP BY 1, 2
    ORDER BY count DESC LIMIT 100
""")
# Whole days between activation and use, in steps that people think in.
_SPEED = text("""
    SELECT width_bucket(days, ARRAY[1, 7, 30, 90, 365]) AS step, count(*) AS count
    FROM (SELECT (redeemed_at AT TIME ZONE 'Asia/Shanghai')::date
               - (activated_at AT TIME ZONE 'Asia/Shanghai')::date AS days
          FROM voucher WHERE batch_id = :batch_id AND status = 'redeemed') used
    GROUP BY 1 ORDER BY 1
""")


@dataclass(frozen=True)
class Figure:
    """So many vouchers, and their faces in fen."""

    count: int = 0
    fen: int = 0


@dataclass(frozen=True)
class Named:
    """A figure of a store, a day or a step of days."""

    name: str
    figure: Figure


@dataclass(frozen=True, kw_only=True)
class BatchReport:
    """A batch's figures. ``active`` is what the platform owes, ``booked_fen`` by the books."""

    quantity: int
    generated: Figure
    printed: Figure
    inactive: Figure
    active: Figure
    redeemed: Figure
    voided: Figure
    expired: Figure
    frozen: Figure
    in_stock: int
    booked_fen: int
    days: Sequence[tuple[date, Figure]]
    stores: Sequence[Named]
    speed: Sequence[tuple[int, int]]

    @property
    def rate_bp(self) -> int:
        """Redeemed of all that ever was active, in basis points."""
        used = self.redeemed.count
        ever = used + self.active.count + self.expired.count
        return 10_000 * used // ever if ever else 0


@dataclass(frozen=True, kw_only=True)
class Stock:
    """What a holder has of a batch: one range of serial numbers."""

    holder: str
    first_serial_no: str
    last_serial_no: str
    count: int


def count_states(
    session: Session, *, batch_id: int, first: str | None = None, last: str | None = None
) -> dict[str, Figure]:
    """A batch's vouchers, or a range's, by state; ``frozen`` are those of any state that are."""
    figures: dict[str, Figure] = {}
    rows = session.execute(_STATES, {"batch_id": batch_id, "first": first, "last": last})
    for status, frozen, count, fen in rows:
        for name in (status, "frozen") if frozen else (status,):
            before = figures.get(name, Figure())
            figures[name] = Figure(before.count + count, before.fen + fen)
    return figures


def report_batch(session: Session, *, batch: VoucherBatch) -> BatchReport:
    """All figures of a batch, as far as the reader sees its vouchers and redemptions."""
    states = count_states(session, batch_id=batch.id)
    made = Figure(
        sum(f.count for name, f in states.items() if name != "frozen"),
        sum(f.fen for name, f in states.items() if name != "frozen"),
    )
    on_paper = batch.status in {BatchStatus.printed, BatchStatus.closed} and not batch.is_imported
    named = {"batch_id": batch.id}
    return BatchReport(
        quantity=batch.quantity,
        generated=made,
        printed=made if on_paper else Figure(),
        **{
            name: states.get(name, Figure())
            for name in ("inactive", "active", "redeemed", "voided", "expired", "frozen")
        },
        in_stock=session.execute(_IN_STOCK, named).scalar_one(),
        booked_fen=_booked_fen(session, batch.id),
        days=[(day, Figure(n, fen)) for day, n, fen in session.execute(_DAYS, named)],
        stores=[Named(name, Figure(n, fen)) for _, name, n, fen in session.execute(_STORES, named)],
        speed=[(step, n) for step, n in session.execute(_SPEED, named)],
    )


def stock_of(session: Session, *, batch_id: int) -> Sequence[Stock]:
    """In whose hands a batch's paper is, range by range."""
    rows = session.execute(
        select(VoucherHolding, Merchant.name, Store.name)
        .outerjoin(Merchant, Merchant.id == VoucherHolding.merchant_id)
        .outerjoin(Store, Store.id == VoucherHolding.store_id)
        .where(VoucherHolding.batch_id == batch_id)
        .order_by(VoucherHolding.first_number)
    )
    return [
        Stock(
            holder=store or merchant or "",
            first_serial_no=held.first_serial_no,
            last_serial_no=held.last_serial_no,
            count=held.last_number - held.first_number + 1,
        )
        for held, merchant, store in rows
    ]


def _booked_fen(session: Session, batch_id: int) -> int:
    booked = select(func.coalesce(-func.sum(Posting.amount_fen), 0)).where(
        Posting.account == "voucher", Posting.batch_id == batch_id
    )
    return int(session.scalar(booked) or 0)
