"""Hourly figures (时段汇总) of what happens most, and where in the tables each hour lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import BigInteger, Index, Text
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


SOURCES: Mapping[str, RollupSource] = {
    source.name: source
    for source in (
        _payments("payment", "created_at"),
        _payments("payment_paid", "paid_at"),
        _top_ups("top_up", "created_at"),
        _top_ups("top_up_credited", "credited_at"),
        RollupSource(
            name="redemption",
            table="redemption",
            instant="redeemed_at",
            kind="''",
            status="CASE WHEN reversed_at IS NULL THEN 'redeemed' ELSE 'reversed' END",
            amount_fen="face_value_fen",
            commission_fen="commission_fen",
        ),
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
