"""A member's own records, list by list, and all of them at once to take away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.models.cards import Card, CardProgram, Lot
from app.models.ledger import JournalEntry, Posting
from app.models.people import Member
from app.models.refund_requests import RefundRequest
from app.models.sales import Payment, Refund, TopUp
from app.models.tenants import Store
from app.models.vouchers import Gift
from app.queries.event_numbers import event_number

_MOST = 20_000


def list_top_ups(session: Session, *, before: int | None, limit: int) -> list[Any]:
    """Top-ups that the member pays for or receives, newest first: ``TopUp``, program, store."""
    query = (
        select(TopUp, CardProgram.name, Store.name)
        .join(CardProgram, CardProgram.id == TopUp.program_id)
        .outerjoin(Store, Store.id == TopUp.store_id)
    )
    return _newest_first(session, query, TopUp.id, before, limit)


def list_refunds(session: Session, *, before: int | None, limit: int) -> list[Any]:
    """Refunds to the member, newest first: ``Refund``, payment number, store."""
    query = (
        select(Refund, Payment.payment_no, Store.name)
        .outerjoin(Payment, Payment.id == Refund.payment_id)
        .outerjoin(Store, Store.id == Refund.store_id)
    )
    return _newest_first(session, query, Refund.id, before, limit)


def list_refund_requests(session: Session, *, payment_id: int) -> list[RefundRequest]:
    """What the member asked for of one payment, newest first."""
    return list(
        session.scalars(
            select(RefundRequest)
            .where(RefundRequest.payment_id == payment_id)
            .order_by(RefundRequest.id.desc())
            .limit(20)
        )
    )


def export_member(session: Session) -> dict[str, list[dict[str, Any]]]:
    """Everything that is kept of the member whose scope this is, table by table."""
    return {
        name: [dict(row._mapping) for row in session.execute(query.limit(_MOST))]
        for name, query in _EXPORTS.items()
    }


def _newest_first(
    session: Session,
    query: Select[Any, Any, Any],
    number: InstrumentedAttribute[int],
    before: int | None,
    limit: int,
) -> list[Any]:
    """A page of rows, those before the id ``before`` if one is given."""
    if before is not None:
        query = query.where(number < before)
    return list(session.execute(query.order_by(number.desc()).limit(limit)))


# Any: the questions have columns of their own each, and a Select is of its columns' types.
_EXPORTS: Mapping[str, Any] = {
    "profile": select(
        Member.id, Member.nickname, Member.avatar_url, Member.phone_masked, Member.status,
        Member.created_at,
    ),
    "cards": select(Card.card_no, CardProgram.name.label("program"), Card.status,
                    Card.balance_fen, Card.created_at)
    .join(CardProgram, CardProgram.id == Card.program_id)
    .order_by(Card.id),
    "lots": select(Card.card_no, Lot.kind, Lot.remaining_fen, Lot.expires_at)
    .join(Card, Card.id == Lot.card_id)
    .order_by(Lot.id),
    "changes": select(
        JournalEntry.occurred_at, JournalEntry.kind,
        event_number(JournalEntry).label("reference"), Card.card_no,
        (-Posting.amount_fen).label("amount_fen"),
    )
    .join(Posting, Posting.entry_id == JournalEntry.id)
    .join(Card, Card.id == Posting.card_id)
    .where(Posting.account == "card")
    .order_by(Posting.id),
    "payments": select(
        Payment.payment_no, Store.name.label("store"), Payment.status, Payment.amount_fen,
        Payment.card_fen, Payment.wechat_fen, Payment.created_at, Payment.paid_at,
    )
    .join(Store, Store.id == Payment.store_id)
    .order_by(Payment.id),
    "top_ups": select(
        TopUp.top_up_no, TopUp.channel, TopUp.status, TopUp.amount_fen, TopUp.bonus_fen,
        TopUp.phone_masked, TopUp.created_at, TopUp.credited_at,
    ).order_by(TopUp.id),
    "refunds": select(
        Refund.refund_no, Refund.status, Refund.amount_fen, Refund.card_fen, Refund.wechat_fen,
        Refund.reason, Refund.created_at, Refund.succeeded_at,
    ).order_by(Refund.id),
    "refund_requests": select(
        RefundRequest.payment_no, RefundRequest.status, RefundRequest.amount_fen,
        RefundRequest.reason, RefundRequest.created_at, RefundRequest.answered_at,
    ).order_by(RefundRequest.id),
    "gifts": select(
        Gift.gift_no, Gift.status, Gift.amount_fen, Gift.message, Gift.created_at, Gift.ended_at,
    ).order_by(Gift.id),
}  # fmt: skip
