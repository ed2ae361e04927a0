"""Closing while business goes on, twice at once, and killed midway: no posting lost, none twice."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.flows.settlement import settling
from app.models.ledger import Posting
from app.models.statements import StatementLine, StatementStatus
from app.queries.invariants import check_invariants
from app.services.ledger import Leg, post_entry
from app.services.settlement.statements import begin_statement, collect_lines
from app.services.snapshots import read_watermark
from tests.served import at_once
from tests.trade import LATER, Trade


@pytest.fixture
def trade(make):
    made = Trade(make)
    for _ in range(12):
        made.pay(made.store_two, made.group, 10_00, principal=10_00)
    return made


def _require_s1(database):
    with database.unit_of_work(SYSTEM) as session:
        assert all(one.ok for one in check_invariants(session) if one.id == "S1")


def _counts(database, merchant):
    with database.unit_of_work(SYSTEM) as session:
        lines = session.scalar(select(func.count()).where(StatementLine.merchant_id == merchant.id))
        postings = session.scalar(
            select(func.count()).where(
                Posting.merchant_id == merchant.id, Posting.account == "payable:merchant"
            )
        )
        return lines, postings


def test_two_closings_at_once_make_one_statement(database, trade):
    closings = [lambda: trade.close(chunk=2)] * 4
    at_once(closings)
    [statement] = trade.statements(trade.two)
    assert statement.status is StatementStatus.draft
    assert statement.line_count == 12
    assert _counts(database, trade.two) == (12, 12)
    _require_s1(database)


def test_refunds_that_post_while_it_closes_are_on_this_one_or_the_next(database, make, trade):
    payments = [trade.pay(trade.store_two, trade.group, 5_00, principal=5_00) for _ in range(8)]
    stop = threading.Event()

    def refunding() -> None:
        for payment_id in payments:
            trade.refund(trade.store_two, payment_id, 1_00)
        stop.set()

    def closing() -> None:
        while not stop.is_set():
            trade.close(chunk=3)

    at_once([refunding, closing, closing])
    trade.close(now=utc_now() + 2 * LATER)
    assert _counts(database, trade.two) == (28, 28)
    statements = trade.statements(trade.two)
    assert sum(s.line_count for s in statements) == 28
    assert len(statements) <= 3  # This month, the next and, for the last refunds, the one after.
    _require_s1(database)


def test_killed_midway_it_is_gone_on_with(database, trade):
    later = utc_now() + LATER
    with database.unit_of_work(SYSTEM) as session:
        watermark = read_watermark(session)
    with database.unit_of_work(SYSTEM) as session:
        statement_id = begin_statement(
            session, merchant_id=trade.two.id, watermark=watermark, actor=SYSTEM, now=later
        ).id
    with database.unit_of_work(SYSTEM) as session:
        assert collect_lines(session, statement_id=statement_id, actor=SYSTEM, limit=5)

    class Killed(Exception):
        pass

    def die_in_the_second_chunk() -> None:
        with database.unit_of_work(SYSTEM) as session:
            collect_lines(session, statement_id=statement_id, actor=SYSTEM, limit=5)
            raise Killed

    with pytest.raises(Killed):
        die_in_the_second_chunk()
    trade.close(chunk=5, now=later + timedelta(hours=1))
    [statement] = trade.statements(trade.two)
    assert (statement.id, statement.line_count) == (statement_id, 12)
    assert _counts(database, trade.two) == (12, 12)
    _require_s1(database)


def test_an_entry_that_commits_late_is_left_open_and_not_lost(database, make, trade):
    """It was booked before the closing began, and commits when that is over."""
    began, go_on = threading.Event(), threading.Event()

    def book_slowly() -> None:
        with database.unit_of_work(SYSTEM) as session:
            post_entry(
                session, kind="payment", reference=f"slow:{trade.two.id}", now=utc_now(),
                legs=[
                    Leg(account="payable:merchant", amount_fen=-7, merchant_id=trade.two.id,
                        store_id=trade.store_two.id),
                    Leg(account="bank:wechat", amount_fen=7),
                ],
            )  # fmt: skip
            began.set()
            go_on.wait(10)

    def close_meanwhile() -> None:
        began.wait(10)
        with database.unit_of_work(SYSTEM) as session:
            seen = session.scalar(select(func.max(Posting.id)))
        # Nobody waits for the writer here, as the watermark would: it is simply not seen.
        later = utc_now() + LATER
        with database.unit_of_work(SYSTEM) as session:
            statement = begin_statement(
                session, merchant_id=trade.two.id, watermark=seen, actor=SYSTEM, now=later
            )
        with database.unit_of_work(SYSTEM) as session:
            collect_lines(session, statement_id=statement.id, actor=SYSTEM)
        go_on.set()

    at_once([book_slowly, close_meanwhile])
    trade.close(now=utc_now() + 2 * LATER)
    assert [s.line_count for s in trade.statements(trade.two)] == [12, 1]
    assert settling.close_due(trade.context(), merchant_ids=[trade.two.id]).statement_ids == []
    _require_s1(database)
