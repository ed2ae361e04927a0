"""Reports that somebody takes away: written down before they get them."""

from __future__ import annotations

from app.core.actor import SYSTEM, Actor
from app.flows.context import Context
from app.services import exports


def audit(context: Context, actor: Actor, *, report: str, kind: str) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        exports.audit_export(
            session, actor=actor, what={"list": f"report:{report}", "format": kind}, reason=None
        )
