"""Scoping a transaction: one statement takes the scope's role and says whose rows are meant."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from app.core.actor import Actor, Scope

log = logging.getLogger(__name__)

_ENTER = text(
    "SELECT set_config('role', :role, true),"
    " set_config('app.member_id', :member_id, true),"
    " set_config('app.merchant_id', :merchant_id, true),"
    " set_config('app.store_id', :store_id, true),"
    " set_config('app.staff_id', :staff_id, true)"
)
_TAKE_ROLE = text("SELECT set_config('role', :role, true)")


def enter_scope(connection: Connection, actor: Actor) -> None:
    """Hold this transaction to the actor's rows. PostgreSQL forgets it at the end of it."""
    connection.execute(
        _ENTER,
        {
            "role": f"kaquan_{actor.scope.name}",
            "member_id": _setting(actor.member_id),
            "merchant_id": _setting(actor.merchant_id),
            "store_id": _setting(actor.store_id),
            "staff_id": _setting(actor.staff_id),
        },
    )


@contextmanager
def raised_scope(session: Session, *, reason: str) -> Iterator[None]:
    """Let a service see across tenants for the statements inside, and say why.

    Money crosses the wall by nature: a member pays a merchant. Only services call this; a test
    refuses it in faces. An exception leaves the scope raised, since its transaction is over then.
    """
    actor: Actor = session.info["actor"]
    if actor.scope is Scope.system:
        yield
        return
    log.debug("scope raised: %s", reason)
    session.execute(_TAKE_ROLE, {"role": "kaquan_system"})
    session.info["actor"] = Actor(scope=Scope.system)
    yield
    session.flush()
    session.info["actor"] = actor
    session.execute(_TAKE_ROLE, {"role": f"kaquan_{actor.scope.name}"})


def _setting(value: int | None) -> str:
    return "" if value is None else str(value)
