"""Paying merchants what they have earned."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.services import journal, ledger
from app.services.ledger import Leg


def pay_statement(
    session: Session,
    *,
    statement_no: str,
    merchant_id: int,
    payout_fen: int,
    cash_kept_fen: Mapping[int, int],
    actor: Actor,
    now: datetime,
) -> int:
    """Book that a statement is paid: by transfer, and by the cash that its stores have kept.

    Returns the entry's id. A statement is paid once (the entry's reference).

    Args:
        cash_kept_fen: The netted cash by store, from cash top-ups and vouchers sold at the till;
            negative where a store has paid out more than it took.
    """
    assert payout_fen >= 0, "a statement of less than nothing is carried forward"
    kept = [
        Leg(account="cash:store", amount_fen=-fen, merchant_id=merchant_id, store_id=store_id)
        for store_id, fen in sorted(cash_kept_fen.items())
    ]
    owed_fen = payout_fen + sum(cash_kept_fen.values())
    entry_id = ledger.post_entry(
        session,
        kind="statement_paid",
        reference=f"statement:{statement_no}:paid",
        legs=[
            Leg(account="payable:merchant", amount_fen=owed_fen, merchant_id=merchant_id),
            Leg(account="bank:payout", amount_fen=-payout_fen),
            *kept,
        ],
        now=now,
    )
    journal.audit(
        session,
        "statement.paid",
        actor=actor,
        subject_id=entry_id,
        merchant_id=merchant_id,
        detail={"statement_no": statement_no, "payout_fen": payout_fen},
    )
    return entry_id
