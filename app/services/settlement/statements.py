"""Drawing up statements (结算单): a merchant's period onto lines, each posting once.

A closing is begun (``begin_statement``), worked on in chunks, each a transaction of its own
(``collect_lines``), and drawn up by the last of them. Killed at any moment, it is gone on with; two
at once take turns on the statement's row. What commits late stays open for the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.clock import end_of_day, local_day
from app.core.errors import N_, Category, DomainError
from app.models.base import OPERATOR_ID
from app.models.statements import Statement, StatementStatus
from app.models.tenants import Merchant, SettlementCycle
from app.services import journal
from app.services.settlement.statement_sql import (
    BY_INDEX,
    COLLECT,
    EARLIEST_OPEN,
    LOWEST_OPEN,
    TOTALS,
)

CHUNK = 5_000
_ONE_DAY = timedelta(days=1)


class PeriodNotOver(DomainError):
    code = "period_not_over"
    category = Category.CONFLICT
    template = N_(
        "The period from %(first)s to %(last)s is not over. It can be closed from the day after."
    )


class NothingToSettle(DomainError):
    code = "nothing_to_settle"
    category = Category.CONFLICT
    template = N_("Nothing is open for this merchant: there is nothing to settle yet.")


@dataclass(frozen=True, kw_only=True)
class Period:
    """Local days, both included."""

    first_on: date
    last_on: date


def begin_statement(
    session: Session, *, merchant_id: int, watermark: int, actor: Actor, now: datetime
) -> Statement:
    """Begin the merchant's next closing, or go on with the one that somebody has begun.

    A merchant's row is locked, so that of two that begin at once one begins and both go on. Frozen
    merchants are settled like any other: what is theirs is theirs.

    Args:
        watermark: The posting up to which everything is committed (``snapshots.read_watermark``).

    Raises:
        NothingToSettle, PeriodNotOver
    """
    session.execute(BY_INDEX)
    merchant = session.scalars(
        select(Merchant).where(Merchant.id == merchant_id).with_for_update(key_share=True)
    ).one()
    last = session.scalars(
        select(Statement)
        .where(Statement.merchant_id == merchant_id)
        .order_by(Statement.period_last_on.desc())
        .limit(1)
    ).one_or_none()
    if last is not None and last.status is StatementStatus.collecting:
        return last
    from_id = 0 if last is None or last.next_posting_id is None else last.next_posting_id
    period = _next_period(session, merchant, last, from_id, watermark)
    if period.last_on >= local_day(now):
        raise PeriodNotOver(first=period.first_on.isoformat(), last=period.last_on.isoformat())
    statement_id, statement_no = journal.next_document(
        session, table="statement", letter="S", now=now
    )
    made = Statement(
        id=statement_id,
        statement_no=statement_no,
        merchant_id=merchant_id,
        status=StatementStatus.collecting,
        cycle=merchant.settlement_cycle,
        period_first_on=period.first_on,
        period_last_on=period.last_on,
        due_on=period.last_on + timedelta(days=merchant.settlement_days),
        from_posting_id=from_id,
        position=max(from_id - 1, 0),
        watermark=watermark,
        created_by_id=actor.staff_id,
        created_at=now,
    )
    session.add(made)
    session.flush()
    return made


def collect_lines(session: Session, *, statement_id: int, actor: Actor, limit: int = CHUNK) -> bool:
    """Put the next postings of the period onto lines; draw the statement up when none is left.

    Returns whether there is more to do.
    """
    session.execute(BY_INDEX)
    statement = _lock(session, statement_id)
    if statement.status is not StatementStatus.collecting:
        return False
    found = session.execute(
        COLLECT,
        {
            "statement": statement.id,
            "merchant": statement.merchant_id,
            "position": statement.position,
            "watermark": statement.watermark,
            "since": end_of_day(statement.period_first_on - _ONE_DAY),
            "until": end_of_day(statement.period_last_on),
            "limit": limit,
        },
    ).one()
    if found.taken == limit:
        statement.position = found.last_id
        return True
    statement.position = statement.watermark
    _draw_up(session, statement, actor)
    return False


def merchants_to_settle(session: Session) -> list[int]:
    """Every merchant but the operator, which owes itself nothing."""
    query = select(Merchant.id).where(Merchant.id != OPERATOR_ID).order_by(Merchant.id)
    return list(session.scalars(query))


def period_of(cycle: SettlementCycle, day: date) -> Period:
    """The period of that cycle in which a local day lies: the day, its week or its month."""
    if cycle is SettlementCycle.daily:
        return Period(first_on=day, last_on=day)
    if cycle is SettlementCycle.weekly:
        monday = day - timedelta(days=day.weekday())
        return Period(first_on=monday, last_on=monday + timedelta(days=6))
    first = day.replace(day=1)
    next_month = (first + timedelta(days=31)).replace(day=1)
    return Period(first_on=first, last_on=next_month - _ONE_DAY)


def _next_period(
    session: Session, merchant: Merchant, last: Statement | None, from_id: int, watermark: int
) -> Period:
    """The period of the earliest day that is open, after the last statement's."""
    earliest = session.execute(
        EARLIEST_OPEN, {"merchant": merchant.id, "from_id": from_id, "watermark": watermark}
    ).scalar_one()
    if earliest is None:
        raise NothingToSettle
    day = local_day(earliest)
    if last is not None:
        day = max(day, last.period_last_on + _ONE_DAY)
    period = period_of(merchant.settlement_cycle, day)
    if last is None:
        return period
    first_on = max(period.first_on, last.period_last_on + _ONE_DAY)
    return Period(first_on=first_on, last_on=period.last_on)


def _draw_up(session: Session, statement: Statement, actor: Actor) -> None:
    """All lines are there: total them two ways, take over what was carried, make it a draft."""
    totals = session.execute(TOTALS, {"statement": statement.id}).one()
    assert totals.lines_fen == totals.sums_fen, "the sums are those of the lines"
    session.flush()
    carried = session.execute(
        update(Statement)
        .where(
            Statement.merchant_id == statement.merchant_id,
            Statement.status == StatementStatus.carried,
            Statement.carried_into_id.is_(None),
        )
        .values(carried_into_id=statement.id)
        .returning(Statement.due_fen)
    )
    statement.opening_fen = sum(row.due_fen for row in carried)
    statement.cash_fen = totals.cash_fen
    statement.earned_fen = totals.lines_fen - totals.cash_fen
    statement.due_fen = statement.opening_fen + totals.lines_fen
    statement.line_count, statement.late_count = totals.line_count, totals.late_count
    statement.next_posting_id = session.execute(
        LOWEST_OPEN,
        {
            "merchant": statement.merchant_id,
            "from_id": statement.from_posting_id,
            "watermark": statement.watermark,
        },
    ).scalar_one()
    statement.status = StatementStatus.draft
    journal.audit(
        session,
        "statement.drawn_up",
        actor=actor,
        subject_id=statement.id,
        merchant_id=statement.merchant_id,
        detail={"statement_no": statement.statement_no, "due_fen": statement.due_fen},
    )
    session.flush()


def _lock(session: Session, statement_id: int) -> Statement:
    return session.scalars(
        select(Statement)
        .where(Statement.id == statement_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
