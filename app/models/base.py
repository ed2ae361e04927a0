"""The declarative base, shared with Flask-AppBuilder's tables, and our column types."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated, TypeVar

from flask_appbuilder import Model as FabModel
from sqlalchemy import BigInteger, DateTime, Enum, Identity, Index, func
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column

E = TypeVar("E", bound=enum.Enum)

OPERATOR_ID = 1  # The platform itself: the merchant row that owns its banks, income and programs.

PrimaryKey = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
Fen = Annotated[int, mapped_column(BigInteger)]
Id = Annotated[int, mapped_column(BigInteger)]
IndexedId = Annotated[int, mapped_column(BigInteger, index=True)]
Timestamp = Annotated[datetime, mapped_column(DateTime(timezone=True))]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]


class Base(DeclarativeBase):
    """Our tables live in the metadata of Flask-AppBuilder's, so one migration history has both."""

    registry = FabModel.registry
    metadata = FabModel.metadata


class MerchantOwned:
    """A tenant table. Which rows each scope sees stands in ``app/models/policies.py``.

    There is no foreign key to ``merchant`` and ``store`` on tables that every payment writes: its
    share lock on one shop's row is what a thousand payers would queue for. Those rows are never
    deleted (nobody has the right), and ``make verify`` asks for orphans.
    """

    merchant_id: Mapped[IndexedId]


def state_column(states: type[E], name: str, *, default: E | None = None) -> MappedColumn[E]:
    """An enum kept as text under a CHECK, so that a new state is a small migration."""
    kind = Enum(states, native_enum=False, length=24, create_constraint=True, name=name)
    server_default = None if default is None else default.name
    return mapped_column(kind, default=default, server_default=server_default)


def unique_where_given(table: str, column: str) -> Index:
    """A unique index without the rows that leave the column empty, which are most of them."""
    return Index(
        f"uq_{table}_{column}", column, unique=True, postgresql_where=f"{column} IS NOT NULL"
    )
