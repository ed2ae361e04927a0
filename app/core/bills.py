"""WeChat's bills as plain facts: what each line says, in fen and instants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime


class BillRejected(Exception):
    """A bill that cannot be believed as it came. Nothing is made of it.

    Attributes:
        reason: A fixed word: ``hash``, ``cut_off``, ``columns``, ``malformed``, ``sums``.
    """

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(f"{reason} {where}".strip())
        self.reason = reason


class BillNotReady(Exception):
    """WeChat has not made this day's bill yet; it comes the next day after ten."""


@dataclass(frozen=True, kw_only=True)
class TradeLine:
    """One payment or refund. A refund has its own numbers beside those of its order.

    ``fee_fen`` is what WeChat keeps; of a refund it is what it gives back, hence negative.
    """

    line_no: int
    occurred_at: datetime
    transaction_id: str
    order_no: str
    refund_id: str | None
    refund_no: str | None
    state: str
    amount_fen: int
    fee_fen: int

    @property
    def is_refund(self) -> bool:
        return self.refund_no is not None

    @property
    def number(self) -> str:
        """What we call it: the refund's number, or the order's."""
        return self.refund_no or self.order_no

    @property
    def net_fen(self) -> int:
        """What WeChat's account has more after it; less than nothing after a refund."""
        return (-self.amount_fen if self.is_refund else self.amount_fen) - self.fee_fen


@dataclass(frozen=True, kw_only=True)
class FlowLine:
    """One movement of WeChat's account. ``amount_fen`` is signed: what comes in is positive."""

    line_no: int
    occurred_at: datetime
    business_no: str
    flow_no: str
    kind: str
    amount_fen: int
    balance_fen: int
    voucher_no: str

    @property
    def is_fee(self) -> bool:
        """Whether it is WeChat's fee alone. A refund comes without the part that is given back."""
        return _FEE in self.kind


@dataclass(frozen=True, kw_only=True)
class TradeBill:
    """A day's payments and refunds. ``sha1`` is of the plain bytes, as WeChat told it."""

    bill_on: date
    sha1: str
    lines: Sequence[TradeLine]

    @property
    def movements(self) -> Sequence[TradeLine]:
        """Its lines without those that only say again what another one has said."""
        return list({(one.transaction_id, one.refund_id): one for one in self.lines}.values())

    @property
    def fee_fen(self) -> int:
        return sum(line.fee_fen for line in self.movements)

    @property
    def net_fen(self) -> int:
        """What the day's payments leave after refunds and fees."""
        return sum(line.net_fen for line in self.movements)


@dataclass(frozen=True, kw_only=True)
class FundFlowBill:
    """A day's movements of WeChat's account."""

    bill_on: date
    sha1: str
    lines: Sequence[FlowLine]

    @property
    def transfers(self) -> Sequence[FlowLine]:
        """What WeChat has sent on to our bank."""
        return [line for line in self.lines if line.kind == TRANSFER and line.amount_fen < 0]

    @property
    def business(self) -> Sequence[FlowLine]:
        """What the day's business has moved, without transfers to our bank."""
        return [line for line in self.lines if line.kind != TRANSFER]


_FEE = "手续费"
TRANSFER = "提现"  # WeChat's own word in its bills; ours is a transfer to the bank.
