"""Hourly figures (时段汇总) of what happens most, and where in the tables each hour lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import BigInteger, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Fen, Id, MerchantOwned, PrimaryKey, Timestamp

_TENDER = "CASE WHEN wechat_fen = 0 THEN 'card' WHEN card_fen = 0 THEN 'wechat' ELSE 'combined' END"


@dataclass(frozen=True, kw_only=True)
class RollupSource:
    """Rows that are summed by the hour of one of their instants.

    ``kind`` and ``status`` are SQL over the table; what is not named is summed as nothing.
    """

    name: str
    table: str
    instant: str
    kind: str
    status: str
    kind_column: str | None = None  # The column whose values ``kind`` has, if it is one.
    amount_fen: str = "amount_fen"
    card_fen: str = "0"
    wechat_fen: str = "0"
    bonus_fen: str = "0"
    commission_fen: str = "0"


def _payments(name: str, instant: str) -> RollupSource:
    return RollupSource(
        name=name,
        table="payment",
        instant=instant,
        kind=_TENDER,
        status="status",
        card_fen="card_fen",
        wechat_fen="wechat_fen",
        commission_fen="commission_fen",
    )


def _top_ups(name: str, instant: str) -> RollupSource:
    return RollupSource(
        name=name,
        table="top_up",
        instant=instant,
        kind="channel",
        kind_column="channel",
        status="status",
        bonus_fen="bonus_fen",
    )


def _by_staff(of: RollupSource) -> RollupSource:
    """The same rows by who served; what has become of them since is not asked."""
    kind = "coalesce(staff_id::text, '')"
    return replace(of, name=f"{of.name}_staff", kind=kind, kind_column=None, status="''")


_PAID = _payments("payment_paid", "paid_at")
_REDEEMED = RollupSource(
    name="redemption",
    table="redemption",
    instant="redeemed_at",
    kind="''",
    status="CASE WHEN reversed_at IS NULL THEN 'redeemed' ELSE 'reversed' END",
    amount_fen="face_value_fen",
    commission_fen="commission_fen",
)
SOURCES: Mapping[str, RollupSource] = {
    source.name: source
    for source in (
        _payments("payment", "created_at"),
        _PAID,
        _top_ups("top_up", "created_at"),
        _top_ups("top_up_credited", "credited_at"),
        _REDEEMED,
        RollupSource(
            name="refund",
            table="refund",
            instant="created_at",
            kind="origin",
            kind_column="origin",
            status="status",
            card_fen="card_fen",
            wechat_fen="wechat_fen",
            commission_fen="commission_fen",
        ),
        _by_staff(_PAID),
        _by_staff(_REDEEMED),
    )
}


class HourlyRollup(MerchantOwned, Base):
    """What one hour of one source adds up to, by merchant, store, kind and status."""

    __tablename__ = "hourly_rollup"
    __table_args__ = (
        Index(
            "uq_hourly_rollup",
            "source",
            "hour",
            "merchant_id",
            "store_id",
            "kind",
            "status",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_hourly_rollup_merchant", "merchant_id", "source", "hour"),
        Index("ix_hourly_rollup_store", "store_id", "source", "hour"),
    )
    id: Mapped[PrimaryKey]
    source: Mapped[str] = mapped_column(Text)
    hour: Mapped[Timestamp]
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    store_id: Mapped[Id | None]
    kind: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    events: Mapped[int] = mapped_column(BigInteger)
    amount_fen: Mapped[Fen]
    card_fen: Mapped[Fen]
    wechat_fen: Mapped[Fen]
    bonus_fen: Mapped[Fen]
    commission_fen: Mapped[Fen]


class _Sums:
    """What figures have in common: so many events, and what they add up to."""

    events: Mapped[int] = mapped_column(BigInteger)
    amount_fen: Mapped[Fen]
    card_fen: Mapped[Fen]
    wechat_fen: Mapped[Fen]
    bonus_fen: Mapped[Fen]
    commission_fen: Mapped[Fen]


class DailyRollup(_Sums, MerchantOwned, Base):
    """The hours of one local day, by merchant, store and kind: what months are added up from."""

    __tablename__ = "daily_rollup"
    __table_args__ = (
        Index(
            "uq_daily_rollup",
            *("source", "day", "merchant_id", "store_id", "kind"),
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_daily_rollup_merchant", "merchant_id", "source", "day"),
        Index("ix_daily_rollup_store", "store_id", "source", "day"),
    )
    id: Mapped[PrimaryKey]
    source: Mapped[str] = mapped_column(Text)
    day: Mapped[date]
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    store_id: Mapped[Id | None]
    kind: Mapped[str] = mapped_column(Text)


class HourlyTotal(_Sums, Base):
    """One hour of all merchants and stores together, by kind: for the platform's own pages."""

    __tablename__ = "hourly_total"
    source: Mapped[str] = mapped_column(Text, primary_key=True)
    hour: Mapped[Timestamp] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)


