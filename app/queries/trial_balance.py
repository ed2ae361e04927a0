"""The trial balance: what every account stands at, from its last snapshot and what came after."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

_KEPT = text("SELECT coalesce(max(up_to_posting_id), 0) FROM balance_snapshot")
_BALANCES = text(
    "WITH kept AS ("
    "  SELECT DISTINCT ON (account, merchant_id, store_id)"
    "         account, merchant_id, store_id, balance_fen FROM balance_snapshot"
    "  ORDER BY account, merchant_id, store_id, up_to_posting_id DESC),"
    " since AS ("
    "  SELECT account, merchant_id, store_id, sum(amount_fen) AS balance_fen FROM posting"
    # Given as a value, too, so that PostgreSQL sees how few postings are left.
    "  WHERE id > :kept AND id > (SELECT coalesce(max(up_to_posting_id), 0) FROM balance_snapshot)"
    "  GROUP BY account, merchant_id, store_id)"
    " SELECT account, merchant_id, store_id, sum(balance_fen)::bigint AS balance_fen"
    " FROM (SELECT * FROM kept UNION ALL SELECT * FROM since) both_parts"
    " GROUP BY account, merchant_id, store_id"
    " ORDER BY account, merchant_id, store_id NULLS FIRST"
)


@dataclass(frozen=True, kw_only=True)
class AccountBalance:
    """An account of one merchant (and store). Positive: a debit balance."""

    account: str
    merchant_id: int
    store_id: int | None
    balance_fen: int


def trial_balance(session: Session) -> list[AccountBalance]:
    """Every account's balance as of now; over all of them they sum to zero (L5)."""
    kept = session.execute(_KEPT).scalar_one()
    rows = session.execute(_BALANCES, {"kept": kept})
    return [AccountBalance(**row._mapping) for row in rows]


# What members and holders of paper may still spend: the operator owes it until they do.
OUTSTANDING = ("card", "held", "gift", "voucher", "pending:top-up")


def outstanding_fen(session: Session) -> int:
    """The outstanding liability (预收资金余额) of whoever reads: what is sold and not yet spent."""
    return -sum(
        balance.balance_fen for balance in trial_balance(session) if balance.account in OUTSTANDING
    )
