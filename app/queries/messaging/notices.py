"""What a notice says: the amount, the time, the place and the number of what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from app.models.cards import Card, CardProgram, Lot
from app.models.notices import Notice, NoticeConsent, NoticeKind
from app.models.people import MemberIdentity
from app.models.sales import Payment, Refund, TopUp
from app.models.tenants import Store
from app.models.vouchers import Gift


@dataclass(frozen=True, kw_only=True)
class NoticeSeen:
    """``at``: when it happened, or for value that expires when it will. ``place``: may be empty."""

    amount_fen: int
    at: datetime
    place: str
    number: str


def find_notice(session: Session, notice: Notice) -> NoticeSeen:
    row = session.execute(_QUERIES[notice.kind](notice.subject_id)).one()
    return NoticeSeen(amount_fen=row[0], at=row[1], place=row[2] or "", number=row[3])


def openid_of(session: Session, *, member_id: int, appid: str) -> str | None:
    """Where the member can be reached; None for whoever is erased or never was in that app."""
    found: str | None = session.scalar(
        select(MemberIdentity.openid)
        .where(
            MemberIdentity.member_id == member_id,
            MemberIdentity.appid == appid,
            ~MemberIdentity.openid.startswith("erased:"),
        )
        .limit(1)
    )
    return found


def follows_account(session: Session, *, member_id: int, appid: str) -> bool | None:
    """Whether the member follows the official account now; None for whoever never did."""
    found: bool | None = session.scalar(
        text("SELECT kaquan.follows_account(:member_id, :appid)"),
        {"member_id": member_id, "appid": appid},
    )
    return found


def list_consents(session: Session) -> dict[NoticeKind, int]:
    """How many messages of each kind the member in scope has agreed to."""
    rows = session.execute(select(NoticeConsent.kind, NoticeConsent.remaining))
    return {row.kind: row.remaining for row in rows}


def _payment(subject_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(Payment.amount_fen, Payment.paid_at, Store.name, Payment.payment_no)
        .join(Store, Store.id == Payment.store_id)
        .where(Payment.id == subject_id)
    )


def _top_up(subject_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(
            TopUp.amount_fen + TopUp.bonus_fen, TopUp.credited_at, CardProgram.name, TopUp.top_up_no
        )
        .join(CardProgram, CardProgram.id == TopUp.program_id)
        .where(TopUp.id == subject_id)
    )


def _gift(subject_id: int) -> Select[*tuple[Any, ...]]:
    return select(Gift.amount_fen, Gift.ended_at, Gift.message, Gift.gift_no).where(
        Gift.id == subject_id
    )


def _refund(subject_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(Refund.amount_fen, Refund.created_at, Store.name, Refund.refund_no)
        .outerjoin(Store, Store.id == Refund.store_id)
        .where(Refund.id == subject_id)
    )


def _lot(subject_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(Lot.remaining_fen, Lot.expires_at, CardProgram.name, Card.card_no)
        .join(Card, Card.id == Lot.card_id)
        .join(CardProgram, CardProgram.id == Card.program_id)
        .where(Lot.id == subject_id)
    )


_QUERIES = {
    NoticeKind.paid: _payment,
    NoticeKind.topped_up: _top_up,
    NoticeKind.gift_claimed: _gift,
    NoticeKind.gift_returned: _gift,
    NoticeKind.refunded: _refund,
    NoticeKind.expiring: _lot,
}
