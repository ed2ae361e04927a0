"""Merchants' own voucher batches: asked for where the operator allows it, approved by the operator.

A merchant's request is a draft like any other. It is narrower: the merchant issues it, its own
stores redeem it, and what is given away on it is the merchant's own cost.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import Actor, Scope
from app.core.errors import N_, Category, DomainError
from app.models.base import OPERATOR_ID
from app.models.cards import Bearer
from app.models.people import Staff
from app.models.tenants import Merchant
from app.models.vouchers import VoucherBatch
from app.services import journal
from app.services.tenants.merchants import MerchantNotFound
from app.services.vouchers.batches import Acceptance, BatchNotFound, BatchTerms


class OwnBatchesNotAllowed(DomainError):
    code = "own_batches_not_allowed"
    category = Category.FORBIDDEN
    template = N_(
        "The platform has not allowed this merchant to request vouchers. Please ask the platform."
    )


class RequestOutsideMerchant(DomainError):
    code = "batch_request_outside_merchant"
    category = Category.INVALID
    template = N_(
        "A merchant requests vouchers of its own, for its own stores and at its own cost. For"
        " anything else please ask the platform."
    )


def allow_own_batches(
    session: Session, *, merchant_id: int, allowed: bool, actor: Actor
) -> Merchant:
    """Let a merchant request voucher batches, or no more; what is requested or out stays as it is.

    Raises:
        MerchantNotFound: Also for the operator, who needs no leave.
    """
    merchant = session.get(Merchant, merchant_id, with_for_update={"key_share": True})
    if merchant is None or merchant_id == OPERATOR_ID:
        raise MerchantNotFound
    merchant.own_batches = allowed
    session.flush()
    journal.audit(
        session,
        "merchant.own_batches",
        actor=actor,
        subject_id=merchant_id,
        merchant_id=merchant_id,
        detail={"allowed": allowed},
    )
    return merchant


def require_may_draft(
    session: Session,
    *,
    issuer_id: int,
    terms: BatchTerms,
    accepted_by: Sequence[Acceptance],
    maker: Actor,
) -> None:
    """The operator drafts what it likes; a merchant what is its own matter.

    Raises:
        OwnBatchesNotAllowed, RequestOutsideMerchant
    """
    if maker.scope is not Scope.merchant:
        return
    own = maker.merchant_id
    if not session.scalar(select(Merchant.own_batches).where(Merchant.id == own)):
        raise OwnBatchesNotAllowed
    at_home = issuer_id == own and all(one.merchant_id == own for one in accepted_by)
    if not at_home or terms.bearer is not Bearer.issuer:
        raise RequestOutsideMerchant


def require_may_cancel(session: Session, *, batch_id: int, actor: Actor) -> None:
    """A merchant takes its own people's requests back, and no draft of the operator's.

    Raises:
        BatchNotFound, RequestOutsideMerchant
    """
    if actor.scope is not Scope.merchant:
        return
    batch = session.get(VoucherBatch, batch_id)
    if batch is None or batch.merchant_id != actor.merchant_id:
        raise BatchNotFound
    if not was_requested(session, batch=batch):
        raise RequestOutsideMerchant


def was_requested(session: Session, *, batch: VoucherBatch) -> bool:
    """Whether the merchant has asked for it, and not the operator drafted it."""
    maker = session.get(Staff, batch.created_by_id) if batch.created_by_id is not None else None
    return maker is not None and maker.merchant_id == batch.merchant_id != OPERATOR_ID
