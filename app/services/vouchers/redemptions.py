"""Paper at the counter and codes in the app: looking up, redeeming, reversing.

Looking up and redeeming at a till is one SQL function each (migrations/code).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core import codes
from app.core.actor import MANAGER_ROLES, Actor
from app.core.clock import local_day
from app.core.errors import N_, Category, DomainError
from app.core.keys import Keys
from app.models.people import Member, MemberStatus
from app.models.sales import TopUp, TopUpChannel, TopUpStatus
from app.models.tenants import Store
from app.models.vouchers import BatchKind, Redemption, Voucher, VoucherBatch, VoucherStatus
from app.services import journal, ledger
from app.services.refusals import (
    CardCapExceeded,
    CodeMistyped,
    Forbidden,
    MemberFrozen,
    VoucherNotFound,
    refusal,
)
from app.services.sales.top_ups import card_for, credit
from app.services.stored_value.caps import room_on_card

REDEEM = "SELECT verdict, http_status, answer, voucher_id FROM kaquan.redeem(%s, %s, %s, %s)"
REDEEM_TOGETHER = (
    "SELECT place, http_status, answer FROM kaquan.redeem_together("
    "%s::bytea[], %s::text[], %s::bytea[], %s::bytea[], %s::integer[])"
)
_REFUSAL = text(
    "SELECT kaquan.voucher_refusal(v, :kind, :use, :now) FROM voucher v WHERE v.id = :id"
)
# Always one row, of nothing when there is no such voucher for that store.
LOOK_UP = (
    "SELECT v.serial_no, v.face_value_fen, v.status, v.batch_name, v.expires_on, v.refusal,"
    " v.redemption_no, v.redeemed_at, v.store_name"
    " FROM (SELECT 1) one LEFT JOIN kaquan.look_up_voucher(%s, %s, %s) v ON true"
)


class ScannedVoucher(NamedTuple):
    """A till's call: the code's digest under every key version."""

    token_digest: bytes
    key: str
    request_hash: bytes
    code_digests: list[bytes]


class RedemptionNotFound(DomainError):
    code = "redemption_not_found"
    category = Category.NOT_FOUND
    template = N_("No such redemption. Please check the number.")


class RedemptionNotReversible(DomainError):
    code = "redemption_not_reversible"
    category = Category.CONFLICT
    template = N_("Only a redemption of the same day can be reversed, and only once.")


@dataclass(frozen=True, kw_only=True)
class RedemptionSeen:
    """Where and when a voucher was redeemed. The store's name only for those whose tenant it is."""

    redemption_no: str | None
    redeemed_at: datetime
    store_name: str | None


@dataclass(frozen=True, kw_only=True)
class VoucherSeen:
    """What a till sees of a voucher before it redeems it."""

    serial_no: str
    face_value_fen: int
    status: VoucherStatus
    batch_name: str
    expires_on: date | None
    refusal: str | None
    redemption: RedemptionSeen | None


def read_code(text_: str) -> str:
    """The 16 characters of a code, however it was typed or scanned.

    Raises:
        CodeMistyped: The refusal, for the same error of core.codes.
    """
    try:
        return codes.normalise(text_)
    except codes.CodeMistyped:
        raise CodeMistyped from None


def read_look_up(row: Sequence[Any]) -> VoucherSeen:
    """What ``LOOK_UP`` has found for a till that may redeem it.

    Raises:
        VoucherNotFound: Also for one that this store does not accept, so that it cannot probe.
    """
    if row[0] is None:
        raise VoucherNotFound
    return VoucherSeen(
        serial_no=row[0],
        face_value_fen=row[1],
        status=VoucherStatus[row[2]],
        batch_name=row[3],
        expires_on=row[4],
        refusal=row[5],
        redemption=None
        if row[7] is None
        else RedemptionSeen(redemption_no=row[6], redeemed_at=row[7], store_name=row[8]),
    )


def find_redemption(session: Session, *, voucher_id: int) -> RedemptionSeen | None:
    """Where a voucher was redeemed, whichever way it was used."""
    row = session.execute(
        select(Redemption.redemption_no, Redemption.redeemed_at, Store.name)
        .join(Store, Store.id == Redemption.store_id)
        .where(Redemption.voucher_id == voucher_id, Redemption.reversed_at.is_(None))
    ).one_or_none()
    if row is not None:
        return RedemptionSeen(redemption_no=row[0], redeemed_at=row[1], store_name=row[2])
    credited_at = session.scalar(
        select(TopUp.credited_at).where(
            TopUp.voucher_id == voucher_id, TopUp.status == TopUpStatus.credited
        )
    )
    if credited_at is None:
        return None
    return RedemptionSeen(redemption_no=None, redeemed_at=credited_at, store_name=None)


