"""The consoles' search box: whatever stands on paper or a screen, to the record that it names.

Numbers, serials and phones must be whole, so that a guess finds nothing; names of merchants and
stores may be parts. Everything is read in the reader's scope: what is another's is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from app.models.cards import Card
from app.models.decisions import CardAdjustment, CardReturn
from app.models.people import Member
from app.models.sales import Payment, Refund, TopUp
from app.models.statements import Statement
from app.models.tenants import Merchant, PayPoint, Store
from app.models.vouchers import Gift, Redemption, Voucher, VoucherBatch

MOST = 20  # Of one kind.
_SHORTEST_NAME = 1
_SHORTEST_NUMBER = 4


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What was typed: as it is for names, and as a number without spaces and dashes."""

    words: str
    number: str
    phone_digest: bytes | None


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A record that was found. ``kind`` is the table; ``row`` is shown by the list of its kind."""

    kind: str
    id: int
    row: Any


def read_wanted(typed: str, *, phone_digest: Callable[[str], bytes]) -> Wanted:
    """What somebody typed or scanned. A phone is looked for by its digest only."""
    words = " ".join(typed.split())
    number = words.translate({ord(mark): None for mark in " -－—"}).upper()
    local = number.removeprefix("+86")
    is_phone = local.isascii() and local.isdecimal() and len(local) == 11 and local[0] == "1"
    return Wanted(
        words=words, number=number, phone_digest=phone_digest(local) if is_phone else None
    )


def find_records(session: Session, *, wanted: Wanted, kinds: Collection[str]) -> Sequence[Hit]:
    """All records that what was typed may mean, of the kinds that the reader may open."""
    hits: list[Hit] = []
    for kind, (model, condition_of) in _KINDS.items():
        condition = condition_of(wanted)
        if kind not in kinds or condition is None:
            continue
        rows = session.scalars(select(model).where(condition).order_by(model.id).limit(MOST))
        hits += [Hit(kind=kind, id=row.id, row=row) for row in rows]
    return hits


def _member(wanted: Wanted) -> ColumnElement[bool] | None:
    return None if wanted.phone_digest is None else Member.phone_digest == wanted.phone_digest


def _by_number(*columns: Any) -> Callable[[Wanted], ColumnElement[bool] | None]:
    def condition(wanted: Wanted) -> ColumnElement[bool] | None:
        if len(wanted.number) < _SHORTEST_NUMBER:
            return None
        return or_(*(column == wanted.number for column in columns))

    return condition


def _pay_point(wanted: Wanted) -> ColumnElement[bool] | None:
    # A token is case-sensitive, and may come as the whole address of its code.
    token = wanted.words.rstrip("/").rpartition("/")[2]
    return PayPoint.token == token if len(token) >= _SHORTEST_NUMBER else None


def _by_name(*columns: Any) -> Callable[[Wanted], ColumnElement[bool] | None]:
    def condition(wanted: Wanted) -> ColumnElement[bool] | None:
        if len(wanted.words) < _SHORTEST_NAME:
            return None
        part = func.lower(wanted.words)
        return or_(*(func.strpos(func.lower(column), part) > 0 for column in columns))

    return condition


_KINDS: Mapping[str, tuple[Any, Callable[[Wanted], ColumnElement[bool] | None]]] = {
    "member": (Member, _member),
    "card": (Card, _by_number(Card.card_no)),
    "payment": (Payment, _by_number(Payment.payment_no, Payment.wechat_transaction_id)),
    "top_up": (TopUp, _by_number(TopUp.top_up_no, TopUp.wechat_transaction_id)),
    "refund": (Refund, _by_number(Refund.refund_no)),
    "gift": (Gift, _by_number(Gift.gift_no)),
    "voucher": (Voucher, _by_number(Voucher.serial_no)),
    "redemption": (Redemption, _by_number(Redemption.redemption_no, Redemption.serial_no)),
    "batch": (VoucherBatch, _by_number(VoucherBatch.batch_no)),
    "adjustment": (CardAdjustment, _by_number(CardAdjustment.adjustment_no)),
    "card_return": (CardReturn, _by_number(CardReturn.return_no)),
    "statement": (Statement, _by_number(Statement.statement_no)),
    "merchant": (Merchant, _by_name(Merchant.name, Merchant.code)),
    "store": (Store, _by_name(Store.name, Store.code, Store.city)),
    "pay_point": (PayPoint, _pay_point),
}
KINDS = tuple(_KINDS)
