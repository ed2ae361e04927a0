"""Voucher batches (券批次): drafted by one person, approved by another, then generated.

What happens to the paper afterwards is in ``voucher_sales`` and ``voucher_endings``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.clock import local_day
from app.core.errors import N_, Category, DomainError
from app.core.keys import Keys
from app.models.base import OPERATOR_ID
from app.models.cards import Bearer, CardProgram
from app.models.tenants import Store
from app.models.voucher_records import VoucherEventKind
from app.models.vouchers import BatchAcceptance, BatchKind, BatchStatus, VoucherBatch
from app.services import journal
from app.services.two_people import require_another
from app.services.vouchers.voucher_chunks import CHUNK, make_chunk
from app.services.vouchers.voucher_events import record_event
from app.services.vouchers.voucher_holdings import put_in_platforms_hand
from app.services.vouchers.voucher_rules import Validity, require_rules_for_sold

MAX_QUANTITY = 1_000_000
ON_PAPER = (BatchStatus.generated, BatchStatus.printed)


class BatchNotFound(DomainError):
    code = "batch_not_found"
    category = Category.NOT_FOUND
    template = N_("No such voucher batch.")


class BatchInvalid(DomainError):
    code = "batch_invalid"
    category = Category.INVALID
    template = N_("Check face value, sale price (at most the face value), quantity and validity.")


class BatchProgramInvalid(DomainError):
    code = "batch_program_invalid"
    category = Category.INVALID
    template = N_("Top-up codes need a card product of the batch's own issuer.")


class BatchAcceptanceMissing(DomainError):
    code = "batch_acceptance_missing"
    category = Category.INVALID
    template = N_("Say which merchants or stores redeem these vouchers.")


class BatchStateConflict(DomainError):
    code = "batch_state_conflict"
    category = Category.CONFLICT
    template = N_("The batch is in another state by now. Please look at it again.")


@dataclass(frozen=True, kw_only=True)
class BatchTerms:
    """What one voucher of a batch is. Amounts in fen; at most one of the two validities."""

    kind: BatchKind
    face_value_fen: int
    sale_price_fen: int
    quantity: int
    bearer: Bearer = Bearer.platform
    program_id: int | None = None
    expires_on: date | None = None
    days_from_activation: int | None = None


@dataclass(frozen=True, kw_only=True)
class BatchDesign:
    """What is printed beside value, validity and serial number. ``colour``: #rrggbb or empty."""

    title: str = ""
    terms: str = ""
    support_phone: str = ""
    colour: str = ""


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """Who redeems a batch: all stores of a merchant, or one."""

    merchant_id: int
    store_id: int | None = None


def create_batch(
    session: Session,
    *,
    issuer_id: int,
    name: str,
    terms: BatchTerms,
    accepted_by: Sequence[Acceptance] = (),
    design: BatchDesign = BatchDesign(),
    strict: bool = False,
    maker: Actor,
    now: datetime,
) -> VoucherBatch:
    """Draft a batch. Without a list, all stores of the issuer redeem it.

    Args:
        strict: Refuse a sold batch that is outside of what is allowed for one (voucher_rules).

    Raises:
        BatchInvalid, BatchProgramInvalid, BatchAcceptanceMissing, SoldBatchOutsideRules
    """
    _require_terms(session, issuer_id, terms, now)
    if strict:
        require_rules_for_sold(
            face_value_fen=terms.face_value_fen,
            sale_price_fen=terms.sale_price_fen,
            validity=Validity(terms.expires_on, terms.days_from_activation),
            today=local_day(now),
        )
    accepted = _acceptance_of(session, issuer_id, terms.kind, accepted_by)
    batch = _draft(session, issuer_id, name, terms, design, maker, now)
    session.add_all(
        BatchAcceptance(batch_id=batch.id, merchant_id=one.merchant_id, store_id=one.store_id)
        for one in accepted
    )
    _record(session, batch, VoucherEventKind.created, maker, now=now)
    audit_batch(session, "batch.created", batch, maker, {"quantity": terms.quantity})
    return batch


def approve_batch(
    session: Session, *, batch_id: int, approver: Actor, now: datetime | None = None
) -> VoucherBatch:
    """A second person lets the batch be generated.

    Raises:
        SecondPersonRequired: The approver made it, or is nobody.
    """
    batch = lock_batch(session, batch_id=batch_id, states=(BatchStatus.draft,))
    require_another(approver, than=batch.created_by_id)
    batch.status, batch.approved_by_id = BatchStatus.approved, approver.staff_id
    _record(session, batch, VoucherEventKind.approved, approver, now=now)
    audit_batch(session, "batch.approved", batch, approver)
    return batch


def generate_vouchers(
    session: Session, *, batch_id: int, keys: Keys, actor: Actor, now: datetime | None = None
) -> list[str]:
    """Make the batch's vouchers and return their secret codes, in the order of the serial numbers.

    This is the only moment at which the codes exist in the clear: only digests are kept.
    """
    batch = lock_batch(session, batch_id=batch_id, states=(BatchStatus.approved,))
    batch.status = BatchStatus.generating
    fresh: list[str] = []
    while batch.status is BatchStatus.generating:
        fresh += generate_chunk(session, batch=batch, keys=keys, actor=actor, now=now)
    return fresh


