"""Closing periods: one watermark for all, then merchant after merchant, chunk after chunk."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.actor import SYSTEM, Actor
from app.core.clock import utc_now
from app.flows.context import Context
from app.services import journal
from app.services.settlement.statements import (
    CHUNK,
    NothingToSettle,
    PeriodNotOver,
    begin_statement,
    collect_lines,
    merchants_to_settle,
)
from app.services.snapshots import read_watermark

log = logging.getLogger(__name__)

TOPIC = "settlement.wanted"
# A person at the console waits for so long; what is left then is a job's.
PATIENCE_SECONDS = 6.0


@dataclass(frozen=True, kw_only=True)
class Closed:
    """The statements drawn up, and whether time ran out before all of them were."""

    statement_ids: Sequence[int]
    more: bool


def close_due(
    context: Context,
    *,
    actor: Actor = SYSTEM,
    merchant_ids: Sequence[int] | None = None,
    seconds: float | None = None,
    chunk: int = CHUNK,
    now: datetime | None = None,
) -> Closed:
    """Draw up every statement whose period is over. Running it again changes nothing.

    Args:
        now: Unless given, the clock's.
        merchant_ids: These only; else every merchant.
        seconds: Give way after so long.
    """
    until = None if seconds is None else time.monotonic() + seconds
    with context.database.unit_of_work(SYSTEM) as session:
        watermark = read_watermark(session)
    if merchant_ids is None:
        with context.database.unit_of_work(SYSTEM) as session:
            merchant_ids = merchants_to_settle(session)
    made: list[int] = []
    for merchant_id in merchant_ids:
        at = now or utc_now()
        while (statement_id := _begin(context, merchant_id, watermark, actor, at)) is not None:
            if not _collect(context, statement_id, actor, until, chunk):
                return Closed(statement_ids=made, more=True)
            made.append(statement_id)
    return Closed(statement_ids=made, more=False)


def close_at_console(context: Context, *, actor: Actor, merchant_id: int | None) -> Closed:
    """Close while somebody waits; what is left when they have waited long enough is a job's."""
    closed = close_due(
        context,
        actor=actor,
        merchant_ids=None if merchant_id is None else [merchant_id],
        seconds=PATIENCE_SECONDS,
    )
    if closed.more:
        with context.database.unit_of_work(SYSTEM) as session:
            journal.send_later(session, TOPIC, subject_id=actor.staff_id or 0)
    return closed


def close_wanted(context: Context, staff_id: int) -> None:
    """The job: what somebody asked for at the console is closed in their name."""
    close_due(context, actor=Actor(scope=SYSTEM.scope, staff_id=staff_id or None))


def close_by_clock(context: Context) -> None:
    """Hourly: whatever period is over and not closed yet."""
    closed = close_due(context)
    if closed.statement_ids:
        log.info("%s statements drawn up", len(closed.statement_ids))


def _begin(
    context: Context, merchant_id: int, watermark: int, actor: Actor, now: datetime
) -> int | None:
    try:
        with context.database.unit_of_work(SYSTEM) as session:
            return begin_statement(
                session, merchant_id=merchant_id, watermark=watermark, actor=actor, now=now
            ).id
    except (NothingToSettle, PeriodNotOver):
        return None


def _collect(
    context: Context, statement_id: int, actor: Actor, until: float | None, chunk: int
) -> bool:
    """Until it is drawn up: True; or until time is over: False."""
    more = True
    while more:
        with context.database.unit_of_work(SYSTEM) as session:
            more = collect_lines(session, statement_id=statement_id, actor=actor, limit=chunk)
        if more and until is not None and time.monotonic() > until:
            return False
    return True
