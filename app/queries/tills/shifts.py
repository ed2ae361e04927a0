"""X and Z reports: what went through a drawer, by kind and tender, in the reader's scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.models.people import Staff
from app.models.tenants import Shift

_CASH = text("""
    SELECT e.kind, 'cash' AS tender, count(DISTINCT e.entry_id) AS count,
           sum(p.amount_fen)::bigint AS amount_fen
    FROM shift_entry e JOIN posting p ON p.entry_id = e.entry_id AND p.account = 'cash:store'
    WHERE e.shift_id = :shift_id GROUP BY e.kind ORDER BY e.kind
""")
# What was done at this drawer without cash: at its terminal, or by its person without one.
_OTHER = text("""
    WITH done AS (
        SELECT 'payment' AS kind, card_fen, wechat_fen, 0::bigint AS paper_fen, staff_id,
               terminal_id
        FROM payment WHERE store_id = :store_id AND staff_id IS NOT NULL
          AND paid_at >= :since AND paid_at < :until
        UNION ALL
        SELECT 'refund', -card_fen, -wechat_fen, 0, staff_id, terminal_id
        FROM refund WHERE store_id = :store_id AND origin = 'payment' AND replaces_id IS NULL
          AND created_at >= :since AND created_at < :until
        UNION ALL
        SELECT 'redemption', 0, 0, face_value_fen, staff_id, terminal_id
        FROM redemption WHERE store_id = :store_id
          AND redeemed_at >= :since AND redeemed_at < :until
        UNION ALL
        SELECT 'redemption_reversed', 0, 0, -face_value_fen, staff_id, terminal_id
        FROM redemption WHERE store_id = :store_id
          AND reversed_at >= :since AND reversed_at < :until
        UNION ALL
        SELECT 'voucher_sale', 0, amount_fen, 0, staff_id, terminal_id
        FROM voucher_sale WHERE store_id = :store_id AND tender = 'wechat'
          AND sold_at >= :since AND sold_at < :until),
    here AS (
        SELECT * FROM done WHERE CASE WHEN cast(:terminal_id AS bigint) IS NULL
            THEN terminal_id IS NULL AND staff_id = :staff_id
            ELSE terminal_id = :terminal_id END)
    SELECT kind, tender, count(*) AS count, sum(fen)::bigint AS amount_fen
    FROM here, LATERAL (VALUES ('card', card_fen), ('wechat', wechat_fen), ('paper', paper_fen))
               part(tender, fen)
    WHERE fen <> 0 GROUP BY kind, tender ORDER BY kind, tender
""")
# Members who scan the counter's code pay the store, and no one drawer of it.
_SCANNED = text("""
    SELECT 'payment_scanned' AS kind, tender, count(*) AS count, sum(fen)::bigint AS amount_fen
    FROM payment, LATERAL (VALUES ('card', card_fen), ('wechat', wechat_fen)) part(tender, fen)
    WHERE store_id = :store_id AND staff_id IS NULL AND fen <> 0
      AND paid_at >= :since AND paid_at < :until
    GROUP BY tender ORDER BY tender
""")


@dataclass(frozen=True, kw_only=True)
class ReportLine:
    """So many events of a kind and what they came to; what was given back is negative."""

    kind: str
    tender: str
    count: int
    amount_fen: int


@dataclass(frozen=True, kw_only=True)
class ShiftReport:
    """``expected_fen`` is the float and the cash lines. ``scanned`` is the whole store's."""

    shift: Shift
    staff_name: str
    expected_fen: int
    cash: Sequence[ReportLine]
    other: Sequence[ReportLine]
    scanned: Sequence[ReportLine]


def report_shift(session: Session, *, shift_id: int, now: datetime) -> ShiftReport | None:
    """A shift's report: X while it is open, Z once it is closed. None: no such shift here."""
    shift = session.get(Shift, shift_id)
    if shift is None:
        return None
    about = {
        "shift_id": shift.id,
        "store_id": shift.store_id,
        "terminal_id": shift.terminal_id,
        "staff_id": shift.staff_id,
        "since": shift.opened_at,
        "until": shift.closed_at or now,
    }
    cash, other, scanned = (
        [ReportLine(**row._mapping) for row in session.execute(lines, about)]
        for lines in (_CASH, _OTHER, _SCANNED)
    )
    moved_fen = sum(line.amount_fen for line in cash)
    name = session.scalar(select(Staff.name).where(Staff.id == shift.staff_id))
    return ShiftReport(
        shift=shift,
        staff_name=name or "",
        expected_fen=shift.opening_float_fen + moved_fen,
        cash=cash,
        other=other,
        scanned=scanned,
    )
