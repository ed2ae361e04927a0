"""Opening hours as people read and type them: some spans of days and times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from itertools import groupby
from typing import Any

from flask_babel import gettext
from markupsafe import Markup, escape
from wtforms import Field

from app.core.errors import N_
from app.core.opening_hours import EVERY_DAY, OpenSpan

SPANS = 3
DAY_NAMES = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))


class _Rows:
    """Three rows of seven days and two times, which need no script."""

    input_type = "rows"

    def __call__(self, field: HoursField, **_options: Any) -> Markup:
        rows = [self._row(field, at) for at in range(SPANS)]
        return Markup('<div class="hours" id="{}" role="group">{}</div>').format(
            field.id, Markup("").join(rows)
        )

    def _row(self, field: HoursField, at: int) -> Markup:
        days, opens, closes = field.typed(at)
        boxes = Markup("").join(
            Markup(
                '<label><input type="checkbox" name="{}" value="{}"{}><span>{}</span></label>'
            ).format(
                f"{field.name}-{at}-days",
                day,
                Markup(" checked") if day in days else "",
                gettext(name),
            )
            for day, name in zip(EVERY_DAY, DAY_NAMES, strict=True)
        )
        times = [
            Markup('<input type="time" name="{}" value="{}" aria-label="{}">').format(
                f"{field.name}-{at}-{end}", value, escape(label)
            )
            for end, value, label in (
                ("opens", opens, gettext("Opens at")),
                ("closes", closes, gettext("Closes at")),
            )
        ]
        return Markup(
            '<div class="span"><div class="days">{}</div>'
            '<div class="times">{}<span>–</span>{}</div></div>'
        ).format(boxes, *times)


class HoursField(Field):
    """``data`` is a tuple of spans; none: always open."""

    widget = _Rows()

    def typed(self, at: int) -> tuple[str, str, str]:
        """A row as it was typed, or as it is kept."""
        if self.raw_rows is not None:
            return self.raw_rows[at]
        spans = self.data or ()
        if at >= len(spans):
            return "", "", ""
        span = spans[at]
        return span.days, span.opens.strftime("%H:%M"), span.closes.strftime("%H:%M")

    raw_rows: Sequence[tuple[str, str, str]] | None = None

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        self.process_errors = []
        self.data = data or ()
        if not formdata:
            return
        self.raw_rows = [
            (
                "".join(sorted(set(formdata.getlist(f"{self.name}-{at}-days")) & set(EVERY_DAY))),
                formdata.get(f"{self.name}-{at}-opens", "").strip(),
                formdata.get(f"{self.name}-{at}-closes", "").strip(),
            )
            for at in range(SPANS)
        ]
        self.raw_data = ["|".join(row) for row in self.raw_rows]
        try:
            self.data = tuple(_span(row) for row in self.raw_rows if any(row))
        except ValueError as wrong:
            self.process_errors.append(str(wrong))


def hours_text(spans: Sequence[OpenSpan]) -> str:
    """``Mon–Fri 09:00–21:30; Sat, Sun 10:00–02:00``."""
    if not spans:
        return gettext("Always open")
    parts = [
        f"{_days_text(s.days)} {s.opens.strftime('%H:%M')}–{s.closes.strftime('%H:%M')}"
        for s in spans
    ]
    return gettext("; ").join(parts)


def _span(row: tuple[str, str, str]) -> OpenSpan:
    days, opens, closes = row
    if not days:
        raise ValueError(gettext("Please tick the days of every span of hours."))
    try:
        return OpenSpan(days, time.fromisoformat(opens), time.fromisoformat(closes))
    except ValueError:
        raise ValueError(gettext("Please give both times of every span, such as 09:30.")) from None


def _days_text(days: str) -> str:
    if days == EVERY_DAY:
        return gettext("Daily")
    names = [gettext(name) for name in DAY_NAMES]
    parts = []
    # Days in a row have the same distance to their place in the list.
    for _, run in groupby(enumerate(days), key=lambda pair: int(pair[1]) - pair[0]):
        found = [int(day) for _, day in run]
        first, last = names[found[0] - 1], names[found[-1] - 1]
        parts.append(first if len(found) == 1 else f"{first}–{last}")
    return gettext(", ").join(parts)
