"""What WeChat's own bills say: the fee it keeps, and what it has sent to our bank."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.services import journal, ledger
from app.services.ledger import Leg


def fee_reference(bill_on: date) -> str:
    """What a day's fee is called in the ledger, and where it differs."""
    return f"wechat-fee:{bill_on.isoformat()}"


def transfer_reference(transfer_no: str) -> str:
    return f"wechat-transfer:{transfer_no}"


def book_wechat_fee(
    session: Session, *, bill_on: date, fee_fen: int, actor: Actor, now: datetime
) -> int:
    """Book the fee of one day's bill. A day's fee is booked once (the entry's reference).

    Args:
        fee_fen: Less than nothing on a day on which more was given back than paid.
    """
    return _book(
        session,
        kind="wechat_fee",
        reference=fee_reference(bill_on),
        debit="expense:wechat-fee",
        amount_fen=fee_fen,
        actor=actor,
        now=now,
    )


def book_wechat_transfer(
    session: Session, *, transfer_no: str, amount_fen: int, actor: Actor, now: datetime
) -> int:
    """Book money that WeChat has sent on to our bank. A transfer is booked once, by its number."""
    return _book(
        session,
        kind="wechat_transfer",
        reference=transfer_reference(transfer_no),
        debit="bank:payout",
        amount_fen=amount_fen,
        actor=actor,
        now=now,
    )


def _book(
    session: Session,
    *,
    kind: str,
    reference: str,
    debit: str,
    amount_fen: int,
    actor: Actor,
    now: datetime,
) -> int:
    assert amount_fen != 0, "a bill's line is an amount"
    entry_id = ledger.post_entry(
        session,
        kind=kind,
        reference=reference,
        legs=[
            Leg(account=debit, amount_fen=amount_fen),
            Leg(account="bank:wechat", amount_fen=-amount_fen),
        ],
        now=now,
    )
    journal.audit(
        session,
        f"bank.{kind}",
        actor=actor,
        subject_id=entry_id,
        detail={"amount_fen": amount_fen, "reference": reference},
    )
    return entry_id
