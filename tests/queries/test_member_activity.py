"""Member activity told by days is that of the payments, whatever comes or changes late."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import combinations_with_replacement

import psycopg
import pytest
from sqlalchemy import text

from app.core.actor import SYSTEM, Actor, Role, Scope
from app.core.clock import SHANGHAI, utc_now
from app.queries import report_sql
from app.queries.invariants import check_invariants
from app.queries.reports import Asked, read_report
from app.services.rollups import fold_rollups, rebuild_rollups

PLATFORM = Actor(scope=Scope.platform, role=Role.platform_finance)
_PAY = (
    "INSERT INTO payment (payment_no, merchant_id, store_id, member_id, status, amount_fen,"
    " card_fen, wechat_fen, commission_bp, created_at, paid_at)"
    " VALUES ('MA' || gen_random_uuid(), %s, %s, %s, 'paid', 5, 5, 0, 0, %s, %s)"
)
# Long past, so that no other test's payments lie there.
DAYS = [datetime(2024, 1, 30, tzinfo=SHANGHAI) + timedelta(days=n) for n in range(4)]


@pytest.fixture
def superuser(test_database):
    with psycopg.connect(test_database.superuser_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def pay(make, superuser, database):
    store, paid = make.store(), []

    def paying(member, at: datetime) -> None:
        paid.append(member.id)
        superuser.execute(_PAY, (store.merchant_id, store.id, member.id, at, at))

    yield paying
    # A change leaves a note; what is gone leaves none.
    superuser.execute("UPDATE payment SET status = 'closed' WHERE member_id = ANY (%s)", (paid,))
    superuser.execute("DELETE FROM payment WHERE member_id = ANY (%s)", (paid,))
    fold(database)
    assert superuser.execute(
        "SELECT count(*) FROM member_month WHERE days <> 0 AND member_id = ANY (%s)", (paid,)
    ).fetchone() == (0,)


def fold(database, work=fold_rollups) -> None:
    with database.unit_of_work(SYSTEM) as session:
        work(session, now=utc_now())


def told(database, since: datetime, until: datetime) -> tuple[dict[str, int], dict[str, int]]:
    """What the report says of a period, and what the payments' rows say, in one moment."""
    with database.unit_of_work(PLATFORM) as session:
        report = read_report(session, "members", Asked(since=since, until=until))
        rows = session.execute(
            text(report_sql.members()),
            {
                "since": since,
                "until": until,
                "merchant_id": None,
                "store_id": None,
                "is_earlier": False,
            },
        ).all()
    return {str(r[0]): int(r[1]) for r in report}, {r[0]: r[1] for r in rows}


def agree(database) -> list[tuple[int, int]]:
    """Every period among the days: active and repeat members, equal to those of the rows."""
    found = []
    for since, last in combinations_with_replacement(DAYS, 2):
        kept, rows = told(database, since, last + timedelta(days=1))
        assert kept == rows, (since, last)
        found.append((kept["active"], kept["repeat"]))
    return found


def broken(database) -> list[str]:
    with database.unit_of_work(SYSTEM) as session:
        return [result.id for result in check_invariants(session) if not result.ok]


def test_every_period_is_told_as_by_the_payments(database, make, pay, superuser):
    often, twice, once = make.member(), make.member(), make.member()
    for at in (DAYS[0], DAYS[1] + timedelta(hours=23, minutes=59), DAYS[3]):
        pay(often, at)
    for hours in (1, 20):
        pay(twice, DAYS[1] + timedelta(hours=hours))
    pay(once, DAYS[2])
    agree(database)
    fold(database)
    # Periods of the 30th, 31st of January, 1st and 2nd of February, by their first and last days.
    expected = [(1, 0), (2, 2), (3, 2), (3, 2), (2, 1), (3, 1), (3, 2), (1, 0), (2, 0), (1, 0)]
    assert agree(database) == expected
    assert superuser.execute(
        "SELECT count(*) FROM member_month WHERE member_id = %s", (often.id,)
    ).fetchone() == (2,)
    assert "F4" not in broken(database)


def test_what_comes_or_changes_late_is_told_at_once_and_counted_again(
    database, make, pay, superuser
):
    member, other = make.member(), make.member()
    pay(member, DAYS[0])
    pay(other, DAYS[2])
    fold(database)
    pay(member, DAYS[0] + timedelta(hours=5))
    assert agree(database)[0] == (1, 1)
    assert "F4" not in broken(database)
    fold(database)
    assert agree(database)[0] == (1, 1)
    superuser.execute("UPDATE payment SET paid_at = %s WHERE member_id = %s", (DAYS[3], other.id))
    before = agree(database)
    fold(database)
    assert agree(database) == before
    assert before[-3:] == [(0, 0), (1, 0), (1, 0)]
    assert "F4" not in broken(database)


def test_the_youngest_payments_count(database, make, pay):
    member, now = make.member(), utc_now()
    fold(database)
    today = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    begins, ends = today - timedelta(days=1), today + timedelta(days=1)
    before, _ = told(database, begins, ends)
    pay(member, now)
    pay(member, now - timedelta(hours=12))
    after, rows = told(database, begins, ends)
    assert after == rows
    assert after["repeat"] > before["repeat"]
    fold(database)
    again, rows = told(database, begins, ends)
    assert again == rows == after


def test_a_rebuild_mends_what_verify_finds_wrong(database, make, pay, superuser):
    member = make.member()
    pay(member, DAYS[0])
    fold(database)
    superuser.execute(
        "UPDATE member_month SET repeat_days = days WHERE member_id = %s", (member.id,)
    )
    assert "F4" in broken(database)
    fold(database, rebuild_rollups)
    assert "F4" not in broken(database)
    assert agree(database)[0] == (1, 0)
