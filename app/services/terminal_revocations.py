"""A terminal that is lost or retired is revoked, for good."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.models.tenants import Terminal, TerminalStatus
from app.services import journal


class TerminalNotFound(DomainError):
    code = "terminal_not_found"
    category = Category.NOT_FOUND
    template = N_("No such terminal.")


def revoke_terminal(
    session: Session, *, terminal_id: int, reason: str, actor: Actor, now: datetime
) -> Terminal:
    """End a terminal's enrolment. Revoking it a second time changes nothing.

    Raises:
        TerminalNotFound
    """
    terminal = session.get(Terminal, terminal_id, with_for_update={"key_share": True})
    if terminal is None:
        raise TerminalNotFound
    if terminal.status is TerminalStatus.revoked:
        return terminal
    terminal.status, terminal.revoked_at = TerminalStatus.revoked, now
    session.flush()
    journal.audit(
        session,
        "terminal.revoked",
        actor=actor,
        subject_id=terminal_id,
        merchant_id=terminal.merchant_id,
        store_id=terminal.store_id,
        detail={"reason": reason},
    )
    return terminal
