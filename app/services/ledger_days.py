"""The ledger's days: what each local day booked on the accounts that reports ask for.

Postings are taken once, in the order of their ids, up to a watermark below which nothing can still
be committed. So no day is ever summed twice, and none is wrong in silence.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.models.rollups import KEPT_ACCOUNTS, LEDGER, POSTED

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('kaquan ledger days'))")
_NO_TIMEOUT = text("SELECT set_config('statement_timeout', '0', true)")
_UP_TO = text("SELECT coalesce(max(tail_id), 0) FROM rollup_mark WHERE source = :source")
_ADD = text(f"""
    INSERT INTO ledger_day AS d (day, merchant_id, account, program_id, batch_id, lot_kind, event,
                                 postings, amount_fen)
    SELECT day, merchant_id, account, program_id, batch_id, lot_kind, event, count(*),
           sum(amount_fen)
      FROM ({POSTED} WHERE p.id > :after AND p.id <= :watermark AND p.account = ANY (:accounts)) x
     GROUP BY 1, 2, 3, 4, 5, 6, 7
    ON CONFLICT (account, day, merchant_id, program_id, batch_id, lot_kind, event) DO UPDATE
       SET postings = d.postings + excluded.postings,
           amount_fen = d.amount_fen + excluded.amount_fen""")  # noqa: S608 - a constant
_KEEP_MARK = text(
    "INSERT INTO rollup_mark (source, folded_until, tail_id) VALUES (:source, :now, :watermark)"
    " ON CONFLICT (source) DO UPDATE"
    " SET folded_until = excluded.folded_until, tail_id = excluded.tail_id"
)


def fold_ledger_days(session: Session, *, watermark: int, now: datetime) -> int:
    """Add what was booked since the last time. Returns how many figures were touched.

    Args:
        watermark: From ``snapshots.read_watermark``, in a transaction before this one.
    """
    session.execute(_ONE_AT_A_TIME)
    session.execute(_NO_TIMEOUT)
    after = session.execute(_UP_TO, {"source": LEDGER}).scalar_one()
    if watermark <= after:
        return 0
    added = session.execute(
        _ADD, {"after": after, "watermark": watermark, "accounts": list(KEPT_ACCOUNTS)}
    )
    session.execute(_KEEP_MARK, {"source": LEDGER, "now": now, "watermark": watermark})
    return added.rowcount  # type: ignore[attr-defined, no-any-return]


def rebuild_ledger_days(session: Session, *, watermark: int, now: datetime) -> int:
    """Forget all days and add every posting again. Returns how many figures there are."""
    session.execute(_ONE_AT_A_TIME)
    session.execute(text("DELETE FROM ledger_day"))
    session.execute(text("DELETE FROM rollup_mark WHERE source = :source"), {"source": LEDGER})
    return fold_ledger_days(session, watermark=watermark, now=now)
