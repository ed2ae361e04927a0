"""Reports: their figures are the rows' and the ledger's to the fen, and stop at the wall."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from itertools import pairwise

import psycopg
import pytest
from sqlalchemy import text

from app.core.actor import SYSTEM, Actor, Role, Scope
from app.core.clock import SHANGHAI, end_of_day, local_day, utc_now
from app.core.keys import token_digest
from app.queries import report_sql
from app.queries.invariants import check_invariants
from app.queries.reports import (
    REPORTS,
    Asked,
    add_up,
    periods_before,
    read_report,
    sum_report,
)
from app.services.ledger_days import fold_ledger_days, rebuild_ledger_days
from app.services.rollups import fold_rollups
from app.services.snapshots import read_watermark
from app.services.vouchers.redemptions import REDEEM, read_code

PLATFORM = Actor(scope=Scope.platform, role=Role.platform_finance)


def asked(days: int = 40, **more):
    today = local_day(utc_now())  # When it is asked: a run may go on past midnight.
    since = datetime.combine(today - timedelta(days=days), time(), SHANGHAI)
    return Asked(since=since, until=end_of_day(today), **more)


def one(database, statement: str, **values):
    with database.unit_of_work(SYSTEM) as session:
        return session.execute(text(statement), values).scalar()


def rows_of(database, name: str, actor: Actor = PLATFORM, days: int = 40, **more):
    with database.unit_of_work(actor) as session:
        return read_report(session, name, asked(days, **more))


def fold(database) -> None:
    with database.unit_of_work(SYSTEM) as session:
        fold_rollups(session, now=utc_now())


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


@pytest.mark.parametrize("group", ["store", "cashier", "day"])
def test_sums_alone_are_those_of_the_rows(database, shop, group):
    merchant, _ = shop
    month = asked(group=group, merchant_id=merchant.id)
    with database.unit_of_work(PLATFORM) as session:
        rows = read_report(session, "takings", month)
        assert sum_report(session, "takings", month) == add_up(REPORTS["takings"], rows)


@pytest.mark.parametrize(
    ("days", "before", "year_ago"),
    [
        (("2026-03-01", "2026-04-01"), ("2026-02-01", "2026-03-01"), ("2025-03-01", "2025-04-01")),
        (("2026-01-01", "2026-04-01"), ("2025-10-01", "2026-01-01"), ("2025-01-01", "2025-04-01")),
        (("2026-03-10", "2026-03-17"), ("2026-03-03", "2026-03-10"), ("2025-03-10", "2025-03-17")),
        (("2024-02-29", "2024-03-01"), ("2024-02-28", "2024-02-29"), ("2023-02-28", "2023-03-01")),
    ],
)
def test_before_whole_months_lie_whole_months(days, before, year_ago):
    """An accountant's October is set against September, not against the 31 days before it."""

    def of(since, until):
        begins, ends = (datetime.fromisoformat(f"{day}T00:00+08:00") for day in (since, until))
        return Asked(since=begins.astimezone(SHANGHAI), until=ends.astimezone(SHANGHAI))

    found = [(then.since, then.until) for then in periods_before(of(*days))]
    assert found == [(then.since, then.until) for then in (of(*before), of(*year_ago))]


def test_a_batchs_performance_by_the_books_is_that_of_its_vouchers(database, make, keys):
    """Three sold, one redeemed; an issuer sees its own, and the end of the period counts."""
    merchant = make.merchant()
    batch = make.batch(issuer=merchant, quantity=3)
    code, *_ = make.vouchers(batch)
    token = token_digest(make.staff_token(make.staff(Role.cashier, make.store(merchant))))
    digests = keys.code_digests(read_code(code))
    verdict, *_ = database.call(REDEEM, (token, f"batch-{batch.id}", b"h", digests))
    assert verdict == "redeemed"
    owner = make.actor(make.staff(Role.merchant_admin, merchant=merchant))
    face = batch.face_value_fen
    for actor in (PLATFORM, owner):
        [row] = rows_of(database, "batches", actor, merchant_id=merchant.id)
        assert row[2:] == [3, 1, 2, 0, face, face, 3333]
    counted = one(
        database,
        "SELECT array_agg(n ORDER BY status) FROM (SELECT status::text, count(*) AS n FROM voucher"
        " WHERE batch_id = :batch GROUP BY 1) v",
        batch=batch.id,
    )
    assert counted == [2, 1], "active, redeemed"
    with database.unit_of_work(SYSTEM) as session:
        session.execute(text("UPDATE voucher_batch SET is_imported = true WHERE id = :id"),
                        {"id": batch.id})  # fmt: skip
    [row] = rows_of(database, "batches", owner, merchant_id=merchant.id)
    assert row[2:] == [3, 1, 2, 0, face, face, 3333], "counted one by one"


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


def test_advance_receipts_by_month_go_on_from_month_to_month_and_come_to_the_same(database, shop):
    merchant, _ = shop
    whole = asked(400, merchant_id=merchant.id)
    with database.unit_of_work(PLATFORM) as session:
        rows = read_report(session, "liability-months", whole)
        together = add_up(REPORTS["liability"], read_report(session, "liability", whole))
    first, last = local_day(whole.since), local_day(whole.until - timedelta(seconds=1))
    assert len(rows) == 12 * (last.year - first.year) + last.month - first.month + 1
    assert (rows[0][1], rows[-1][7]) == (together[2], together[8])
    assert rows[-1][7] > 0
    assert [sum(row[place] for row in rows) for place in range(2, 7)] == together[3:8]
    for _, opening, sold, used, expired, returned, other, closing in rows:
        assert opening + sold - used - expired - returned + other == closing
    for earlier, later in pairwise(rows):
        assert earlier[7] == later[1]


