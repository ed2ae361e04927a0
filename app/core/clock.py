"""Time: aware instants, in UTC inside, in Asia/Shanghai whenever a person or a day is meant."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)


def utc_now() -> datetime:
    return datetime.now(UTC)


def local(instant: datetime) -> datetime:
    """The same instant with the offset +08:00, as it goes over the wire and onto screens."""
    return instant.astimezone(SHANGHAI)


def local_day(instant: datetime) -> date:
    return local(instant).date()


def is_within_reach(day: date) -> bool:
    """A day that anybody means: at the calendar's own ends there is no day before or after."""
    return _FIRST_DAY <= day <= _LAST_DAY


def start_of_day(day: date) -> datetime:
    """The first instant of that local day."""
    return datetime.combine(day, time(), SHANGHAI)


def end_of_day(day: date) -> datetime:
    """The first instant after that local day: what is valid until the day is valid before it."""
    return start_of_day(day + timedelta(days=1))


def rfc3339(instant: datetime) -> str:
    return local(instant).isoformat(timespec="milliseconds")
