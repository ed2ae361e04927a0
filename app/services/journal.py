"""What every service writes beside its rows: outbox messages, audit records, document numbers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.models.plumbing import AuditRecord, OutboxMessage

_NEXT = text(
    "SELECT id, kaquan.document_no(:letter, id, :now)"
    " FROM nextval(pg_get_serial_sequence(:table, 'id')) id"
)


def next_document(session: Session, *, table: str, letter: str, now: datetime) -> tuple[int, str]:
    """The next id of a table and the number that people read for it (``T2611230123456789``)."""
    row = session.execute(_NEXT, {"letter": letter, "table": table, "now": now}).one()
    return row[0], row[1]


def send_later(
    session: Session,
    topic: str,
    *,
    subject_id: int,
    merchant_id: int | None = None,
    store_id: int | None = None,
) -> None:
    """Write to the outbox: the relay hands it to a job once this transaction is committed."""
    session.add(
        OutboxMessage(
            topic=topic, subject_id=subject_id, merchant_id=merchant_id, store_id=store_id
        )
    )


def audit(
    session: Session,
    action: str,
    *,
    actor: Actor,
    subject_id: int | None = None,
    merchant_id: int | None = None,
    store_id: int | None = None,
    member_id: int | None = None,
    detail: dict[str, object] | None = None,
) -> None:
    """Write down who did what. Never a code, an openid, a phone or a token."""
    if actor.terminal_id is not None:
        detail = {**(detail or {}), "terminal_id": actor.terminal_id}
    session.add(
        AuditRecord(
            action=action,
            subject_id=subject_id,
            merchant_id=merchant_id or actor.merchant_id,
            store_id=store_id or actor.store_id,
            staff_id=actor.staff_id,
            member_id=member_id or actor.member_id,
            detail=detail,
        )
    )
