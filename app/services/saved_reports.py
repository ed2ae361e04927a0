"""Saved reports (常用报表): a person's own, and what the clock makes of them.

The file is an export like any other: made by the same job, in that person's own scope, kept in
their download centre. A mail says that it lies there; it carries a link and no figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.clock import SHANGHAI, local_day
from app.core.errors import N_, Category, DomainError
from app.models.base import OPERATOR_ID
from app.models.exports import ExportFile, ExportStatus
from app.models.people import Staff, StaffStatus
from app.models.saved_reports import (
    DeliveryStatus,
    ReportDelivery,
    ReportSchedule,
    ReportSpan,
    SavedReport,
)
from app.services import exports, journal
from app.services.people.sessions import actor_of

MOST_SAVED = 50  # Of one person's.
MOST_ATTEMPTS = 8
DUE_AT = time(7, 30)  # Shanghai's: yesterday is over, and people are not at work yet.
_ONE_DAY = timedelta(days=1)


class ReportNameTaken(DomainError):
    code = "report_name_taken"
    category = Category.CONFLICT
    template = N_("You have a report of that name already. Please choose another one.")


class TooManyReports(DomainError):
    code = "too_many_reports"
    category = Category.CONFLICT
    template = N_("You have %(count)s saved reports. Please delete one of them first.")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody wants saved. The days are given for ``ReportSpan.fixed`` only."""

    name: str
    report: str
    span: ReportSpan
    plan: dict[str, Any]
    first_on: date | None = None
    last_on: date | None = None
    schedule: ReportSchedule = ReportSchedule.none
    format: str = "xlsx"
    email: str = ""


@dataclass(frozen=True, kw_only=True)
class OpenMail:
    """A delivery whose file is there and whose mail has not gone out."""

    delivery_id: int
    email: str
    name: str
    first_on: date
    last_on: date


def save_report(session: Session, *, wish: Wish, actor: Actor, now: datetime) -> SavedReport:
    """Keep a report under a name, and have it made by the clock when that is asked.

    Raises:
        ReportNameTaken, TooManyReports
    """
    assert actor.staff_id is not None
    assert actor.role is not None
    session.execute(select(Staff.id).where(Staff.id == actor.staff_id).with_for_update())
    own = SavedReport.staff_id == actor.staff_id
    count = session.scalar(select(func.count()).select_from(SavedReport).where(own)) or 0
    if count >= MOST_SAVED:
        raise TooManyReports(count=count)
    made = SavedReport(
        merchant_id=actor.merchant_id or OPERATOR_ID,
        store_id=actor.store_id,
        staff_id=actor.staff_id,
        role=actor.role,
        next_at=next_run(wish.schedule, now),
        **wish.__dict__,
    )
    try:
        with session.begin_nested():
            session.add(made)
            session.flush()
    except IntegrityError as error:
        raise ReportNameTaken from error
    return made


def delete_report(session: Session, *, report_id: int, actor: Actor) -> str | None:
    """Forget one's own saved report; files that were made of it stay. Returns its name."""
    found = session.get(SavedReport, report_id)
    if found is None or found.staff_id != actor.staff_id:
        return None
    session.delete(found)
    return found.name


