"""A list as a table to take away: one SELECT, its values put into words by PostgreSQL.

Names are joined in, states stand in the reader's language, instants in Asia/Shanghai, fen become
yuan with two decimals (exact: bigint × 0.01 is numeric), and text cannot begin a formula. What is
left for the writer is to put cells side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Select, Subquery, Text, and_, case, cast, func, literal_column, select, text
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import ColumnElement

from app.models.base import Base
from app.models.ledger import JournalEntry
from app.queries.event_numbers import event_number
from app.queries.id_ranges import within_ids
from app.queries.named_ids import NAMED_IDS
from app.queries.narrowing import Narrowing, narrow

# What opens a formula in a spreadsheet, in the ASCII and in the full-width form.
_STARTERS = "=+-@＝＋－＠"
_SPACES = " \t\r\n　"
_ZONE: ColumnElement[Any] = literal_column("'Asia/Shanghai'")
_EXCEL_EPOCH: ColumnElement[Any] = literal_column("25569")  # Days from 1899-12-30 to 1970-01-01.
_DAY: ColumnElement[Any] = literal_column("86400")


@dataclass(frozen=True, kw_only=True)
class ExportColumn:
    """A column: ``kind`` is one of money, integer, percent, when, day, code, text, word, phone."""

    name: str
    heading: str
    kind: str
    words: Mapping[str, str] | None = None  # What stored words are called.


@dataclass(frozen=True, kw_only=True)
class ExportPlan:
    """Everything that a job needs to write what somebody has asked for, long after they asked."""

    table: str
    title: str
    columns: tuple[ExportColumn, ...]
    narrowing: Narrowing
    sums: tuple[str, ...]
    total_label: str

    def to_json(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "title": self.title,
            "columns": [asdict(column) for column in self.columns],
            "narrowing": self.narrowing.to_json(),
            "sums": list(self.sums),
            "total_label": self.total_label,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> ExportPlan:
        return cls(
            table=kept["table"],
            title=kept["title"],
            columns=tuple(ExportColumn(**column) for column in kept["columns"]),
            narrowing=Narrowing.from_json(kept["narrowing"]),
            sums=tuple(kept["sums"]),
            total_label=kept["total_label"],
        )


@dataclass(frozen=True, kw_only=True)
class Totals:
    """How many rows, and what the summed columns add up to, in fen."""

    rows: int
    sums_fen: tuple[int, ...]


def begin_snapshot(session: Session) -> None:
    """One moment for count, sums and rows. To be called first in a fresh unit of work."""
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    session.execute(
        text(
            "SELECT set_config('statement_timeout', '0', true),"
            # Names are looked up row by row and remembered, so that the rows' order is kept and
            # nothing has to be sorted on disk.
            " set_config('enable_hashjoin', 'off', true),"
            " set_config('enable_mergejoin', 'off', true),"
            " set_config('jit', 'off', true)"
        )
    )


def count_up_to(session: Session, plan: ExportPlan, most: int) -> int:
    """How many rows there are, but no further than ``most``."""
    model = _model(plan.table)
    some = _narrowed(session, select(literal_column("1")), plan).select_from(model).limit(most)
    return int(session.scalar(select(func.count()).select_from(some.subquery())) or 0)


def sum_plan(session: Session, plan: ExportPlan) -> Totals:
    model = _model(plan.table)
    sums = (func.coalesce(func.sum(getattr(model, name)), 0) for name in plan.sums)
    figures: Any = select(func.count(), *sums).select_from(model)
    query = _narrowed(session, figures, plan)
    count, *fen = session.execute(query).one()
    return Totals(rows=count, sums_fen=tuple(int(each) for each in fen))


def read_lines(session: Session, plan: ExportPlan, *, serial_dates: bool) -> Iterator[bytes]:
    """The rows, newest first, as COPY gives them: a line each, cells parted by tabs, none empty.

    COPY streams: neither PostgreSQL nor we hold more than a buffer of it.

    Args:
        serial_dates: Instants as the day numbers of a spreadsheet instead of text.
    """
    return _copy(session, plan, serial_dates=serial_dates, options="NULL ''")


def read_csv(session: Session, plan: ExportPlan, *, delimiter: str) -> Iterator[bytes]:
    """The same as lines of a CSV file, quoted where they must be."""
    return _copy(
        session, plan, serial_dates=False, options=f"FORMAT csv, NULL '', DELIMITER E'{delimiter}'"
    )


def _copy(
    session: Session, plan: ExportPlan, *, serial_dates: bool, options: str
) -> Iterator[bytes]:
    statement = _statement(session, plan, serial_dates=serial_dates)
    connection = session.connection()
    compiled = statement.compile(connection, compile_kwargs={"render_postcompile": True})
    driver = connection.connection.driver_connection
    assert driver is not None, "the connection is open"
    words = f"COPY ({compiled}) TO STDOUT WITH ({options})"
    with (
        driver.cursor() as cursor,
        cursor.copy(words, compiled.params) as copy,
    ):
        for line in copy:
            yield bytes(line)


def _statement(session: Session, plan: ExportPlan, *, serial_dates: bool) -> Select[Any]:
    model = _model(plan.table)
    query = select().select_from(model)
    for column in plan.columns:
        value = getattr(model, column.name if column.kind != "phone" else "phone_sealed")
        if column.name in NAMED_IDS:
            target, name = NAMED_IDS[column.name]
            named = aliased(target)
            query = query.outerjoin(named, named.id == value)
            called = event_number(named) if target is JournalEntry else name(named)
            shown = func.coalesce(called, cast(value, Text))
            query = query.add_columns(_harmless(shown))
        elif model is JournalEntry and column.name == "reference":
            query = query.add_columns(_harmless(event_number(model)))
        else:
            query = query.add_columns(_shown(column, value, serial_dates=serial_dates))
    newest_first = [model.id.desc()]
    if isinstance(model.__table__, Subquery):  # A union's ids tell nothing of time.
        newest_first.insert(0, getattr(model, plan.narrowing.when or "id").desc())
    return _narrowed(session, query, plan).order_by(*newest_first)


def _narrowed(session: Session, query: Select[Any], plan: ExportPlan) -> Select[Any]:
    model = _model(plan.table)
    return within_ids(session, narrow(query, model, plan.narrowing), model, plan.narrowing)


def _shown(column: ExportColumn, value: Any, *, serial_dates: bool) -> Any:
    kind = column.kind
    if kind == "money":
        return value * literal_column("0.01")
    if kind == "percent":
        return value * literal_column("0.0001")
    if kind == "integer":
        return value
    if kind == "when":
        instant = func.date_trunc("second", func.timezone(_ZONE, value))
        return _serial(instant) if serial_dates else cast(instant, Text)
    if kind == "day":
        return _serial(value) if serial_dates else cast(value, Text)
    if kind == "phone":
        return func.encode(value, "base64")
    words = cast(value, Text)
    if column.words:
        return case(column.words, value=words, else_=words)
    return words if kind == "code" else _harmless(words)


def _serial(instant: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.date_part("epoch", instant) / _DAY + _EXCEL_EPOCH


def _harmless(words: ColumnElement[Any]) -> ColumnElement[Any]:
    """Text that would begin a formula gets an apostrophe before it, as a spreadsheet's user would.

    Only text comes through here: a negative number stays a number.
    """
    first = func.left(func.ltrim(words, _SPACES), 1)
    starts = func.strpos(_STARTERS, first) > 0
    risky = and_(first != "", starts) | (func.left(words, 1).in_(("\t", "\r", "\n")))
    return case((risky, func.concat("'", words)), else_=words)


def _model(table: str) -> Any:
    """The table's class. Plans name tables of ours only, whatever was kept."""
    for mapper in Base.registry.mappers:
        if mapper.local_table is not None and mapper.local_table.name == table:
            return mapper.class_
    raise LookupError(table)
