"""The consoles' database sessions: everything that a view reads is held to its reader's rows."""

from __future__ import annotations

from flask import Flask, g
from flask.globals import app_ctx
from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session, SessionTransaction, scoped_session, sessionmaker

from app.core.actor import Actor
from app.db import Database
from app.models.scope import enter_scope


def reader_session(app: Flask, database: Database) -> scoped_session[Session]:
    """A session a request, in the scope of whoever is signed in.

    Nobody signed in, no scope: PostgreSQL shows no row of ours then. Reading is all that the scopes
    may do; what changes something goes through a flow or a service. It is closed with the request.
    """
    registry = scoped_session(
        sessionmaker(bind=database.engine, autoflush=False), scopefunc=_current_request
    )
    event.listen(registry.session_factory, "after_begin", _enter_readers_scope)

    @app.teardown_appcontext
    def _close(_error: BaseException | None) -> None:
        if registry.registry.has():
            registry.remove()

    return registry


def security_session(app: Flask, database: Database) -> scoped_session[Session]:
    """Flask-AppBuilder's own tables (``ab_*``), without a scope: no tenant's row is seen here."""
    registry = scoped_session(sessionmaker(bind=database.engine), scopefunc=_current_request)

    @app.teardown_appcontext
    def _close(_error: BaseException | None) -> None:
        if registry.registry.has():
            registry.remove()

    return registry


def _current_request() -> int:
    return id(app_ctx._get_current_object())


def _enter_readers_scope(
    _session: Session, _transaction: SessionTransaction, connection: Connection
) -> None:
    actor: Actor | None = g.get("actor")
    if actor is not None:
        enter_scope(connection, actor)
