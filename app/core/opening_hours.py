"""When a store is open: spans of local time on days of the week; a span may pass midnight."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from app.core.clock import local

EVERY_DAY = "1234567"  # ISO: 1 is Monday.


@dataclass(frozen=True)
class OpenSpan:
    """From ``opens`` to ``closes`` on these days; not after ``opens`` means on the next day."""

    days: str
    opens: time
    closes: time


def is_open(spans: Sequence[OpenSpan], now: datetime) -> bool:
    """Whether it is within a span. No spans: always."""
    if not spans:
        return True
    here = local(now)
    clock, today = here.time(), here.date()
    return any(
        _is_within(span, clock, since_yesterday=False) for span in spans_on(spans, today)
    ) or any(
        _is_within(span, clock, since_yesterday=True)
        for span in spans_on(spans, today - timedelta(days=1))
    )


def spans_on(spans: Iterable[OpenSpan], day: date) -> list[OpenSpan]:
    """The spans that begin on that day, the earliest first."""
    weekday = str(day.isoweekday())
    return sorted((s for s in spans if weekday in s.days), key=lambda s: s.opens)


def _is_within(span: OpenSpan, clock: time, *, since_yesterday: bool) -> bool:
    at_night = span.closes <= span.opens
    if since_yesterday:
        return at_night and clock < span.closes
    return clock >= span.opens and (at_night or clock < span.closes)


def written(spans: Iterable[OpenSpan]) -> list[list[str]]:
    """As they are kept."""
    return [[s.days, s.opens.strftime("%H:%M"), s.closes.strftime("%H:%M")] for s in spans]


def read(kept: Iterable[Sequence[str]]) -> list[OpenSpan]:
    return [
        OpenSpan(days, time.fromisoformat(opens), time.fromisoformat(closes))
        for days, opens, closes in kept
    ]
