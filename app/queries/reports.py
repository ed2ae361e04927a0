"""Reports: named tables of figures over a period, in the reader's scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from app.core.clock import local_day, start_of_day
from app.core.errors import N_
from app.queries import report_sql as sql
from app.queries.figure_sql import read_figures

Value = str | int


@dataclass(frozen=True, kw_only=True)
class Column:
    """``kind``: text, word (a fixed word to be translated), money (fen), integer or percent (bp).

    ``sums``: whether it makes sense to add it up.
    """

    label: str
    kind: str = "text"
    sums: bool = False


@dataclass(frozen=True, kw_only=True)
class Report:
    """One report. ``drawn`` are its chart's columns by their places."""

    title: str
    explanation: str
    columns: Sequence[Column]
    statements: Mapping[str, str]
    groups: Mapping[str, str]
    # The same asked of all merchants together, for whoever sees them and has chosen none.
    in_total: Mapping[str, str] = field(default_factory=dict)
    drawn: Sequence[int] = ()
    over_time: bool = (
        False  # Whether its rows are days or months, unless grouped by something else.
    )
    # Rows that are set against those of other periods one by one; the last column is compared.
    rows_compared: Sequence[str] = ()
    by_store: bool = True  # Whether one store's figures make sense.
    by_quarter: bool = False  # Whether its rows are whole quarters, whatever days are asked for.
    summed_by: str = ""  # The group with the fewest rows: sums alone are read by it.

    @property
    def has_sums(self) -> bool:
        return any(column.sums for column in self.columns)

    def labels(self, group: str) -> Sequence[str]:
        """Its columns' headings; the first one says what the rows are grouped by."""
        first, *others = (column.label for column in self.columns)
        return [GROUPED_BY.get(group, first) if group in self.groups else first, *others]

    def statement(self, group: str) -> str:
        return self.statements[group if group in self.statements else next(iter(self.statements))]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a report is narrowed to. The wall is not among it: that is the session's."""

    since: datetime
    until: datetime
    group: str = ""
    merchant_id: int | None = None
    store_id: int | None = None

    def named(self, name: str) -> str:
        """The period's name with its days, the last one included."""
        last = self.until - timedelta(seconds=1)
        return f"{name} {local_day(self.since)}–{local_day(last)}"


def _money(label: str, *, sums: bool = True) -> Column:
    return Column(label=label, kind="money", sums=sums)


def _count(label: str) -> Column:
    return Column(label=label, kind="integer", sums=True)


def _words(label: str) -> Column:
    return Column(label=label, kind="word")


_ONE = {"": ""}
_GROUPS = {
    "day": N_("By day"),
    "week": N_("By week"),
    "month": N_("By month"),
    "hour": N_("By hour"),
    "tender": N_("By tender"),
    "store": N_("By store"),
    "merchant": N_("By merchant"),
    "cashier": N_("By cashier"),
}

GROUPED_BY = {
    "day": N_("Day"),
    "week": N_("Week"),
    "month": N_("Month"),
    "hour": N_("Hour"),
    "tender": N_("Tender"),
    "store": N_("Store"),
    "merchant": N_("Merchant"),
    "cashier": N_("Cashier"),
}
NOT_OVER_TIME = frozenset({"tender", "store", "merchant", "cashier"})

