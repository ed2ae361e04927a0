"""Reports: their figures are the rows' and the ledger's to the fen, and stop at the wall."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import text

from app.core.actor import SYSTEM, Actor, Role, Scope
from app.core.clock import SHANGHAI, end_of_day, local_day, utc_now
from app.core.keys import token_digest
from app.queries import report_sql
from app.queries.reports import REPORTS, Asked, add_up, read_report
from app.services.redemptions import REDEEM, read_code
from app.services.rollups import fold_rollups

PLATFORM = Actor(scope=Scope.platform, role=Role.platform_finance)


def asked(days: int = 40, **more):
    today = local_day(utc_now())  # When it is asked: a run may go on past midnight.
    since = datetime.combine(today - timedelta(days=days), time(), SHANGHAI)
    return Asked(since=since, until=end_of_day(today), **more)


def one(database, statement: str, **values):
    with database.unit_of_work(SYSTEM) as session:
        return session.execute(text(statement), values).scalar()


def rows_of(database, name: str, actor: Actor = PLATFORM, **more):
    with database.unit_of_work(actor) as session:
        return read_report(session, name, asked(**more))


@pytest.fixture(scope="module")
def shop(make, database, keys):
    """A store that has redeemed one paper voucher of 50 yuan, and a member with 300 on a card."""
    merchant = make.merchant()
    store = make.store(merchant)
    program = make.program(issuer=merchant)
    make.card(make.member(), program, principal_fen=300_00, bonus_fen=20_00)
    code, *_ = make.vouchers(make.batch(issuer=merchant))
    token = token_digest(make.staff_token(make.staff(Role.cashier, store)))
    digests = keys.code_digests(read_code(code))
    verdict, *_ = database.call(REDEEM, (token, f"report-{store.id}", b"h", digests))
    assert verdict == "redeemed"
    return merchant, store


@pytest.mark.parametrize("group", [*report_sql.GROUPS, "cashier"])
def test_takings_are_the_same_however_they_are_grouped(database, shop, group):
    report = REPORTS["takings"]
    merchant, _ = shop
    sums = add_up(report, rows_of(database, "takings", group=group, merchant_id=merchant.id))
    assert sums[1] == 1
    assert sums[5] == sums[4] > 0


def test_takings_from_hourly_figures_are_those_of_the_rows(database, shop):
    report = REPORTS["takings"]
    month = asked(group="day")

    def sums():
        with database.unit_of_work(PLATFORM) as session:
            return add_up(report, read_report(session, "takings", month))

    before = sums()
    with database.unit_of_work(SYSTEM) as session:
        fold_rollups(session, now=utc_now())
    assert sums() == before
    rows = one(
        database,
        "SELECT (SELECT coalesce(sum(amount_fen), 0) FROM payment"
        " WHERE paid_at >= :since AND paid_at < :until)"
        " + (SELECT coalesce(sum(face_value_fen), 0) FROM redemption"
        " WHERE redeemed_at >= :since AND redeemed_at < :until)",
        since=month.since,
        until=month.until,
    )
    assert before[5] == rows


def test_advance_receipts_close_at_what_the_ledger_says(database, shop):
    report = REPORTS["liability"]
    month = asked()
    with database.unit_of_work(PLATFORM) as session:
        found = read_report(session, "liability", month)
    ledger = one(
        database,
        "SELECT -sum(amount_fen)::bigint FROM posting"
        " WHERE account IN ('card', 'gift', 'voucher') AND occurred_at < :until",
        until=month.until,  # Other tests have booked things of later days.
    )
    assert add_up(report, found)[8] == ledger
    for row in found:
        opening, sold, used, expired, returned, other, closing = row[2:]
        assert opening + sold - used - expired - returned + other == closing, row


def test_the_regulators_balance_is_the_ledgers(database, shop):
    """Of one merchant: other tests have booked things of quarters to come."""
    merchant, _ = shop
    last = rows_of(database, "regulator", merchant_id=merchant.id)[-1]
    ledger = one(
        database,
        "SELECT -sum(amount_fen)::bigint FROM posting"
        " WHERE account IN ('card', 'gift', 'voucher', 'held') AND merchant_id = :merchant",
        merchant=merchant.id,
    )
    assert last[4] == ledger > 0


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_every_report_stops_at_the_wall(database, make, shop, name):
    """A merchant that has nothing sees nothing, whatever it asks for."""
    merchant, _ = shop
    stranger = make.actor(make.staff(Role.merchant_admin, merchant=make.merchant()))
    rows = rows_of(database, name, stranger, merchant_id=merchant.id)
    numbers = [cell for row in rows for cell in row if isinstance(cell, int)]
    assert not any(numbers), rows


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_every_report_gives_as_many_cells_as_it_has_columns(database, shop, name):
    for group in REPORTS[name].groups:
        for row in rows_of(database, name, group=group):
            assert len(row) == len(REPORTS[name].columns)
