"""Who bears a bonus or a promotion, and how that stands in the books."""

from __future__ import annotations

from app.models.base import OPERATOR_ID
from app.models.cards import Bearer
from app.models.vouchers import VoucherBatch
from app.services.ledger import Leg


def bonus_leg(bearer_id: int | None, amount_fen: int) -> Leg:
    """The bearer's account of a card's bonus: a debit when it is given, a credit when it ends.

    Args:
        bearer_id: The merchant who owes it until it is spent; None: the platform's own expense.
    """
    if bearer_id is None:
        return Leg(account="expense:bonus", amount_fen=amount_fen)
    return Leg(account="bonus-borne:merchant", amount_fen=amount_fen, merchant_id=bearer_id)


def promotion_leg(batch: VoucherBatch, amount_fen: int) -> Leg:
    """The same for the part of a voucher's face that was not sold."""
    if batch.bearer is Bearer.platform:
        # The expense is the platform's, and a batch may be a merchant's: no batch on this leg (L6).
        return Leg(account="expense:promotion", amount_fen=amount_fen, merchant_id=OPERATOR_ID)
    return Leg(
        account="bonus-borne:merchant",
        amount_fen=amount_fen,
        merchant_id=batch.merchant_id,
        batch_id=batch.id,
    )
