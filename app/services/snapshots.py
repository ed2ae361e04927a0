"""Balances of accounts that store none, kept now and then: nobody sums from the start."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

_WATERMARK = text("SELECT kaquan.posting_watermark()")
_TAKE = text(
    "WITH kept AS ("
    "  SELECT DISTINCT ON (account, merchant_id, store_id)"
    "         account, merchant_id, store_id, balance_fen FROM balance_snapshot"
    "  ORDER BY account, merchant_id, store_id, up_to_posting_id DESC),"
    " since AS ("
    "  SELECT account, merchant_id, store_id, sum(amount_fen) AS balance_fen FROM posting"
    "  WHERE id > (SELECT coalesce(max(up_to_posting_id), 0) FROM balance_snapshot)"
    "    AND id <= :watermark"
    "  GROUP BY account, merchant_id, store_id)"
    " INSERT INTO balance_snapshot"
    "   (account, merchant_id, store_id, up_to_posting_id, balance_fen, taken_at)"
    " SELECT s.account, s.merchant_id, s.store_id, :watermark,"
    "        s.balance_fen + coalesce(k.balance_fen, 0), :now"
    " FROM since s LEFT JOIN kept k ON k.account = s.account AND k.merchant_id = s.merchant_id"
    "   AND k.store_id IS NOT DISTINCT FROM s.store_id"
)
# Only the last one of an account is ever read. Thousands of accounts move every ten minutes.
_FORGET = text(
    "DELETE FROM balance_snapshot old USING balance_snapshot taken"
    " WHERE taken.up_to_posting_id = :watermark AND old.up_to_posting_id < :watermark"
    "   AND old.account = taken.account AND old.merchant_id = taken.merchant_id"
    "   AND old.store_id IS NOT DISTINCT FROM taken.store_id"
)
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('kaquan balance snapshots'))")


def read_watermark(session: Session) -> int:
    """The posting id up to which everything is committed.

    It stops all writers of the ledger until this transaction ends: end it at once, and take the
    snapshots in the next one.
    """
    watermark: int = session.execute(_WATERMARK).scalar_one()
    return watermark


def take_balance_snapshots(session: Session, *, watermark: int, now: datetime) -> int:
    """Keep the balance of every account that has moved since the last time. Returns how many.

    Args:
        watermark: From ``read_watermark``, in a transaction before this one.
    """
    session.execute(_ONE_AT_A_TIME)
    taken = session.execute(_TAKE, {"watermark": watermark, "now": now})
    session.execute(_FORGET, {"watermark": watermark})
    return taken.rowcount  # type: ignore[attr-defined, no-any-return]
