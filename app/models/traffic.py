"""Who reads what: page views without persons, and what is summed of them by hour and by day."""

from __future__ import annotations

import uuid
from datetime import date

from sqlalchemy import BigInteger, Index, LargeBinary, Text, Uuid, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, PrimaryKey, Timestamp


class PageView(Base):
    """One view of one page. A partition a local day, in the schema ``traffic``; never changed.

    ``visitor`` is a salted digest that is another one on the next day, and its salt is thrown away:
    nobody can be followed. ``kind``: a view, or a leave with the seconds that a view has lasted.
    """

    __tablename__ = "page_view"
    __table_args__ = {"postgresql_partition_by": "RANGE (viewed_at)"}  # noqa: RUF012 - SQLAlchemy wants a plain dict
    viewed_at: Mapped[Timestamp] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(
        Uuid, primary_key=True, server_default=func.gen_random_uuid()
    )
    kind: Mapped[str] = mapped_column(Text)
    face: Mapped[str] = mapped_column(Text)
    merchant_id: Mapped[Id | None]
    batch_id: Mapped[Id | None]
    visitor: Mapped[Id]
    path: Mapped[str] = mapped_column(Text)
    seconds: Mapped[int] = mapped_column(default=0, server_default="0")
    device: Mapped[str] = mapped_column(Text)
    client: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    keyword: Mapped[str] = mapped_column(Text)
    campaign: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    # The transaction that wrote it: what the sums do not contain yet is told by it.
    written_in: Mapped[Id] = mapped_column(
        BigInteger, server_default=text("(pg_current_xact_id()::text)::bigint")
    )


class TrafficSalt(Base):
    """What visitors' digests of one local day are salted with. Deleted when the day is over."""

    __tablename__ = "traffic_salt"
    day: Mapped[date] = mapped_column(primary_key=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary)


class TrafficHour(Base):
    """Views and visitors of one hour. Without a merchant: of everything."""

    __tablename__ = "traffic_hour"
    __table_args__ = (
        Index(
            "uq_traffic_hour", "hour", "merchant_id", unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip
    id: Mapped[PrimaryKey]
    hour: Mapped[Timestamp]
    merchant_id: Mapped[Id | None]
    views: Mapped[Id]
    visitors: Mapped[Id]


class TrafficDay(Base):
    """A local day's figures by one dimension: ``path``, ``device``, ``source`` ... or ``all``.

    A visit ends after half an hour without a view. ``bounces`` are visits of one view.
    """

    __tablename__ = "traffic_day"
    __table_args__ = (
        Index(
            "uq_traffic_day", "day", "merchant_id", "dimension", "name", unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip
    id: Mapped[PrimaryKey]
    day: Mapped[date]
    merchant_id: Mapped[Id | None]
    dimension: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    views: Mapped[Id]
    visitors: Mapped[Id]
    visits: Mapped[Id]
    bounces: Mapped[Id]
    seconds: Mapped[Id]
    entries: Mapped[Id]
    exits: Mapped[Id]


class TrafficFold(Base):
    """How far a local day has been summed: the snapshot of transactions that its sums contain."""

    __tablename__ = "traffic_fold"
    day: Mapped[date] = mapped_column(primary_key=True)
    snapshot: Mapped[str] = mapped_column(Text)