def test_before_a_part_of_a_quarter_lies_the_whole_quarter_before():
    def of(since, until):
        begins, ends = (datetime.fromisoformat(f"{day}T00:00+08:00") for day in (since, until))
        return Asked(since=begins.astimezone(SHANGHAI), until=ends.astimezone(SHANGHAI))

    for days, before, year_ago in [
        (("2026-10-25", "2026-11-24"), ("2026-07-01", "2026-10-01"), ("2025-10-01", "2026-01-01")),
        (("2026-02-01", "2026-05-01"), ("2025-07-01", "2026-01-01"), ("2025-01-01", "2025-07-01")),
    ]:
        found = periods_before(of(*days), by_quarter=True)
        assert found == [of(*before), of(*year_ago)]


def test_the_regulators_balance_is_the_ledgers(database, shop):
    """Of one merchant: other tests have booked things of quarters to come."""
    merchant, _ = shop
    rows = rows_of(database, "regulator", days=200, merchant_id=merchant.id)
    ledger = one(
        database,
        "SELECT -sum(amount_fen)::bigint FROM posting"
        " WHERE account IN ('card', 'gift', 'voucher') AND merchant_id = :merchant",
        merchant=merchant.id,
    )
    assert rows[-1][8] == ledger > 0
    advance = add_up(REPORTS["liability"], rows_of(database, "liability", merchant_id=merchant.id))
    assert advance[8] == ledger
    bonus = one(
        database,
        "SELECT -sum(p.amount_fen)::bigint FROM posting p JOIN lot l ON l.id = p.lot_id"
        " WHERE p.account = 'card' AND l.kind = 'bonus' AND p.merchant_id = :merchant",
        merchant=merchant.id,
    )
    assert rows[-1][9] == bonus > 0
    for _, opening, received, given, spent, returned, expired, other, closing, _ in rows:
        assert opening + received + given - spent - returned - expired + other == closing
    for earlier, later in pairwise(rows):
        assert earlier[8] == later[1]


def test_reports_of_the_ledger_are_the_same_before_and_after_its_days_are_kept(database, shop):
    """Nothing kept, everything kept, and kept with younger postings beside it."""
    names = ("liability", "liability-months", "regulator", "breakage")

    def read():
        return [rows_of(database, name, days=400) for name in names]

    with database.unit_of_work(SYSTEM) as session:
        watermark = read_watermark(session)
    with database.unit_of_work(SYSTEM) as session:
        rebuild_ledger_days(session, watermark=0, now=utc_now())
    before = read()
    for up_to in (watermark // 2, watermark):
        with database.unit_of_work(SYSTEM) as session:
            fold_ledger_days(session, watermark=up_to, now=utc_now())
        assert read() == before
    with database.unit_of_work(SYSTEM) as session:
        assert fold_ledger_days(session, watermark=watermark, now=utc_now()) == 0
        assert rebuild_ledger_days(session, watermark=watermark, now=utc_now()) > 0
    assert read() == before


def test_verify_notices_a_wrong_day_of_the_ledger(database, shop, test_database):
    with database.unit_of_work(SYSTEM) as session:
        watermark = read_watermark(session)
    with database.unit_of_work(SYSTEM) as session:
        fold_ledger_days(session, watermark=watermark, now=utc_now())
    wrong = (
        "UPDATE ledger_day SET amount_fen = amount_fen + 1"
        " WHERE id = (SELECT min(id) FROM ledger_day)"
    )
    with psycopg.connect(test_database.superuser_url, autocommit=True) as superuser:
        superuser.execute(wrong)
    try:
        with database.unit_of_work(SYSTEM) as session:
            assert [r.id for r in check_invariants(session) if not r.ok] == ["F2"]
    finally:
        with database.unit_of_work(SYSTEM) as session:
            rebuild_ledger_days(session, watermark=watermark, now=utc_now())
    with database.unit_of_work(SYSTEM) as session:
        assert [r.id for r in check_invariants(session) if not r.ok] == []


def test_takings_count_an_hour_that_has_changed_once(database, make, shop, test_database):
    """Late rows and changed rows leave a note; the hour is then read from its rows."""
    store = make.store()
    insert = (
        "INSERT INTO payment (payment_no, merchant_id, store_id, member_id, status, amount_fen,"
        " card_fen, wechat_fen, commission_bp, created_at, paid_at, closed_at)"
        " SELECT 'PR' || gen_random_uuid(), %s, %s, 1, 'closed', n, n, 0, 0,"
        " now() - interval '30 h', now() - interval '30 h', now() FROM generate_series(1, %s) n"
    )
    report = REPORTS["takings"]

    def sums():
        merchant = store.merchant_id
        rows = rows_of(database, "takings", group="day", merchant_id=merchant)
        people = rows_of(database, "takings", group="cashier", merchant_id=merchant)
        assert add_up(report, rows)[1:] == add_up(report, people)[1:]
        return add_up(report, rows)[1:3]

    with psycopg.connect(test_database.superuser_url, autocommit=True) as superuser:
        superuser.execute(insert, (store.merchant_id, store.id, 3))
        assert sums() == [3, 6]
        fold(database)
        assert sums() == [3, 6]
        superuser.execute(insert, (store.merchant_id, store.id, 2))
        superuser.execute(
            "UPDATE payment SET closed_at = now(), status = 'closing' WHERE store_id = %s",
            (store.id,),
        )
        assert sums() == [5, 9]
        fold(database)
        assert sums() == [5, 9]
        superuser.execute(
            "UPDATE payment SET paid_at = NULL, status = 'closed' WHERE store_id = %s", (store.id,)
        )
        assert sums() == [0, 0]
    fold(database)


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
