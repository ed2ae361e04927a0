"""What happens in the demo's history, before it is written: who, where, which lots, how much."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from app.core import money
from app.models.cards import LotKind
from app.models.sales import TopUpChannel
from app.models.vouchers import GiftStatus


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A store with how much it sells and when. ``hours`` are weights of the 24 local hours."""

    store_id: int
    merchant_id: int
    pay_point_id: int
    staff_id: int
    commission_bp: int
    payments_a_day: float
    hours: tuple[int, ...]
    amounts_fen: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Program:
    """``bearer_id`` is the merchant who bears the bonus; None: the platform."""

    program_id: int
    issuer_id: int
    bearer_id: int | None
    accepted_by: frozenset[int]


@dataclass(eq=False, kw_only=True)
class Person:
    nickname: str
    phone: str
    joined_at: datetime
    favourite: Shop
    purses: list[Purse] = field(default_factory=list)
    id: int = 0


@dataclass(eq=False, kw_only=True)
class Purse:
    """One person's card of one program."""

    person: Person
    program: Program
    opened_at: datetime
    parts: list[Part] = field(default_factory=list)
    id: int = 0

    @property
    def balance_fen(self) -> int:
        return sum(part.left_fen for part in self.parts)


@dataclass(eq=False, kw_only=True)
class Part:
    """A lot on a card; ``left_fen`` is what is on it at the point the story has reached."""

    purse: Purse
    kind: LotKind
    original_fen: int
    gifts_left: int
    opened_at: datetime
    left_fen: int = 0
    id: int = 0

    @property
    def bearer_id(self) -> int | None:
        return self.purse.program.bearer_id if self.kind is LotKind.bonus else None


@dataclass(frozen=True)
class Take:
    part: Part
    fen: int


@dataclass(eq=False, kw_only=True)
class Paper:
    """One printed voucher of a batch that has been sold or given out."""

    voucher_id: int
    batch_id: int
    issuer_id: int
    serial_no: str
    face_value_fen: int


@dataclass(eq=False, kw_only=True)
class TopUpEvent:
    at: datetime
    purse: Purse
    channel: TopUpChannel
    amount_fen: int
    bonus_fen: int
    parts: list[Part]
    shop: Shop | None = None
    paper: Paper | None = None
    id: int = 0
    number: str = ""


@dataclass(eq=False, kw_only=True)
class PaymentEvent:
    at: datetime
    shop: Shop
    person: Person
    amount_fen: int
    takes: list[Take]
    refunds: list[RefundEvent] = field(default_factory=list)
    id: int = 0
    number: str = ""

    @property
    def card_fen(self) -> int:
        return sum(take.fen for take in self.takes)

    @property
    def wechat_fen(self) -> int:
        return self.amount_fen - self.card_fen

    @property
    def commission_fen(self) -> int:
        return money.share(
            self.amount_fen, self.shop.commission_bp, rounding=money.Rounding.HALF_UP
        )


@dataclass(eq=False, kw_only=True)
class RefundEvent:
    """Of one payment, whole or in part. ``takes`` go back to the lots that they came from."""

    at: datetime
    payment: PaymentEvent
    takes: list[Take]
    wechat_fen: int
    reason: str
    id: int = 0
    number: str = ""

    @property
    def card_fen(self) -> int:
        return sum(take.fen for take in self.takes)

    @property
    def amount_fen(self) -> int:
        return self.card_fen + self.wechat_fen

    @property
    def commission_fen(self) -> int:
        return money.pro_rata(
            self.payment.commission_fen, part=self.amount_fen, whole=self.payment.amount_fen,
            rounding=money.Rounding.HALF_UP,
        )  # fmt: skip

    @property
    def card_commission_fen(self) -> int:
        return money.pro_rata(
            self.commission_fen, part=self.card_fen, whole=self.amount_fen,
            rounding=money.Rounding.DOWN,
        )  # fmt: skip


@dataclass(eq=False, kw_only=True)
class RedemptionEvent:
    at: datetime
    shop: Shop
    paper: Paper
    id: int = 0
    number: str = ""

    @property
    def commission_fen(self) -> int:
        return money.share(
            self.paper.face_value_fen, self.shop.commission_bp, rounding=money.Rounding.HALF_UP
        )


@dataclass(eq=False, kw_only=True)
class GiftEvent:
    """Sent at ``at``; ``parts`` are the receiver's new lots once it is claimed."""

    at: datetime
    sender: Person
    takes: list[Take]
    message: str
    ended_at: datetime | None = None
    status: GiftStatus = GiftStatus.sent
    receiver: Person | None = None
    parts: list[Part] = field(default_factory=list)
    id: int = 0
    number: str = ""

    @property
    def amount_fen(self) -> int:
        return sum(take.fen for take in self.takes)


@dataclass(eq=False, kw_only=True)
class Story:
    """Everything that happened, each list in the order of time."""

    people: list[Person] = field(default_factory=list)
    purses: list[Purse] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    top_ups: list[TopUpEvent] = field(default_factory=list)
    payments: list[PaymentEvent] = field(default_factory=list)
    refunds: list[RefundEvent] = field(default_factory=list)
    redemptions: list[RedemptionEvent] = field(default_factory=list)
    gifts: list[GiftEvent] = field(default_factory=list)
