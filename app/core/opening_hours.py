"""When a store is open: spans of local time on days of the week; a span may pass midnight.

Whether it is open now asks PostgreSQL (``kaquan.is_store_open``), which knows special days, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time

EVERY_DAY = "1234567"  # ISO: 1 is Monday.


@dataclass(frozen=True)
class OpenSpan:
    """From ``opens`` to ``closes`` on these days; not after ``opens`` means on the next day."""

    days: str
    opens: time
    closes: time


def spans_on(spans: Iterable[OpenSpan], day: date) -> list[OpenSpan]:
    """The spans that begin on that day, the earliest first."""
    weekday = str(day.isoweekday())
    return sorted((s for s in spans if weekday in s.days), key=lambda s: s.opens)


def written(spans: Iterable[OpenSpan]) -> list[list[str]]:
    """As they are kept."""
    return [[s.days, s.opens.strftime("%H:%M"), s.closes.strftime("%H:%M")] for s in spans]


def read(kept: Iterable[Sequence[str]]) -> list[OpenSpan]:
    return [
        OpenSpan(days, time.fromisoformat(opens), time.fromisoformat(closes))
        for days, opens, closes in kept
    ]
