"""Reports as files: the same table as on the screen, at once or by the job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import IO, Any

from sqlalchemy.orm import Session

from app.core.actor import SYSTEM, Actor
from app.core.clock import SHANGHAI, end_of_day
from app.documents.spreadsheets import SheetColumn, write_spreadsheet
from app.documents.tables import write_with_tablib
from app.flows.context import Context
from app.queries.reports import REPORTS, Asked, Value, add_up, read_report
from app.services import exports

FORMATS = ("xlsx", "csv")


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
    group: str = ""
    merchant_id: int | None = None
    store_id: int | None = None

    @property
    def asked(self) -> Asked:
        return Asked(
            since=datetime.combine(self.first, time(), SHANGHAI),
            until=end_of_day(self.last),
            group=self.group,
            merchant_id=self.merchant_id,
            store_id=self.store_id,
        )

    def to_json(self) -> dict[str, Any]:
        days = {"first": self.first.isoformat(), "last": self.last.isoformat()}
        return {**self.__dict__, **days, "headings": list(self.headings), "words": {**self.words}}

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
    columns = [
        SheetColumn(heading, kind) for heading, kind in zip(plan.headings, kinds, strict=True)
    ]
    lines = [_line(plan, kinds, row) for row in rows]
    sums = zip(kinds, add_up(report, rows), strict=True)
    totals = ["" if total is None else _cell(plan, kind, total) for kind, total in sums]
    totals[0] = totals[0] or plan.sum_label
    if kind == "xlsx":
        write_spreadsheet(file, title=plan.title, columns=columns, lines=lines, totals=totals)
    else:
        write_with_tablib(
            file, kind=kind, title=plan.title, columns=columns, lines=lines, totals=totals
        )
    return len(rows)


def _line(plan: ReportPlan, kinds: Sequence[str], row: Sequence[Value]) -> bytes:
    cells = (_cell(plan, kind, cell) for kind, cell in zip(kinds, row, strict=True))
    return ("\t".join(cells) + "\n").encode()


def _cell(plan: ReportPlan, kind: str, value: Value) -> str:
    """A value as the writers take it: yuan with a point, text without what ends a cell."""
    if kind == "money":
        fen = int(value)
        return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"
    if kind == "percent":
        return f"{int(value) // 10000}.{int(value) % 10000:04d}"
    if kind == "integer":
        return str(value)
    text = plan.words.get(str(value), str(value)) if kind == "word" else str(value)
    text = text.replace("\\", "\\\\").replace("\t", " ").replace("\n", " ").replace("\r", " ")
    # A spreadsheet takes what begins like this for a formula.
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
