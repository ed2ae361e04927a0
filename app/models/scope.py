"""Scoping a transaction: one statement takes the scope's role and says whose rows are meant."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.engine import Connection

from app.core.actor import Actor

_ENTER = text(
    "SELECT set_config('role', :role, true),"
    " set_config('app.member_id', :member_id, true),"
    " set_config('app.merchant_id', :merchant_id, true),"
    " set_config('app.store_id', :store_id, true),"
    " set_config('app.staff_id', :staff_id, true)"
)


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


def _setting(value: int | None) -> str:
    return "" if value is None else str(value)
