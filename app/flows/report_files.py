"""Reports as files: the same table as on the screen, at once or by the job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import IO, Any

from sqlalchemy.orm import Session

from app.core.actor import SYSTEM, Actor
from app.core.clock import end_of_day, start_of_day
from app.core.money import plain_yuan
from app.documents.spreadsheets import WIDTH, SheetColumn, write_spreadsheet
from app.documents.tables import write_with_tablib
from app.flows.context import Context
from app.queries.reports import (
    REPORTS,
    Asked,
    Report,
    Value,
    add_up,
    periods_before,
    read_earlier,
    read_report,
    sum_report,
)
from app.services import exports

FORMATS = ("xlsx", "csv")
_LOOKED_AT = 2_000  # So many rows say how wide a column is.
_WIDEST = 44
_NARROW = 0x2E7F  # Letters beyond are as wide as two.


@dataclass(frozen=True, kw_only=True)
class ReportPlan:
    """A report with its filters and the words of whoever asked; days are local, both included."""

    report: str
    first: date
    last: date
    title: str
    headings: Sequence[str]
    words: Mapping[str, str]  # What fixed words of the rows are called.
    sum_label: str
    earlier: Sequence[str] = ()  # What ``periods_before`` are called; none: they are left out.
    group: str = ""
    merchant_id: int | None = None
    store_id: int | None = None

    @property
    def asked(self) -> Asked:
        return Asked(
            since=start_of_day(self.first),
            until=end_of_day(self.last),
            group=self.group,
            merchant_id=self.merchant_id,
            store_id=self.store_id,
        )

    def to_json(self) -> dict[str, Any]:
        days = {"first": self.first.isoformat(), "last": self.last.isoformat()}
        lists = {"headings": list(self.headings), "earlier": list(self.earlier)}
        return {**self.__dict__, **days, **lists, "words": {**self.words}}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> ReportPlan:
        days = {name: date.fromisoformat(kept[name]) for name in ("first", "last")}
        return cls(**{**kept, **days})


def audit(context: Context, actor: Actor, *, report: str, kind: str) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        exports.audit_export(
            session, actor=actor, what={"list": f"report:{report}", "format": kind}, reason=None
        )


def write_report(session: Session, plan: ReportPlan, kind: str, file: IO[bytes]) -> int:
    """Write the report as the session's reader sees it. Returns how many rows it has."""
    report = REPORTS[plan.report]
    rows = read_report(session, plan.report, plan.asked)
    kinds = [one.kind for one in report.columns]
    headings = list(plan.headings)
    before = periods_before(plan.asked, by_quarter=report.by_quarter)
    periods = list(zip(plan.earlier, before, strict=False))
    below = []
    cells = [
        [_cell(plan, kind, value) for kind, value in zip(kinds, row, strict=True)] for row in rows
    ]
    if report.rows_compared:
        earlier = read_earlier(session, plan.report, rows, [then for _, then in periods])
        for row_cells, then in zip(cells, earlier, strict=True):
            row_cells += ["" if was is None else _cell(plan, kinds[-1], was) for was in then]
        headings += [then.named(name) for name, then in periods]
        kinds += [kinds[-1]] * len(periods)
    elif report.has_sums:
        below = [
            _totals(plan, report, sum_report(session, plan.report, then), then.named(name))
            for name, then in periods
        ]
    columns = _columns(headings, kinds, cells[:_LOOKED_AT])
    lines = [("\t".join(row) + "\n").encode() for row in cells]
    totals = _totals(plan, report, add_up(report, rows), plan.sum_label)
    totals += [""] * (len(columns) - len(totals))
    if kind == "xlsx":
        write_spreadsheet(
            file, title=plan.title, columns=columns, lines=lines, totals=totals, below=below
        )
    else:
        write_with_tablib(
            file, kind=kind, title=plan.title, columns=columns, lines=lines, totals=totals,
            below=below,
        )  # fmt: skip
    return len(rows)


def _columns(
    headings: Sequence[str], kinds: Sequence[str], cells: Sequence[Sequence[str]]
) -> list[SheetColumn]:
    return [
        SheetColumn(heading, kind, _width(kind, heading, [row[place] for row in cells]))
        for place, (heading, kind) in enumerate(zip(headings, kinds, strict=True))
    ]


def _width(kind: str, heading: str, cells: Sequence[str]) -> int:
    """So wide that headings and names can be read; a very long name is cut on the screen."""
    words = [heading, *cells] if kind in ("text", "word") else [heading]
    widest = max(sum(2 if ord(letter) > _NARROW else 1 for letter in word) for word in words)
    return min(max(widest + 3, WIDTH.get(kind, 12)), _WIDEST)


def _totals(plan: ReportPlan, report: Report, sums: Sequence[int | None], label: str) -> list[str]:
    kinds = [one.kind for one in report.columns]
    cells = [
        "" if total is None else _cell(plan, kind, total)
        for kind, total in zip(kinds, sums, strict=True)
    ]
    cells[0] = cells[0] or label
    return cells


def _cell(plan: ReportPlan, kind: str, value: Value) -> str:
    """A value as the writers take it: yuan with a point, text without what ends a cell."""
    if kind == "money":
        return plain_yuan(int(value))
    if kind == "percent":
        return f"{int(value) // 10000}.{int(value) % 10000:04d}"
    if kind == "integer":
        return str(value)
    text = plan.words.get(str(value), str(value)) if kind == "word" else str(value)
    text = text.replace("\\", "\\\\").replace("\t", " ").replace("\n", " ").replace("\r", " ")
    # A spreadsheet takes what begins like this for a formula.
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