def take_due_report(session: Session, *, now: datetime) -> bool:
    """Ask for the file of one saved report whose time has come. False when there is none."""
    found = session.scalars(
        select(SavedReport)
        .where(SavedReport.next_at <= now)
        .order_by(SavedReport.next_at, SavedReport.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if found is None:
        return False
    first, last = period_before(found.schedule, now)
    found.next_at = next_run(found.schedule, now)
    person = session.get_one(Staff, found.staff_id)
    here = (person.status, person.role, person.merchant_id, person.store_id)
    if here != (StaffStatus.active, found.role, found.merchant_id, found.store_id):
        # They are somebody else by now, and may not see what they saw.
        found.schedule, found.next_at = ReportSchedule.none, None
        return True
    if session.scalar(
        select(ReportDelivery.id).where(
            ReportDelivery.saved_report_id == found.id, ReportDelivery.last_on == last
        )
    ):
        return True
    _order(session, found, person, first=first, last=last, now=now)
    return True


def take_open_mails(session: Session, *, now: datetime) -> Sequence[OpenMail]:
    """Whose files are ready and who is to be told; deliveries that need no mail end here."""
    rows = session.execute(
        select(ReportDelivery, ExportFile.status)
        .outerjoin(ExportFile, ExportFile.id == ReportDelivery.export_file_id)
        .where(ReportDelivery.status == DeliveryStatus.waiting, ReportDelivery.next_try_at <= now)
        .order_by(ReportDelivery.id)
        .limit(100)
        .with_for_update(skip_locked=True, of=ReportDelivery)
    ).all()
    mails = []
    for delivery, status in rows:
        if status in (ExportStatus.waiting, ExportStatus.running):
            continue
        if status is not ExportStatus.done:
            _end(delivery, DeliveryStatus.failed, now, problem="file")
        elif not delivery.email:
            _end(delivery, DeliveryStatus.kept, now)
        else:
            # Whoever dies with the mail in hand is followed by another try.
            delivery.attempts += 1
            delivery.next_try_at = now + timedelta(minutes=2 ** min(delivery.attempts, 8))
            mails.append(
                OpenMail(
                    delivery_id=delivery.id,
                    email=delivery.email,
                    name=delivery.name,
                    first_on=delivery.first_on,
                    last_on=delivery.last_on,
                )
            )
    return mails


def end_mail(
    session: Session, *, delivery_id: int, now: datetime, problem: str = "", final: bool = False
) -> None:
    """It has gone out; or it has not, and is tried again unless that makes no sense any more."""
    delivery = session.get_one(ReportDelivery, delivery_id, with_for_update=True)
    if delivery.status is not DeliveryStatus.waiting:
        return
    if not problem:
        _end(delivery, DeliveryStatus.sent, now)
    elif final or delivery.attempts >= MOST_ATTEMPTS:
        _end(delivery, DeliveryStatus.failed, now, problem=problem)
    else:
        delivery.problem = problem


def days_of(span: ReportSpan, today: date) -> tuple[date, date]:
    """The local days that a moving span means today, both included."""
    month = today.replace(day=1)
    if span is ReportSpan.yesterday:
        return today - _ONE_DAY, today - _ONE_DAY
    if span is ReportSpan.last_week:
        monday = today - timedelta(days=today.weekday() + 7)
        return monday, monday + timedelta(days=6)
    if span is ReportSpan.last_month:
        return (month - _ONE_DAY).replace(day=1), month - _ONE_DAY
    if span is ReportSpan.last_quarter:
        quarter = month.replace(month=(month.month - 1) // 3 * 3 + 1)
        before = quarter - _ONE_DAY
        return before.replace(month=before.month - 2, day=1), before
    assert span is ReportSpan.this_month, "fixed days are the report's own"
    return month, today


def next_run(schedule: ReportSchedule, now: datetime) -> datetime | None:
    """The next morning, Monday or first of a month at which it is due."""
    if schedule is ReportSchedule.none:
        return None
    day = local_day(now)
    while True:
        due = datetime.combine(day, DUE_AT, SHANGHAI)
        fits = (
            schedule is ReportSchedule.daily
            or (schedule is ReportSchedule.weekly and day.weekday() == 0)
            or (schedule is ReportSchedule.monthly and day.day == 1)
        )
        if fits and due > now:
            return due
        day += _ONE_DAY


def period_before(schedule: ReportSchedule, now: datetime) -> tuple[date, date]:
    """The day, week or month that is just over."""
    span = {
        ReportSchedule.daily: ReportSpan.yesterday,
        ReportSchedule.weekly: ReportSpan.last_week,
        ReportSchedule.monthly: ReportSpan.last_month,
    }[schedule]
    return days_of(span, local_day(now))


def _order(
    session: Session, found: SavedReport, person: Staff, *, first: date, last: date, now: datetime
) -> None:
    actor = _as_signed_in(person)
    plan = {**found.plan, "first": first.isoformat(), "last": last.isoformat()}
    try:
        file = exports.ask_for_export(
            session,
            actor=actor,
            title=found.name,
            file_name=f"{found.name} {first:%Y%m%d}-{last:%Y%m%d}.{found.format}",
            kind=found.format,
            plan=plan,
        )
    except exports.TooManyExports:
        found.next_at = now + timedelta(minutes=10)
        return
    what = {"list": f"report:{found.report}", "format": found.format, "saved_report_id": found.id}
    exports.audit_export(session, actor=actor, what=what, reason=None)
    session.add(
        ReportDelivery(
            merchant_id=found.merchant_id,
            store_id=found.store_id,
            staff_id=found.staff_id,
            saved_report_id=found.id,
            export_file_id=file.id,
            name=found.name,
            first_on=first,
            last_on=last,
            email=found.email,
            next_try_at=now,
            created_at=now,
        )
    )
    journal.audit(
        session,
        "report.delivered",
        actor=actor,
        subject_id=found.id,
        merchant_id=found.merchant_id,
        detail={"first": first.isoformat(), "last": last.isoformat()},
    )


def _as_signed_in(person: Staff) -> Actor:
    """Whoever saved it reads by their own scope, as if they asked now."""
    return actor_of(
        member_id=None,
        staff_id=person.id,
        merchant_id=person.merchant_id,
        store_id=person.store_id,
        role=person.role.name,
        digest=b"",
    )


def _end(
    delivery: ReportDelivery, status: DeliveryStatus, now: datetime, *, problem: str = ""
) -> None:
    delivery.status, delivery.ended_at, delivery.problem = status, now, problem