# Whose hours tell on which days members paid.
PAID_BY_MEMBERS = "payment_paid"
# A local day's place in its month: the 1st is the lowest bit.
DAY_BIT = "(1 << (extract(day FROM {day})::int - 1))"


class MemberMonth(Base):
    """On which days of a local month a member paid, at whichever merchant; and where repeatedly.

    Each day is a bit (``DAY_BIT``), so that a month of all members is small, and any period of
    whole days can be told from it: who paid, and who more than once.
    """

    __tablename__ = "member_month"
    month: Mapped[date] = mapped_column(primary_key=True)  # Its first day.
    member_id: Mapped[Id] = mapped_column(primary_key=True)
    days: Mapped[int] = mapped_column(Integer)
    repeat_days: Mapped[int] = mapped_column(Integer)  # Of these: with more than one payment.


class HourRange(Base):
    """The lowest and highest id among an hour's rows: a period's rows are found by their ids."""

    __tablename__ = "hour_range"
    source: Mapped[str] = mapped_column(Text, primary_key=True)
    hour: Mapped[Timestamp] = mapped_column(primary_key=True)
    min_id: Mapped[Id]
    max_id: Mapped[Id]


class RollupMark(Base):
    """How far a source is summed. Rows from ``folded_until`` on have ids from ``tail_id`` on."""

    __tablename__ = "rollup_mark"
    source: Mapped[str] = mapped_column(Text, primary_key=True)
    folded_until: Mapped[Timestamp]
    tail_id: Mapped[Id]


class RollupDirty(Base):
    """An hour whose rows have changed since it was summed: triggers write it, the job takes it."""

    __tablename__ = "rollup_dirty"
    id: Mapped[PrimaryKey]
    source: Mapped[str] = mapped_column(Text)
    hour: Mapped[Timestamp]


LEDGER = "ledger"  # The mark's source: postings up to its ``tail_id`` are in the ledger's days.
# Whose days are kept: what is owed to holders, and what of it became income.
KEPT_ACCOUNTS = ("card", "gift", "voucher", "income:breakage")

# One posting's local day and dimensions.
POSTED = """
    SELECT (p.occurred_at AT TIME ZONE 'Asia/Shanghai')::date AS day, p.merchant_id, p.account,
           c.program_id, p.batch_id, l.kind AS lot_kind, e.kind AS event, 1::bigint AS postings,
           p.amount_fen
      FROM posting p JOIN journal_entry e ON e.id = p.entry_id
      LEFT JOIN card c ON c.id = p.card_id LEFT JOIN lot l ON l.id = p.lot_id"""


class LedgerDay(MerchantOwned, Base):
    """What one local day booked on an account, by issuer, program or batch, and kind of event.

    Postings never change and are taken in the order of their ids, so a day is added to and never
    summed again, however late something is booked into it. Amounts are signed like postings.
    """

    __tablename__ = "ledger_day"
    __table_args__ = (
        Index(
            "uq_ledger_day",
            *("account", "day", "merchant_id", "program_id", "batch_id", "lot_kind", "event"),
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_ledger_day_merchant", "merchant_id", "account", "day"),
    )
    id: Mapped[PrimaryKey]
    day: Mapped[date]
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    account: Mapped[str] = mapped_column(Text)
    program_id: Mapped[Id | None]
    batch_id: Mapped[Id | None]
    lot_kind: Mapped[str | None] = mapped_column(Text)
    event: Mapped[str] = mapped_column(Text)
    postings: Mapped[int] = mapped_column(BigInteger)
    amount_fen: Mapped[Fen]
