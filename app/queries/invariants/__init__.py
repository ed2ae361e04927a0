"""The invariants of the ledger and the business around it, asked of the database as it stands.

Each is held by a service and by PostgreSQL as well; here the same thing is asked a third way, from
the rows alone. Every question is one statement over whole tables, so that ten million postings take
seconds, not hours. ``docs/invariants.md`` lists them with the tests that break them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.queries.invariants.business import BUSINESS
from app.queries.invariants.figures import FIGURES
from app.queries.invariants.ledger import LEDGER
from app.queries.invariants.model import Invariant

INVARIANTS: tuple[Invariant, ...] = LEDGER + BUSINESS + FIGURES


@dataclass(frozen=True, kw_only=True)
class InvariantResult:
    """What came out of one question: how many things were looked at, and how many are broken."""

    id: str
    ok: bool
    checked: int
    bad: int


def check_invariants(session: Session) -> list[InvariantResult]:
    """Ask every invariant in one snapshot, so that business may go on meanwhile.

    The session must be a fresh unit of work in the system scope: a snapshot begins with the
    transaction.
    """
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    session.execute(text("SELECT set_config('statement_timeout', '0', true)"))
    return [_ask(session, invariant) for invariant in INVARIANTS]


def _ask(session: Session, invariant: Invariant) -> InvariantResult:
    checked, bad = session.execute(text(invariant.sql)).one()
    return InvariantResult(id=invariant.id, ok=bad == 0, checked=int(checked), bad=int(bad))
