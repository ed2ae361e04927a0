"""Statements: each posting on exactly one, whatever commits late, and what each part comes to."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import ProgrammingError

from app.core.actor import SYSTEM, Actor, Role, Scope
from app.core.business_settings import DEEMED_DAYS
from app.core.clock import utc_now
from app.models.settings import Setting
from app.models.statements import Statement, StatementLine, StatementStatus, StatementSum
from app.models.tenants import Merchant, MerchantStatus, SettlementCycle
from app.queries.invariants import check_invariants
from app.services.settlement import statement_decisions as decisions
from app.services.settlement.statements import (
    NothingToSettle,
    PeriodNotOver,
    begin_statement,
    period_of,
)
from tests.books import balance_fen, postings_of
from tests.trade import LATER, Trade


@pytest.fixture
def trade(make):
    return Trade(make)


@pytest.fixture
def settled(trade):
    trade.everything()
    trade.close()
    return trade


def _parts(database, statement):
    with database.unit_of_work(SYSTEM) as session:
        rows = session.scalars(
            select(StatementSum).where(StatementSum.statement_id == statement.id)
        )
        return {(row.kind.name, row.part.name, row.issuer_id): row.amount_fen for row in rows}


def _s1(database):
    with database.unit_of_work(SYSTEM) as session:
        return next(one for one in check_invariants(session) if one.id == "S1")


def test_every_part_is_what_was_booked(database, settled):
    [statement] = settled.statements(settled.two)
    one, group = settled.one.id, 1
    assert _parts(database, statement) == {
        ("payment", "card_group", one): 80_00,
        ("payment", "card_group", group): 30_00,
        ("payment", "wechat", None): 70_00,
        ("payment", "commission", None): -3_60,
        ("refund", "card_group", one): -7_50,
        ("refund", "wechat", None): -17_50,
        ("refund", "commission", None): 50,
        ("redemption", "paper", one): 100_00,
        ("redemption", "commission", None): -2_00,
        ("cash", "cash", None): -40_00,
    }
    assert statement.status is StatementStatus.draft
    assert statement.earned_fen == 249_90
    assert statement.cash_fen == -40_00
    assert statement.due_fen == 209_90
    [issuers] = settled.statements(settled.one)
    assert _parts(database, issuers) == {
        ("payment", "card_own", one): 10_00,
        ("payment", "commission", None): -10,
        ("borne", "bonus", None): -20_00,
        ("borne", "promotion", None): -10_00,
    }
    assert _s1(database).ok


def test_the_sum_over_merchants_is_the_ledgers(database, settled):
    with database.unit_of_work(SYSTEM) as session:
        for merchant in (settled.one, settled.two):
            earned = session.scalar(
                select(func.sum(StatementLine.amount_fen)).where(
                    StatementLine.merchant_id == merchant.id, StatementLine.cash_fen == 0
                )
            )
            assert earned == -balance_fen(session, "payable:merchant", merchant_id=merchant.id)
            cash = session.scalar(
                select(func.coalesce(func.sum(StatementLine.cash_fen), 0)).where(
                    StatementLine.merchant_id == merchant.id
                )
            )
            assert cash == -balance_fen(session, "cash:store", merchant_id=merchant.id)


def test_closing_again_changes_nothing(settled):
    before = [s.id for s in settled.statements(settled.two)]
    assert settled.close().statement_ids == []
    assert [s.id for s in settled.statements(settled.two)] == before


def test_small_chunks_make_the_same_statement(database, make):
    parts = []
    for chunk in (1, 5_000):
        trade = Trade(make)
        trade.everything()
        trade.close(chunk=chunk)
        [statement] = trade.statements(trade.two)
        found = _parts(database, statement)
        parts.append({(k, p, i == trade.one.id): fen for (k, p, i), fen in found.items()})
    assert parts[0] == parts[1]


def test_a_period_that_is_not_over_is_not_closed(database, trade):
    trade.everything()
    assert trade.close(now=utc_now()).statement_ids == []
    with database.unit_of_work(SYSTEM) as session, pytest.raises(PeriodNotOver):
        begin_statement(
            session, merchant_id=trade.two.id, watermark=2**60, actor=SYSTEM, now=utc_now()
        )
    idle = trade.make.merchant()
    with database.unit_of_work(SYSTEM) as session, pytest.raises(NothingToSettle):
        begin_statement(
            session, merchant_id=idle.id, watermark=2**60, actor=SYSTEM, now=utc_now() + LATER
        )


def test_what_comes_after_the_closing_is_late_on_the_next_statement(database, settled):
    settled.pay(settled.store_two, settled.group, 5_00, principal=5_00)
    settled.close(now=utc_now() + 2 * LATER)
    first, second = settled.statements(settled.two)
    assert (second.line_count, second.late_count, second.earned_fen) == (1, 1, 4_90)
    assert second.period_first_on == first.period_last_on + timedelta(days=1)
    assert _s1(database).ok


def test_the_commission_of_the_payment_holds(database, trade):
    trade.pay(trade.store_two, trade.group, 100_00, principal=100_00)
    with database.unit_of_work(SYSTEM) as session:
        session.get_one(Merchant, trade.two.id).commission_bp = 500
    trade.pay(trade.store_two, trade.group, 100_00, principal=100_00)
    trade.close()
    [statement] = trade.statements(trade.two)
    assert _parts(database, statement)["payment", "commission", None] == -(2_00 + 5_00)


def test_a_frozen_merchants_balance_is_settled(database, trade):
    trade.pay(trade.store_two, trade.group, 100_00, principal=100_00)
    with database.unit_of_work(SYSTEM) as session:
        session.get_one(Merchant, trade.two.id).status = MerchantStatus.frozen
    trade.close()
    assert [s.due_fen for s in trade.statements(trade.two)] == [98_00]


def _people(make, merchant):
    owner = make.staff(Role.merchant_admin, merchant=merchant)
    finance, admin = make.staff(Role.platform_finance), make.staff(Role.platform_admin)
    return make.actor(owner), make.actor(finance), make.actor(admin)


def test_confirmed_approved_and_paid_by_three_people(database, make, settled):
    owner, finance, admin = _people(make, settled.two)
    [statement] = settled.statements(settled.two)
    given = {"statement_id": statement.id, "now": utc_now()}
    with database.unit_of_work(SYSTEM) as session:
        decisions.confirm_statement(session, actor=owner, **given)
        decisions.approve_statement(session, actor=finance, **given)
        with pytest.raises(decisions.StatementSecondPerson):
            decisions.record_payout(session, actor=finance, bank_reference="B1", **given)
        decisions.record_payout(session, actor=admin, bank_reference="B1", **given)
        with pytest.raises(decisions.StatementNotReady):
            decisions.record_payout(session, actor=admin, bank_reference="B1", **given)
        assert postings_of(session, f"statement:{statement.statement_no}:paid") == sorted(
            [
                ("bank:payout", 1, -209_90),
                ("cash:store", settled.two.id, -40_00),
                ("payable:merchant", settled.two.id, 249_90),
            ]
        )
        assert balance_fen(session, "payable:merchant", merchant_id=settled.two.id) == 0
        assert balance_fen(session, "cash:store", merchant_id=settled.two.id) == 0
    assert _s1(database).ok
    # The payout belongs to its statement and is nobody's business of the next period.
    assert settled.close(now=utc_now() + 2 * LATER).statement_ids == []


def test_less_than_nothing_is_carried_and_settled_by_a_later_one(database, make, settled):
    owner, finance, admin = _people(make, settled.one)
    [statement] = settled.statements(settled.one)
    assert statement.due_fen == 9_90 - 30_00
    given = {"now": utc_now()}
    with database.unit_of_work(SYSTEM) as session:
        decisions.confirm_statement(session, actor=owner, statement_id=statement.id, **given)
        with pytest.raises(decisions.NothingToPay):
            decisions.approve_statement(session, actor=finance, statement_id=statement.id, **given)
        decisions.carry_statement(session, actor=finance, statement_id=statement.id, **given)
    settled.pay(settled.store_one, settled.own, 100_00, principal=100_00)
    settled.cash(settled.store_one, 8_00)
    settled.close(now=utc_now() + 2 * LATER)
    first, second = settled.statements(settled.one)
    assert first.carried_into_id == second.id
    assert (first.to_pay_fen, second.to_pay_fen) == (0, second.due_fen), "added up once"
    assert (second.opening_fen, second.earned_fen, second.cash_fen) == (-20_10, 99_00, -8_00)
    with database.unit_of_work(SYSTEM) as session:
        decisions.confirm_statement(session, actor=owner, statement_id=second.id, **given)
        decisions.approve_statement(session, actor=finance, statement_id=second.id, **given)
        decisions.record_payout(
            session, actor=admin, statement_id=second.id, bank_reference="B2", **given
        )
        assert balance_fen(session, "payable:merchant", merchant_id=settled.one.id) == 0
        assert balance_fen(session, "cash:store", merchant_id=settled.one.id) == 0
    assert _s1(database).ok


def test_a_dispute_names_a_line_and_is_answered_before_it_is_confirmed(database, make, settled):
    owner, finance, _ = _people(make, settled.two)
    [statement] = settled.statements(settled.two)
    given = {"statement_id": statement.id, "now": utc_now()}
    with database.unit_of_work(SYSTEM) as session:
        number = session.scalar(
            select(StatementLine.document_no).where(StatementLine.statement_id == statement.id)
        )
        with pytest.raises(decisions.LineNotOnStatement):
            decisions.dispute_statement(session, document_no="P0", note="?", actor=owner, **given)
        decisions.dispute_statement(
            session, document_no=number, note="少了一笔", actor=owner, **given
        )
        with pytest.raises(decisions.DisputeOpen):
            decisions.confirm_statement(session, actor=owner, **given)
        decisions.answer_disputes(session, answer="下期更正", actor=finance, **given)
        decisions.confirm_statement(session, actor=owner, **given)


def test_silence_counts_as_consent_only_where_it_is_agreed_and_long_enough(database, make, settled):
    owner, finance, admin = _people(make, settled.two)
    [statement] = settled.statements(settled.two)
    [other] = settled.statements(settled.one)
    given, drawn_up = {"statement_id": statement.id}, other.created_at

    def state(of):
        with database.unit_of_work(SYSTEM) as session:
            found = session.get_one(Statement, of.id)
            return found.status, found.is_deemed, found.confirmed_by_id

    def deem(days, later):
        with database.unit_of_work(SYSTEM) as session:
            session.execute(delete(Setting).where(Setting.name == DEEMED_DAYS.name))
            session.add(Setting(name=DEEMED_DAYS.name, value=days, changed_at=utc_now()))
            session.flush()
            while decisions.deem_confirmed(session, now=drawn_up + timedelta(days=later)):
                pass
            session.execute(delete(Setting).where(Setting.name == DEEMED_DAYS.name))

    draft = (StatementStatus.draft, False, None)
    with database.unit_of_work(SYSTEM) as session:
        assert decisions.deem_confirmed(session, now=drawn_up + timedelta(days=999)) == 0
        decisions.dispute_statement(
            session, document_no="", note="?", actor=owner, now=utc_now(), **given
        )
    deem(5, 4)
    assert state(other) == draft
    deem(5, 6)
    deemed = (StatementStatus.confirmed, True, None)
    assert (state(statement)[0], state(other)) == (StatementStatus.disputed, deemed)
    answered = drawn_up + timedelta(days=6)
    with database.unit_of_work(SYSTEM) as session:
        decisions.answer_disputes(session, answer="无误", actor=finance, now=answered, **given)
    deem(5, 7)
    assert state(statement) == draft, "counted anew from the answer"
    deem(5, 12)
    assert state(statement) == deemed
    with database.unit_of_work(SYSTEM) as session:
        decisions.approve_statement(session, actor=finance, now=utc_now(), **given)
        decisions.record_payout(session, bank_reference="B9", actor=admin, now=utc_now(), **given)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE statement SET due_fen = due_fen + 1, earned_fen = earned_fen + 1 WHERE id = {id}",
        "UPDATE statement SET statement_no = 'X' WHERE id = {id}",
        "DELETE FROM statement WHERE id = {id}",
        "DELETE FROM statement_line WHERE statement_id = {id}",
        "UPDATE statement_sum SET amount_fen = 1 WHERE statement_id = {id}",
        """INSERT INTO statement_line SELECT id - 1, statement_id, merchant_id, store_id, kind,
           occurred_at, 'X', batch_id, 0, 0, 0, 0, 0, 0, 0, 1, 1, false FROM statement_line
           WHERE statement_id = {id} ORDER BY id LIMIT 1""",
    ],
)
def test_a_statement_never_changes(database, settled, change):
    [statement] = settled.statements(settled.two)
    with (
        pytest.raises(ProgrammingError, match=r"S1|L2|permission denied"),
        database.unit_of_work(SYSTEM) as session,
    ):
        session.execute(text(change.format(id=statement.id)))


def test_a_merchant_sees_its_own_statements_only(database, settled):
    reader = Actor(scope=Scope.merchant, merchant_id=settled.two.id, role=Role.merchant_admin)
    with database.unit_of_work(reader) as session:
        assert {s.merchant_id for s in session.scalars(select(Statement))} == {settled.two.id}
        seen = set(session.scalars(select(StatementLine.merchant_id)))
        assert seen == {settled.two.id}


@pytest.mark.parametrize(
    ("cycle", "first", "last"),
    [
        (SettlementCycle.daily, date(2028, 2, 29), date(2028, 2, 29)),
        (SettlementCycle.weekly, date(2028, 2, 28), date(2028, 3, 5)),
        (SettlementCycle.monthly, date(2028, 2, 1), date(2028, 2, 29)),
    ],
)
def test_the_period_of_a_day(cycle, first, last):
    found = period_of(cycle, date(2028, 2, 29))
    assert (found.first_on, found.last_on) == (first, last)


def test_s1_finds_a_line_that_is_not_what_was_booked(test_database, database, settled):
    """By the superuser with triggers off: nobody else can."""
    with psycopg.connect(test_database.superuser_url) as connection:
        connection.execute("SET session_replication_role = replica")
        changed = (
            "UPDATE statement_line SET amount_fen = amount_fen + {n}, other_fen = other_fen + {n}"
            " WHERE id = (SELECT max(id) FROM statement_line)"
        )
        connection.execute(changed.format(n=1))
        connection.commit()
        broken = _s1(database)
        connection.execute("SET session_replication_role = replica")
        connection.execute(changed.format(n=-1))
    assert not broken.ok
    assert _s1(database).ok
