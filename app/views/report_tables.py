"""A report as a page shows it: rows and what the others come to, sums, earlier periods, a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext
from sqlalchemy.orm import Session

from app.core import money
from app.core.errors import N_
from app.queries.reports import (
    NOT_OVER_TIME,
    Asked,
    Report,
    Value,
    add_up,
    periods_before,
    read_earlier,
    sum_report,
)
from app.views import labels
from app.views.charts import Chart, Series

ON_PAGE = 100  # A thousand stores' rows cost more to draw than to find; the file has them all.
_DRAWN = 20  # Bars of a ranking beyond that are no picture.
_DRAWN_OVER_TIME = 400
WORDS = {
    "card": N_("Cards"),
    "wechat": N_("WeChat Pay"),
    "combined": N_("Card and WeChat Pay"),
    "voucher": N_("Paper vouchers"),
    "cash": N_("Cash"),
    "code": N_("Top-up code"),
    "refund": N_("Refund"),
    "reversal": N_("Redemption reversed"),
    "new": N_("New"),
    "active": N_("Active (paid in the period)"),
    "repeat": N_("Repeat (paid more than once)"),
    "sleeping": N_("Sleeping (did not pay)"),
    "band_0": N_("Hold nothing"),
    "band_100": N_("Hold up to ¥100"),
    "band_500": N_("Hold ¥100 to ¥500"),
    "band_1000": N_("Hold ¥500 to ¥1,000"),
    "band_more": N_("Hold ¥1,000 or more"),
    "account:gift": N_("Gifts on their way"),
    "": N_("(none)"),
}
Cell = tuple[str, str]  # A cell's class and its text.


@dataclass(frozen=True, kw_only=True)
class Table:
    """``sums`` are of all rows; ``others`` of those that stand on other pages."""

    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    sums: Sequence[Cell | None]
    others: Sequence[Cell | None]
    earlier: Sequence[tuple[str, Sequence[Cell | None]]]
    row_count: int
    first_no: int
    page: int
    pages: int

    @property
    def other_count(self) -> int:
        return self.row_count - len(self.rows)

    @property
    def last_no(self) -> int:
        return self.first_no + len(self.rows) - 1


def tabulate(
    session: Session, name: str, report: Report, asked: Asked, rows: Sequence[Sequence[Value]],
    page: int,
) -> Table:  # fmt: skip
    """The rows of one page (from 1; one that is not there is the last one) with what they need."""
    pages = max(1, -(-len(rows) // ON_PAGE))
    page = min(max(1, page), pages)
    shown = rows[(page - 1) * ON_PAGE : page * ON_PAGE]
    sums = add_up(report, rows)
    here = add_up(report, shown)
    rest = [None if total is None else total - (part or 0)
            for total, part in zip(sums, here, strict=True)]  # fmt: skip
    return Table(
        headings=[
            *(gettext(label) for label in report.labels(asked.group)),
            *(_earlier_labels(report, asked) if report.rows_compared else ()),
        ],
        rows=_rows(session, name, report, asked, shown),
        sums=_sums(report, sums),
        others=_sums(report, rest),
        earlier=_earlier(session, name, report, asked),
        row_count=len(rows),
        first_no=(page - 1) * ON_PAGE + 1,
        page=page,
        pages=pages,
    )


def earlier_names() -> tuple[str, str]:
    """What the earlier periods of ``periods_before`` are called."""
    return gettext("Period before"), gettext("Same days a year ago")


def chart_of(report: Report, asked: Asked, rows: Sequence[Sequence[Value]]) -> Chart | None:
    """The report's picture: all of a period, or the first of a ranking."""
    over_time = report.over_time and asked.group not in NOT_OVER_TIME
    if not report.drawn or not rows or (over_time and len(rows) > _DRAWN_OVER_TIME):
        return None
    title = gettext(report.title)
    if not over_time and len(rows) > _DRAWN:
        rows = rows[:_DRAWN]
        title = gettext("%(title)s: the first %(count)s", title=title, count=_DRAWN)
    chart = Chart(
        id="report",
        title=title,
        kind="columns" if over_time else "bars",
        unit="fen" if report.columns[report.drawn[0]].kind == "money" else "count",
        axis=gettext(report.labels(asked.group)[0]),
        labels=[_label(report, row) for row in rows],
        stacked=report.drawn == (2, 3, 4),
        series=[
            Series(name=gettext(report.columns[place].label),
                   values=[int(row[place]) for row in rows])
            for place in report.drawn
        ],
    )  # fmt: skip
    return None if chart.empty else chart


def _earlier_labels(report: Report, asked: Asked) -> Sequence[str]:
    periods = periods_before(asked, by_quarter=report.by_quarter)
    return [then.named(name) for name, then in zip(earlier_names(), periods, strict=True)]


def _earlier(
    session: Session, name: str, report: Report, asked: Asked
) -> Sequence[tuple[str, Sequence[Cell | None]]]:
    """The sums of earlier periods, for reports that have sums of a period."""
    if not report.has_sums:
        return []
    periods = periods_before(asked, by_quarter=report.by_quarter)
    return [
        (label, _sums(report, sum_report(session, name, then)))
        for label, then in zip(_earlier_labels(report, asked), periods, strict=True)
    ]


def _rows(
    session: Session, name: str, report: Report, asked: Asked, rows: Sequence[Sequence[Value]]
) -> Sequence[Sequence[Cell]]:
    """The rows as shown; where rows are compared one by one, earlier periods stand beside them."""
    shown = [[_shown(one.kind, cell) for one, cell in zip(report.columns, row, strict=True)]
             for row in rows]  # fmt: skip
    if not report.rows_compared:
        return shown
    kind = report.columns[-1].kind
    earlier = read_earlier(session, name, rows, periods_before(asked))
    for cells, then in zip(shown, earlier, strict=True):
        cells += [("number", "—") if was is None else _shown(kind, was) for was in then]
    return shown


def _sums(report: Report, sums: Sequence[int | None]) -> Sequence[Cell | None]:
    return [
        None if total is None else _shown(column.kind, total)
        for column, total in zip(report.columns, sums, strict=True)
    ]


def _shown(kind: str, value: Value) -> Cell:
    if kind == "money":
        return "money", money.yuan(int(value))
    if kind == "integer":
        return "number", f"{value:,}"
    if kind == "percent":
        return "number", f"{int(value) // 100}.{int(value) % 100 // 10}%"
    return "name", _word(str(value)) if kind == "word" else str(value) or "—"


def _word(value: str) -> str:
    known = WORDS.get(value) or labels.ENTRY_KINDS.get(value)
    return gettext(known) if known else value


def _label(report: Report, row: Sequence[Value]) -> str:
    """What a bar is called: the words before the first figure."""
    parts = [
        _word(str(cell)) if column.kind == "word" else str(cell)
        for column, cell in zip(report.columns, row, strict=True)
        if column.kind in ("text", "word")
    ]
    return " ".join(part for part in parts if part)
