"""The database: engines, the unit of work (the one place that commits), and the hot call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import OperationalError as SqlOperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, SessionTransaction

from app.core.actor import Actor
from app.models.scope import enter_scope

_POOL_WAIT_SECONDS = 2
_STATEMENT_TIMEOUT = (
    "-c statement_timeout=15s -c lock_timeout=8s -c idle_in_transaction_session_timeout=60s"
)


class DatabaseBusy(Exception):
    """No connection, or no lock, became free in time. Nothing was written."""


class DatabaseDown(Exception):
    """The connection was lost, or there is none. A call with a key may be sent again."""


NOT_NOW = (DatabaseBusy, DatabaseDown)


def driver_url(uri: str) -> URL:
    """A libpq address as SQLAlchemy wants it."""
    return make_url(uri).set(drivername="postgresql+psycopg")


def new_engine(uri: str, *, autocommit: bool = False, size: int = 16) -> Engine:
    return create_engine(
        driver_url(uri),
        pool_size=size,
        max_overflow=0,
        pool_timeout=_POOL_WAIT_SECONDS,
        pool_pre_ping=not autocommit,
        pool_reset_on_return=None if autocommit else "rollback",
        connect_args={
            "autocommit": autocommit,
            "options": _STATEMENT_TIMEOUT,
            "application_name": "kaquan",
            "connect_timeout": 5,
        },
    )


@dataclass(frozen=True)
class Database:
    """Two small pools on one database: transactions with a scope, and single hot calls."""

    engine: Engine
    hot_engine: Engine

    @contextmanager
    def unit_of_work(self, actor: Actor) -> Iterator[Session]:
        """One transaction, held to the actor's rows. Commits at the end, or not at all."""
        with Session(self.engine, expire_on_commit=False, info={"actor": actor}) as session:
            event.listen(session, "after_begin", _enter_scope)
            try:
                with session.begin():
                    yield session
            except PoolTimeout as error:
                raise DatabaseBusy from error
            except SqlOperationalError as error:
                # The server gives up on what takes too long: a lock, a deadlock, a full disk.
                answered = isinstance(error.orig, psycopg.Error) and error.orig.sqlstate
                lost = error.connection_invalidated or not answered
                raise (DatabaseDown if lost else DatabaseBusy) from error

    def call(self, statement: str, parameters: Sequence[object]) -> tuple[Any, ...]:
        """Run one statement in its own transaction and give its one row.

        For the functions of the hot path. They carry an idempotency key, so a lost connection is
        simply tried once more: what was committed is answered again, what was not is done now.

        Raises:
            DatabaseBusy: No connection within two seconds, or no lock in time.
            DatabaseDown: Lost twice.
        """
        [row] = self.call_rows(statement, parameters)
        return row

    def call_rows(self, statement: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        """The same, with as many rows as there are.

        Raises:
            DatabaseBusy, DatabaseDown
        """
        for attempt in (1, 2):
            try:
                connection = self.hot_engine.raw_connection()
            except PoolTimeout as error:
                raise DatabaseBusy from error
            except _LOST as error:
                raise DatabaseDown from error
            try:
                return connection.cursor().execute(statement, parameters).fetchall()
            except _LOST as error:
                if not connection.driver_connection.closed:
                    if isinstance(error, psycopg.InterfaceError):
                        raise
                    raise DatabaseBusy from error
                connection.invalidate(error)
                if attempt == 2:
                    raise DatabaseDown from error
                self.hot_engine.dispose()
            finally:
                if connection.is_valid:
                    connection.close()
        raise AssertionError("unreachable")

    def dispose(self) -> None:
        self.engine.dispose()
        self.hot_engine.dispose()


_LOST = (psycopg.OperationalError, psycopg.InterfaceError)


def open_database(uri: str) -> Database:
    return Database(engine=new_engine(uri), hot_engine=new_engine(uri, autocommit=True))


def _enter_scope(
    session: Session, _transaction: SessionTransaction, connection: Connection
) -> None:
    enter_scope(connection, session.info["actor"])