REPORTS: Mapping[str, Report] = {
    "takings": Report(
        title=N_("Takings and consumption"),
        explanation=N_("What stores took by cards, WeChat Pay and paper, before refunds."),
        columns=(
            _words(N_("Group")), _count(N_("Number")), _money(N_("By card")),
            _money(N_("By WeChat Pay")), _money(N_("By paper voucher")), _money(N_("Takings")),
            _money(N_("Commission")),
        ),
        statements={**{name: sql.takings(name) for name in sql.GROUPS}, "cashier": sql.BY_CASHIER},
        in_total={
            name: sql.takings(name, in_total=True)
            for name in ("day", "week", "month", "hour", "tender")
        },
        groups=_GROUPS,
        over_time=True,
        drawn=(2, 3, 4),
        summed_by="month",
    ),
    "top-ups": Report(
        title=N_("Top-ups by channel and tier"),
        explanation=N_("What was credited, by program, channel and tier of bonus (in yuan)."),
        columns=(
            Column(label=N_("Card program")), _words(N_("Channel")), Column(label=N_("From yuan")),
            _count(N_("Number")), _money(N_("Paid")), _money(N_("Bonus")),
        ),
        statements={"": sql.TOP_UPS},
        groups=_ONE,
        drawn=(4, 5),
    ),
    "liability": Report(
        title=N_("Advance receipts"),
        explanation=N_("Opening + sold − used − expired − returned + other = closing (ledger)."),
        columns=(
            Column(label=N_("Issuer")), _words(N_("Program or batch")),
            _money(N_("Opening")), _money(N_("Sold")), _money(N_("Used")), _money(N_("Expired")),
            _money(N_("Returned or voided")), _money(N_("Other")), _money(N_("Closing balance")),
        ),
        statements={"": sql.LIABILITY},
        groups=_ONE,
        drawn=(2, 8),
        by_store=False,
    ),
    "liability-months": Report(
        title=N_("Advance receipts by month"),
        explanation=N_(
            "Each month's opening, what came and went, and its closing balance (ledger)."
        ),
        columns=(
            Column(label=N_("Month")), _money(N_("Opening"), sums=False), _money(N_("Sold")),
            _money(N_("Used")), _money(N_("Expired")), _money(N_("Returned or voided")),
            _money(N_("Other")), _money(N_("Closing balance"), sums=False),
        ),
        statements={"": sql.LIABILITY_MONTHS},
        groups=_ONE,
        over_time=True,
        drawn=(7, 2, 3),
        by_store=False,
    ),
    "breakage": Report(
        title=N_("Breakage"),
        explanation=N_("Value that ran out and became the platform's income."),
        columns=(Column(label=N_("Month")), _words(N_("Event")), _count(N_("Number")),
                 _money(N_("Amount"))),
        statements={"": sql.BREAKAGE},
        groups=_ONE,
        over_time=True,
        drawn=(3,),
        by_store=False,
    ),
    "gifts": Report(
        title=N_("Gifts by day"),
        explanation=N_("Counted on the day on which they were sent, as they stand now."),
        columns=(Column(label=N_("Day")), _count(N_("Sent")), _money(N_("Amount sent")),
                 _count(N_("Claimed")), _money(N_("Amount claimed")), _count(N_("Came back")),
                 _money(N_("Amount come back"))),
        statements={"": sql.GIFTS},
        groups=_ONE,
        over_time=True,
        drawn=(2, 4),
        by_store=False,
    ),
    "refunds": Report(
        title=N_("Refunds and reversals"),
        explanation=N_("By whom, and for which reason."),
        columns=(Column(label=N_("Person")), _words(N_("What")), Column(label=N_("Reason")),
                 _count(N_("Number")), _money(N_("Amount"))),
        statements={"": sql.REFUNDS},
        groups=_ONE,
        drawn=(4,),
    ),
    "batches": Report(
        title=N_("Voucher batches' performance"),
        explanation=N_("What had become of each batch's vouchers by the end of the last day."),
        columns=(Column(label=N_("Voucher batch")), Column(label=N_("Batch number")),
                 _count(N_("Activated")), _count(N_("Redeemed")), _count(N_("Still good")),
                 _count(N_("Voided or expired")), _money(N_("Amount redeemed")),
                 _money(N_("Of which in the period")), Column(label=N_("Rate"), kind="percent")),
        statements={"": sql.BATCHES},
        groups=_ONE,
        drawn=(6, 7),
        by_store=False,
    ),
    "members": Report(
        title=N_("Member activity"),
        explanation=N_("New, active, repeat and sleeping members; how much members hold now."),
        columns=(_words(N_("Members")), Column(label=N_("People"), kind="integer")),
        statements={"": sql.members()},
        in_total={"": sql.members(in_total=True)},
        groups=_ONE,
        drawn=(1,),
        rows_compared=("new", "active", "repeat", "sleeping"),
    ),
    "shifts": Report(
        title=N_("Shift differences"),
        explanation=N_("Cash counted at the end of shifts, against what should have been there."),
        columns=(Column(label=N_("Store")), Column(label=N_("Cashier")), _count(N_("Shifts")),
                 _money(N_("Expected")), _money(N_("Counted cash")), _money(N_("Difference")),
                 _count(N_("Shifts with a difference"))),
        statements={"": sql.SHIFTS},
        groups=_ONE,
        drawn=(5,),
    ),
    "regulator": Report(
        title=N_("Quarterly figures for the regulator"),
        explanation=N_("Advance receipts by quarter: received, spent, returned, and the balance."),
        columns=(Column(label=N_("Quarter")), _money(N_("Opening"), sums=False),
                 _money(N_("Received")), _money(N_("Bonus granted")), _money(N_("Spent")),
                 _money(N_("Returned or voided")), _money(N_("Expired")), _money(N_("Other")),
                 _money(N_("Balance at its end"), sums=False),
                 _money(N_("Of which bonus"), sums=False)),
        statements={"": sql.REGULATOR},
        groups=_ONE,
        drawn=(2, 4, 8),
        by_store=False,
        by_quarter=True,
    ),
}  # fmt: skip


