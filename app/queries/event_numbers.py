"""What a journal entry is about, by the number that stands on that thing's own paper and page.

An entry's ``reference`` ("payment:1820:ended") books an event once and is for machines; people know
the payment by its number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, case, cast, func, select

from app.models.cards import Card, Lot
from app.models.people import Member
from app.models.reconciliations import ReconciliationDifference
from app.models.sales import Payment, Refund, TopUp
from app.models.vouchers import Gift, Redemption, Voucher, VoucherBatch
from app.queries.named_ids import member_name

# What stands before an id in a reference: the table, and the name of its rows.
NUMBERED: Mapping[str, tuple[Any, Callable[[Any], ColumnElement[Any]]]] = {
    "payment": (Payment, lambda p: p.payment_no),
    "refund": (Refund, lambda r: r.refund_no),
    "top-up": (TopUp, lambda t: t.top_up_no),
    "gift": (Gift, lambda g: g.gift_no),
    "redemption": (Redemption, lambda r: r.redemption_no),
    "card": (Card, lambda c: c.card_no),
    "voucher": (Voucher, lambda v: v.serial_no),
    "batch": (VoucherBatch, lambda b: b.batch_no),
    "member": (Member, member_name),
    "reconciliation": (ReconciliationDifference, lambda d: plain_number(d.number)),
}


def event_number(entry: Any) -> ColumnElement[str]:
    """The number of an entry's event in the reader's scope; what is not there keeps its key.

    Args:
        entry: ``JournalEntry`` or an alias of it.
    """
    key = func.split_part(entry.reference, ":", 2)
    branches = [
        (
            entry.reference.op("~")(f"^{what}:[0-9]+(:|$)"),
            select(name(model))
            .where(model.id == cast(key, BigInteger))
            .correlate(entry)  # Of that alone: the asking query may have the card as well.
            .scalar_subquery(),
        )
        for what, (model, name) in {**NUMBERED, "lot": _LOT}.items()
    ]
    return func.coalesce(case(*branches), func.nullif(key, ""), entry.reference)


def plain_number(number: ColumnElement[str]) -> ColumnElement[str]:
    """A difference is of an order, or of a day's fee: of that the day."""
    return cast(func.regexp_replace(number, "^wechat-fee:", ""), Text)


# Value expires lot by lot; people know the card it was on.
_LOT: tuple[Any, Callable[[Any], ColumnElement[Any]]] = (
    Lot,
    lambda lot: select(Card.card_no).where(Card.id == lot.card_id).correlate(lot).scalar_subquery(),
)
