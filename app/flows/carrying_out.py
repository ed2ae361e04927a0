"""What a desk at the console does: one change in one transaction, in the system scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from app.core.actor import SYSTEM
from app.flows.context import Context

T = TypeVar("T")


def carry_out(context: Context, effect: Callable[[Session], T]) -> T:
    """Make a change of the back office, whole or not at all.

    No scope but the system's may write. Whose thing it is has been decided before: the desk found
    it in the actor's own scope, where another tenant's is not there.
    """
    with context.database.unit_of_work(SYSTEM) as session:
        return effect(session)