def read_report(
    session: Session, name: str, asked: Asked, *, is_earlier: bool = False
) -> list[list[Value]]:
    """The rows of a report, their cells in the order of its columns.

    Args:
        is_earlier: Only to be set beside another period: what is told of now may be left out.
    """
    report = REPORTS[name]
    everybody = asked.merchant_id is None and asked.store_id is None
    rows = read_figures(
        session,
        report.statement(asked.group),
        {
            "since": asked.since,
            "until": asked.until,
            "merchant_id": asked.merchant_id,
            "store_id": asked.store_id,
            "is_earlier": is_earlier,
        },
        in_total=report.in_total.get(asked.group) if everybody else None,
    )
    kinds = [column.kind for column in report.columns]
    return [[_whole(kind, value) for kind, value in zip(kinds, row, strict=True)] for row in rows]


def periods_before(asked: Asked, *, by_quarter: bool = False) -> Sequence[Asked]:
    """The period before, and the same one a year ago. Before whole months lie as many months.

    Args:
        by_quarter: Of all quarters that the period touches.
    """
    first, ended = local_day(asked.since), local_day(asked.until)
    if by_quarter:
        last = ended - timedelta(days=1)
        first, ended = _quarter_begins(first), _months_before(_quarter_begins(last), -3)
    if first.day == ended.day == 1:
        months = 12 * (ended.year - first.year) + ended.month - first.month
        begins = _months_before(first, months)
    else:
        begins = first - (ended - first)
    last_year = (_year_before(first), _year_before(ended))
    return [
        replace(asked, since=start_of_day(since), until=start_of_day(until))
        for since, until in ((begins, first), last_year)
    ]


def read_earlier(
    session: Session, name: str, rows: Sequence[Sequence[Value]], periods: Sequence[Asked]
) -> list[list[Value | None]]:
    """For each row its last figure in each of these periods; None where it cannot be said."""
    compared = REPORTS[name].rows_compared
    known = [
        {row[0]: row[-1] for row in read_report(session, name, then, is_earlier=True)}
        for then in periods
    ]
    return [[was.get(row[0], 0) if row[0] in compared else None for was in known] for row in rows]


def sum_report(session: Session, name: str, asked: Asked) -> list[int | None]:
    """A report's sums without its rows."""
    report = REPORTS[name]
    group = report.summed_by or asked.group
    return add_up(report, read_report(session, name, replace(asked, group=group)))


def add_up(report: Report, rows: Sequence[Sequence[Value]]) -> list[int | None]:
    """The sums of the columns that can be added up."""
    return [
        sum(int(row[place]) for row in rows) if column.sums else None
        for place, column in enumerate(report.columns)
    ]


def _whole(kind: str, value: object) -> Value:
    """Nothing is nought where numbers stand, and no text where words do."""
    if kind in ("text", "word"):
        return "" if value is None else str(value)
    return int(str(value or 0))


def _months_before(first: date, months: int) -> date:
    year, month = divmod(12 * first.year + first.month - 1 - months, 12)
    return date(year, month + 1, 1)


def _quarter_begins(day: date) -> date:
    return day.replace(month=day.month - (day.month - 1) % 3, day=1)


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # The 29th of February.
        return date(day.year - 1, 2, 28)
