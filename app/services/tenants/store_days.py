"""A store's special days: holidays with other hours, and closed for now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.clock import local_day
from app.core.errors import N_, Category, DomainError
from app.models.tenants import Store, StoreSpecialDay
from app.services import journal
from app.services.tenants.merchants import StoreNotFound

MOST_DAYS = 60  # Special days of one store that are still to come.
LONGEST = timedelta(days=366)
AHEAD = timedelta(days=730)


class SpecialDayInvalid(DomainError):
    code = "special_day_invalid"
    category = Category.INVALID
    template = N_(
        "The last day is not before the first one, at most a year after it, and not over yet."
    )


class SpecialDayTimes(DomainError):
    code = "special_day_times"
    category = Category.INVALID
    template = N_("Give both times, or neither: then the store is closed all day.")


class SpecialDayTaken(DomainError):
    code = "special_day_taken"
    category = Category.CONFLICT
    template = N_(
        "From %(first)s to %(last)s is a special day already. Please drop that one first."
    )


class SpecialDaysFull(DomainError):
    code = "special_days_full"
    category = Category.CONFLICT
    template = N_("There are %(most)s special days to come already. Please drop one first.")


@dataclass(frozen=True, kw_only=True)
class SpecialDay:
    """From ``first_on`` to ``last_on``; without times the store is closed."""

    first_on: date
    last_on: date
    opens: time | None = None
    closes: time | None = None
    note: str = ""


def add_special_day(
    session: Session, *, store_id: int, day: SpecialDay, actor: Actor, now: datetime
) -> StoreSpecialDay:
    """On these days the store keeps other hours than usual, or stays closed.

    Raises:
        SpecialDayInvalid, SpecialDayTimes, SpecialDayTaken, SpecialDaysFull, StoreNotFound
    """
    store = session.get(Store, store_id, with_for_update={"key_share": True})
    if store is None:
        raise StoreNotFound
    today = local_day(now)
    if not (today <= day.last_on <= today + AHEAD and day.first_on <= day.last_on) or (
        day.last_on - day.first_on > LONGEST
    ):
        raise SpecialDayInvalid
    if (day.opens is None) != (day.closes is None):
        raise SpecialDayTimes
    of_store = StoreSpecialDay.store_id == store_id, StoreSpecialDay.last_on >= today
    taken = session.scalar(
        select(StoreSpecialDay)
        .where(
            *of_store,
            StoreSpecialDay.first_on <= day.last_on,
            StoreSpecialDay.last_on >= day.first_on,
        )
        .limit(1)
    )
    if taken is not None:
        raise SpecialDayTaken(first=taken.first_on.isoformat(), last=taken.last_on.isoformat())
    if (session.scalar(select(func.count()).where(*of_store)) or 0) >= MOST_DAYS:
        raise SpecialDaysFull(most=MOST_DAYS)
    made = StoreSpecialDay(
        merchant_id=store.merchant_id,
        store_id=store_id,
        first_on=day.first_on,
        last_on=day.last_on,
        opens=day.opens,
        closes=day.closes,
        note=day.note[:60],
    )
    session.add(made)
    session.flush()
    _audit(session, "store.day_added", made, actor)
    return made


def drop_special_day(session: Session, *, day_id: int, actor: Actor) -> None:
    """The usual hours hold again on these days. Twice is once."""
    found = session.get(StoreSpecialDay, day_id, with_for_update=True)
    if found is not None:
        session.delete(found)
        _audit(session, "store.day_dropped", found, actor)


def _audit(session: Session, action: str, day: StoreSpecialDay, actor: Actor) -> None:
    journal.audit(
        session,
        action,
        actor=actor,
        subject_id=day.store_id,
        merchant_id=day.merchant_id,
        store_id=day.store_id,
        detail={"first_on": day.first_on.isoformat(), "last_on": day.last_on.isoformat()},
    )
