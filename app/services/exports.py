"""Files that somebody has asked for: what becomes of the asking, from waiting to gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.models.base import OPERATOR_ID
from app.models.exports import ExportFile, ExportStatus
from app.models.people import Staff, StaffStatus
from app.services import journal
from app.services.people.sessions import actor_of

LIFETIME = timedelta(days=3)
KEPT = timedelta(days=30)  # What was asked for is known for so long, to be asked for again.
MOST_ATTEMPTS = 3
MOST_AT_ONCE = 5  # Files of one person's that wait or are written.
_SILENT = timedelta(minutes=15)
_OPEN = (ExportStatus.waiting, ExportStatus.running)


class ExportNotFound(DomainError):
    code = "export_not_found"
    category = Category.NOT_FOUND
    template = N_("This file is no longer here. Please export again.")


class TooManyExports(DomainError):
    code = "too_many_exports"
    category = Category.CONFLICT
    template = N_("%(count)s of your files are still being made. Please wait for one of them.")


class ExportReasonMissing(DomainError):
    code = "export_reason_missing"
    category = Category.INVALID
    template = N_("Please write why you need whole phone numbers (at least %(least)s characters).")


@dataclass(frozen=True, kw_only=True)
class ExportTurn:
    """One attempt at writing a file: who it is for, and which attempt it is."""

    export_id: int
    attempt: int
    actor: Actor
    format: str
    plan: dict[str, Any]


def ask_for_export(
    session: Session, *, actor: Actor, title: str, file_name: str, kind: str, plan: dict[str, Any]
) -> ExportFile:
    """Put a file on the list of what is to be written; a job takes it from there.

    Raises:
        TooManyExports
    """
    assert actor.staff_id is not None
    assert actor.role is not None
    # One person's requests one after the other, so that the limit holds.
    session.execute(select(Staff.id).where(Staff.id == actor.staff_id).with_for_update())
    waiting = session.scalar(
        select(func.count()).where(
            ExportFile.staff_id == actor.staff_id, ExportFile.status.in_(_OPEN)
        )
    )
    if (waiting or 0) >= MOST_AT_ONCE:
        raise TooManyExports(count=waiting)
    made = ExportFile(
        merchant_id=actor.merchant_id or OPERATOR_ID,
        store_id=actor.store_id,
        staff_id=actor.staff_id,
        role=actor.role,
        title=title,
        file_name=file_name,
        format=kind,
        plan=plan,
    )
    session.add(made)
    session.flush()
    journal.send_later(session, "export.asked", subject_id=made.id)
    return made


def ask_again(session: Session, *, export_id: int, actor: Actor) -> ExportFile:
    """Write a failed or expired file once more, as of now.

    Raises:
        ExportNotFound, TooManyExports
    """
    old = _own(session, export_id, actor)
    if old.status in _OPEN or old.status is ExportStatus.done:
        return old
    made = ask_for_export(
        session,
        actor=actor,
        title=old.title,
        file_name=old.file_name,
        kind=old.format,
        plan=old.plan,
    )
    session.delete(old)
    return made


def forget_export(session: Session, *, export_id: int, actor: Actor) -> str | None:
    """Take a file off the list. Returns under which name its bytes lie, for them to be deleted.

    Raises:
        ExportNotFound
    """
    old = _own(session, export_id, actor)
    session.delete(old)
    return old.stored_name


def mark_fetched(session: Session, *, export_id: int, actor: Actor, now: datetime) -> ExportFile:
    """Somebody takes their file away.

    Raises:
        ExportNotFound: Or it is not finished, or gone already.
    """
    found = _own(session, export_id, actor)
    if found.status is not ExportStatus.done:
        raise ExportNotFound
    found.fetched_at = now
    return found


def begin_export(session: Session, *, export_id: int, now: datetime) -> ExportTurn | None:
    """Take a turn at writing it; None when there is nothing to write, or no more turn.

    Whoever asked must still be who they were: what they may read is read as them.
    """
    found = session.get(ExportFile, export_id, with_for_update=True)
    if found is None or found.status not in _OPEN:
        return None
    person = session.get_one(Staff, found.staff_id)
    same = (person.status, person.role, person.store_id) == (
        StaffStatus.active,
        found.role,
        found.store_id,
    ) and person.merchant_id == found.merchant_id
    if not same or found.attempts >= MOST_ATTEMPTS:
        found.status, found.finished_at = ExportStatus.failed, now
        return None
    found.status, found.seen_at, found.rows_done = ExportStatus.running, now, 0
    found.attempts += 1
    actor = actor_of(
        member_id=None,
        staff_id=person.id,
        merchant_id=person.merchant_id,
        store_id=person.store_id,
        role=person.role.name,
        digest=b"",
    )
    return ExportTurn(
        export_id=found.id,
        attempt=found.attempts,
        actor=actor,
        format=found.format,
        plan=found.plan,
    )


def report_progress(
    session: Session, turn: ExportTurn, *, done: int, total: int, now: datetime
) -> bool:
    """Say how far it is. False when nobody waits for this turn any more."""
    return _touch(session, turn, rows_done=done, rows_total=total, seen_at=now)


def finish_export(
    session: Session, turn: ExportTurn, *, stored_name: str, size: int, rows: int, now: datetime
) -> bool:
    return _touch(
        session,
        turn,
        status=ExportStatus.done,
        stored_name=stored_name,
        size_bytes=size,
        rows_done=rows,
        rows_total=rows,
        finished_at=now,
        expires_at=now + LIFETIME,
    )


def fail_export(session: Session, turn: ExportTurn, *, now: datetime) -> None:
    """This turn came to nothing: another one follows, or it was the last."""
    over = turn.attempt >= MOST_ATTEMPTS
    _touch(
        session,
        turn,
        status=ExportStatus.failed if over else ExportStatus.waiting,
        finished_at=now if over else None,
    )


def expire_exports(session: Session, *, now: datetime) -> Sequence[str]:
    """Give up what nobody writes any more and what is too old. Returns the names of dead files."""
    session.execute(
        update(ExportFile)
        .where(
            ExportFile.status == ExportStatus.running,
            func.coalesce(ExportFile.seen_at, ExportFile.created_at) < now - _SILENT,
        )
        .values(status=ExportStatus.failed, finished_at=now)
    )
    gone = session.scalars(
        select(ExportFile)
        .where(ExportFile.status == ExportStatus.done, ExportFile.expires_at <= now)
        .with_for_update(skip_locked=True)
    ).all()
    names = [export.stored_name for export in gone if export.stored_name is not None]
    for export in gone:
        export.status, export.stored_name = ExportStatus.expired, None
    session.execute(
        delete(ExportFile).where(
            ExportFile.created_at < now - KEPT,
            ExportFile.status.in_((ExportStatus.expired, ExportStatus.failed)),
        )
    )
    return names


def audit_export(
    session: Session, *, actor: Actor, what: dict[str, object], reason: str | None
) -> None:
    """Who took which records away; with whole phone numbers, and why, if so."""
    action = "export.phones" if reason is not None else "export.asked"
    journal.audit(
        session, action, actor=actor, detail={**what, **({"reason": reason} if reason else {})}
    )


def _own(session: Session, export_id: int, actor: Actor) -> ExportFile:
    found = session.get(ExportFile, export_id, with_for_update=True)
    if found is None or found.staff_id != actor.staff_id:
        raise ExportNotFound
    return found


def _touch(session: Session, turn: ExportTurn, **values: object) -> bool:
    """Change the row while this turn is the one that counts."""
    done = session.execute(
        update(ExportFile)
        .where(
            ExportFile.id == turn.export_id,
            ExportFile.attempts == turn.attempt,
            ExportFile.status == ExportStatus.running,
        )
        .values(**values)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]
