"""What an id column points to, and the name by which people know that thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, func

from app.models.cards import Card, CardProgram
from app.models.ledger import JournalEntry
from app.models.people import Member, Staff
from app.models.sales import Payment, Refund, TopUp
from app.models.statements import Statement
from app.models.tenants import Merchant, PayPoint, Store, Terminal
from app.models.vouchers import Gift, Voucher, VoucherBatch

Name = Callable[[Any], ColumnElement[Any]]


def member_name(member: Any) -> ColumnElement[Any]:
    """A nickname, and the phone number with its middle hidden."""
    return func.concat_ws(" ", func.nullif(member.nickname, ""), member.phone_masked)


_MERCHANT: tuple[Any, Name] = (Merchant, lambda m: m.name)
_STORE: tuple[Any, Name] = (Store, lambda s: s.name)
_STAFF: tuple[Any, Name] = (Staff, lambda s: s.name)
_MEMBER: tuple[Any, Name] = (Member, member_name)
_STATEMENT: tuple[Any, Name] = (Statement, lambda s: s.statement_no)
_ENTRY: tuple[Any, Name] = (JournalEntry, lambda e: e.reference)

NAMED_IDS: Mapping[str, tuple[Any, Name]] = {
    "merchant_id": _MERCHANT,
    "store_id": _STORE,
    "staff_id": _STAFF,
    "created_by_id": _STAFF,
    "updated_by_id": _STAFF,
    "approved_by_id": _STAFF,
    "reversed_by_id": _STAFF,
    "confirmed_by_id": _STAFF,
    "paid_by_id": _STAFF,
    "answered_by_id": _STAFF,
    "statement_id": _STATEMENT,
    "carried_into_id": _STATEMENT,
    "paid_entry_id": _ENTRY,
    "decided_by_id": _STAFF,
    "proposed_by_id": _STAFF,
    "asked_by_id": _STAFF,
    "made_by_id": _STAFF,
    "holder_merchant_id": _MERCHANT,
    "holder_store_id": _STORE,
    "replaced_by_id": (Voucher, lambda v: v.serial_no),
    "member_id": _MEMBER,
    "payer_id": _MEMBER,
    "sender_id": _MEMBER,
    "receiver_id": _MEMBER,
    "terminal_id": (Terminal, lambda t: t.name),
    "pay_point_id": (PayPoint, lambda p: func.nullif(p.name, "")),
    "program_id": (CardProgram, lambda p: p.name),
    "card_id": (Card, lambda c: c.card_no),
    "batch_id": (VoucherBatch, lambda b: b.name),
    "voucher_id": (Voucher, lambda v: v.serial_no),
    "payment_id": (Payment, lambda p: p.payment_no),
    "top_up_id": (TopUp, lambda t: t.top_up_no),
    "refund_id": (Refund, lambda r: r.refund_no),
    "gift_id": (Gift, lambda g: g.gift_no),
    "entry_id": _ENTRY,
    "reverses_id": _ENTRY,
}