def reverse_redemption(
    session: Session, *, redemption_no: str, reason: str, till: Actor, now: datetime
) -> Redemption:
    """A manager undoes a redemption of the same day; the voucher can be used again.

    Raises:
        RedemptionNotFound: Also for another store's.
    """
    if till.role not in MANAGER_ROLES:
        raise Forbidden
    redemption = session.scalars(
        select(Redemption)
        .where(Redemption.redemption_no == redemption_no)
        .with_for_update(key_share=True)
    ).one_or_none()
    if redemption is None or redemption.merchant_id != till.merchant_id:
        raise RedemptionNotFound
    if till.store_id not in {None, redemption.store_id}:
        raise RedemptionNotFound
    same_day = local_day(redemption.redeemed_at) == local_day(now)
    if redemption.reversed_at is not None or not same_day:
        raise RedemptionNotReversible
    voucher = session.get_one(Voucher, redemption.voucher_id, with_for_update={"key_share": True})
    voucher.status, voucher.redeemed_at = VoucherStatus.active, None
    redemption.reversed_at, redemption.reversed_by_id = now, till.staff_id
    redemption.reversal_reason = reason
    session.flush()
    entry = ledger.find_entry(session, f"redemption:{redemption.id}")
    ledger.reverse_entry(session, entry=entry, now=now, reason=reason)
    journal.send_later(
        session, "voucher.reversed", subject_id=redemption.id,
        merchant_id=redemption.merchant_id, store_id=redemption.store_id,
    )  # fmt: skip
    journal.audit(
        session, "redemption.reversed", actor=till, subject_id=redemption.id,
        detail={"reason": reason},
    )  # fmt: skip
    return redemption


def redeem_top_up_code(
    session: Session, *, code: str, member: Actor, keys: Keys, now: datetime
) -> TopUp:
    """Put a printed code's value onto the member's card: principal as far as it was sold.

    Args:
        code: As it was typed or scanned. The codes of imported cards have no check character.

    Raises:
        VoucherNotFound, and what else speaks against this voucher; CardCapExceeded.
        CodeMistyped: Neither one of our codes nor the code of an imported card.
    """
    assert member.member_id is not None, "only a member redeems a top-up code"
    found = session.execute(
        select(Voucher.id, VoucherBatch)
        .join(VoucherBatch, VoucherBatch.id == Voucher.batch_id)
        .where(Voucher.code_digest.in_(keys.digests_of_typed(code)))
    ).one_or_none()
    if found is None:
        read_code(code)
        raise VoucherNotFound
    voucher_id, batch = found
    if batch.kind is BatchKind.payment:
        raise refusal("voucher_of_other_kind")
    assert batch.program_id is not None, "what tops up a card names its program"
    receiver = session.get_one(Member, member.member_id, with_for_update={"key_share": True})
    if receiver.status is not MemberStatus.active:
        raise MemberFrozen
    # Cards before vouchers: the order in which everybody locks.
    card_id = card_for(session, member_id=receiver.id, program_id=batch.program_id, now=now)
    voucher = session.get_one(
        Voucher, voucher_id, with_for_update={"key_share": True}, populate_existing=True
    )
    _require_usable(session, voucher, batch, member, now)
    room = room_on_card(session, member_id=receiver.id, program_id=batch.program_id)
    if voucher.face_value_fen > room:
        raise CardCapExceeded(extra={"room_fen": max(room, 0)})
    return _use_up(session, voucher, batch, member, card_id, now)


def _use_up(
    session: Session,
    voucher: Voucher,
    batch: VoucherBatch,
    member: Actor,
    card_id: int,
    now: datetime,
) -> TopUp:
    voucher.status, voucher.redeemed_at = VoucherStatus.redeemed, now
    sold_fen = voucher.face_value_fen if batch.is_imported else batch.sale_price_fen
    top_up_id, top_up_no = journal.next_document(session, table="top_up", letter="T", now=now)
    top_up = TopUp(
        id=top_up_id, top_up_no=top_up_no, merchant_id=batch.merchant_id,
        program_id=batch.program_id, channel=TopUpChannel.code, status=TopUpStatus.pending,
        amount_fen=sold_fen, bonus_fen=voucher.face_value_fen - sold_fen,
        member_id=member.member_id, voucher_id=voucher.id, created_at=now,
    )  # fmt: skip
    session.add(top_up)
    credit(session, top_up=top_up, card_id=card_id, source="voucher", now=now)
    journal.audit(session, "top_up.code", actor=member, subject_id=top_up_id)
    return top_up


def _require_usable(
    session: Session, voucher: Voucher, batch: VoucherBatch, member: Actor, now: datetime
) -> None:
    code = _refusal_code(session, voucher, batch, "topup", now)
    if code is None:
        return
    by_you = session.scalar(
        select(TopUp.credited_at).where(
            TopUp.voucher_id == voucher.id, TopUp.member_id == member.member_id
        )
    )
    # When and that it was you is told only to you.
    raise refusal(code, redeemed_by_you=True if by_you else None)


def _refusal_code(
    session: Session, voucher: Voucher, batch: VoucherBatch, use: str, now: datetime
) -> str | None:
    code: str | None = session.scalar(
        _REFUSAL, {"id": voucher.id, "kind": batch.kind.name, "use": use, "now": now}
    )
    return code