def generate_chunk(
    session: Session,
    *,
    batch: VoucherBatch,
    keys: Keys,
    actor: Actor,
    now: datetime | None = None,
) -> list[str]:
    """Make the next chunk of a locked batch; with the last one it is generated, the platform's."""
    assert batch.status is BatchStatus.generating
    chunk_no = batch.generated_count // CHUNK + 1
    fresh = make_chunk(session, batch=batch, chunk_no=chunk_no, keys=keys)
    if batch.generated_count == batch.quantity:
        batch.status = BatchStatus.generated
        put_in_platforms_hand(session, batch=batch)
        _record(session, batch, VoucherEventKind.generated, actor, now=now)
        audit_batch(session, "batch.generated", batch, actor, {"quantity": batch.quantity})
    return fresh


def close_batch(session: Session, *, batch_id: int, reason: str, actor: Actor) -> VoucherBatch:
    """Nothing of this batch is activated or sold any more; what is active stays good."""
    batch = lock_batch(session, batch_id=batch_id, states=ON_PAPER)
    batch.status = BatchStatus.closed
    _record(session, batch, VoucherEventKind.closed, actor, reason)
    audit_batch(session, "batch.closed", batch, actor, {"reason": reason})
    return batch


def cancel_batch(session: Session, *, batch_id: int, reason: str, actor: Actor) -> VoucherBatch:
    """Give a draft up. Nothing was made yet; the batch stays to be read."""
    batch = lock_batch(session, batch_id=batch_id, states=(BatchStatus.draft,))
    batch.status = BatchStatus.cancelled
    _record(session, batch, VoucherEventKind.cancelled, actor, reason)
    audit_batch(session, "batch.cancelled", batch, actor, {"reason": reason})
    return batch


def lock_batch(
    session: Session, *, batch_id: int, states: Sequence[BatchStatus] | None = None
) -> VoucherBatch:
    """The batch's row, locked: whoever changes many of its vouchers goes one after the other.

    Raises:
        BatchNotFound
        BatchStateConflict: It is in none of the states.
    """
    batch = session.get(
        VoucherBatch, batch_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if batch is None:
        raise BatchNotFound
    if states is not None and batch.status not in states:
        raise BatchStateConflict(extra={"status": batch.status.name})
    return batch


def audit_batch(
    session: Session,
    action: str,
    batch: VoucherBatch,
    actor: Actor,
    detail: dict[str, object] | None = None,
) -> None:
    journal.audit(
        session,
        action,
        actor=actor,
        subject_id=batch.id,
        merchant_id=batch.merchant_id,
        detail=detail,
    )


def _record(
    session: Session,
    batch: VoucherBatch,
    kind: VoucherEventKind,
    actor: Actor,
    reason: str | None = None,
    now: datetime | None = None,
) -> None:
    record_event(
        session, batch=batch, kind=kind, quantity=batch.quantity, actor=actor, reason=reason,
        occurred_at=now,
    )  # fmt: skip


def _draft(
    session: Session,
    issuer_id: int,
    name: str,
    terms: BatchTerms,
    design: BatchDesign,
    maker: Actor,
    now: datetime,
) -> VoucherBatch:
    batch_id, _ = journal.next_document(session, table="voucher_batch", letter="B", now=now)
    batch = VoucherBatch(
        id=batch_id,
        merchant_id=issuer_id,
        batch_no=f"{local_day(now):%y%m%d}{batch_id:04d}",
        name=name,
        kind=terms.kind,
        program_id=terms.program_id,
        face_value_fen=terms.face_value_fen,
        sale_price_fen=terms.sale_price_fen,
        bearer=Bearer.platform if issuer_id == OPERATOR_ID else terms.bearer,
        quantity=terms.quantity,
        expires_on=terms.expires_on,
        days_from_activation=terms.days_from_activation,
        created_by_id=maker.staff_id,
        title=design.title,
        terms=design.terms,
        support_phone=design.support_phone,
        colour=design.colour,
    )
    session.add(batch)
    session.flush()
    return batch


def _require_terms(session: Session, issuer_id: int, terms: BatchTerms, now: datetime) -> None:
    sound = (
        terms.face_value_fen > 0
        and 0 <= terms.sale_price_fen <= terms.face_value_fen
        and 1 <= terms.quantity <= MAX_QUANTITY
        and (terms.expires_on is None or terms.days_from_activation is None)
        and (terms.expires_on is None or terms.expires_on >= local_day(now))
        and (terms.days_from_activation is None or terms.days_from_activation > 0)
    )
    if not sound:
        raise BatchInvalid
    if terms.program_id is None:
        owner = None
    else:
        owner = session.scalar(
            select(CardProgram.merchant_id).where(CardProgram.id == terms.program_id)
        )
    fits = owner is None if terms.program_id is None else owner == issuer_id
    if not fits or (terms.kind is not BatchKind.payment and owner is None):
        raise BatchProgramInvalid


def _acceptance_of(
    session: Session, issuer_id: int, kind: BatchKind, accepted_by: Sequence[Acceptance]
) -> Sequence[Acceptance]:
    if accepted_by:
        return accepted_by
    stores = session.scalar(select(func.count(Store.id)).where(Store.merchant_id == issuer_id))
    if stores:
        return [Acceptance(merchant_id=issuer_id)]
    if kind is BatchKind.topup:
        return []  # Redeemed in the app; no counter is asked.
    raise BatchAcceptanceMissing
