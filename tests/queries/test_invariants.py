"""Every invariant holds of sound books, and each one notices when its own rule is broken."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import text

from app.core.actor import SYSTEM
from app.queries.invariants import INVARIANTS, check_invariants

# How to break each rule, by somebody whom no trigger stops. All of it is rolled back.
LAST = "(SELECT max(id) FROM {})"
PAYMENT = (
    "INSERT INTO payment (payment_no, merchant_id, store_id, member_id, status, amount_fen,"
    " card_fen, wechat_fen, commission_bp"
)
GIFT = (
    "INSERT INTO gift (id, gift_no, merchant_id, sender_id, status, amount_fen, claim_digest,"
    " expires_at, ended_at, receiver_id) OVERRIDING SYSTEM VALUE VALUES (-1, 'x', 1, 1,"
)
BOOKED_GIFT = (
    "INSERT INTO journal_entry (id, kind, reference, occurred_at) OVERRIDING SYSTEM VALUE VALUES"
    " (-1, 'gift_sent', 'x', now()), (-2, 'gift_claimed', 'y', now());"
    " INSERT INTO posting (entry_id, occurred_at, account, amount_fen, merchant_id, gift_id)"
    " VALUES"
    " (-1, now(), 'gift', -5, 1, -1), (-2, now(), 'gift', 5, 1, -1)"
)
BREAKS = {
    "L1": "INSERT INTO journal_entry (kind, reference, occurred_at) VALUES ('payment', 'x', now())",
    "L2": "ALTER TABLE posting DISABLE TRIGGER posting_append_only",
    "L3": f"UPDATE card SET balance_fen = balance_fen + 1 WHERE id = {LAST.format('card')}",
    "L4": "ALTER TABLE lot DROP CONSTRAINT lot_remaining;"
    f" UPDATE lot SET original_fen = 1 WHERE id = {LAST.format('lot')}",
    "L5": f"UPDATE posting SET amount_fen = amount_fen + 1 WHERE id = {LAST.format('posting')}",
    "L6": f"UPDATE posting SET merchant_id = -1 WHERE id = {LAST.format('posting')}",
    "L7": f"UPDATE lot SET remaining_fen = remaining_fen - 1 WHERE id = {LAST.format('lot')}",
    "V1": "UPDATE voucher SET status = 'redeemed', redeemed_at = now()"
    f" WHERE id = {LAST.format('voucher')}",
    "V2": f"UPDATE voucher SET status = 'expired' WHERE id = {LAST.format('voucher')}",
    "T1": "INSERT INTO top_up (top_up_no, merchant_id, program_id, channel, status, amount_fen,"
    f" card_id, credited_at) VALUES ('x', 1, 1, 'wechat', 'credited', 5,"
    f" {LAST.format('card')}, now())",
    "P1": f"{PAYMENT}, paid_at) VALUES ('x', 1, 1, 1, 'paid', 5, 5, 0, 0, now())",
    "H1": f"{PAYMENT}) VALUES ('x', 1, 1, 1, 'pending', 5, 3, 2, 0)",
    "R1": f"{PAYMENT}, refunded_card_fen) VALUES ('x', 1, 1, 1, 'closed', 5, 5, 0, 0, 2)",
    "I1": "INSERT INTO idempotency_record (caller, key, request_hash, http_status, answer)"
    " VALUES ('x', 'x', '', 503, '{}')",
    "F1": "INSERT INTO hourly_rollup (source, hour, merchant_id, kind, status, events, amount_fen,"
    " card_fen, wechat_fen, bonus_fen, commission_fen)"
    " VALUES ('payment', '2000-01-01', 1, 'card', 'paid', 1, 5, 5, 0, 0, 0)",
    "F2": "INSERT INTO ledger_day (day, merchant_id, account, event, postings, amount_fen)"
    " VALUES ('2000-01-01', 1, 'card', 'payment', 1, 5)",
    "F3": "INSERT INTO hourly_total (source, hour, kind, events, amount_fen, card_fen, wechat_fen,"
    " bonus_fen, commission_fen) VALUES ('payment', '2000-01-01', 'card', 1, 5, 5, 0, 0, 0)",
    "F4": "INSERT INTO member_month (month, member_id, days, repeat_days)"
    " VALUES ('2000-01-01', 1, 1, 0)",
    "P1 by another store": "INSERT INTO payment (id, payment_no, merchant_id, store_id, member_id,"
    " status, amount_fen, card_fen, wechat_fen, commission_bp, paid_at, commission_fen)"
    " OVERRIDING SYSTEM VALUE VALUES (-1, 'x', 1, 1, 1, 'paid', 5, 0, 5, 0, now(), 0);"
    " INSERT INTO posting (entry_id, occurred_at, account, amount_fen, merchant_id,"
    " payment_id) VALUES (-1, now(), 'bank:wechat', 5, 1, -1);"
    " INSERT INTO posting (entry_id, occurred_at, account, amount_fen, payment_id, merchant_id,"
    " store_id) VALUES (-1, now(), 'payable:merchant', -5, -1, 1, 2)",
    "T1 of nothing": "INSERT INTO posting (entry_id, occurred_at, account, amount_fen, merchant_id,"
    " top_up_id) VALUES (-1, now(), 'cash:store', 5, 1, -1)",
    "G1 ended otherwise": f"{GIFT} 'revoked', 5, 'x', now(), now(), NULL); {BOOKED_GIFT}",
    "G1 of another amount": f"{GIFT} 'claimed', 6, 'x', now(), now(), -1); {BOOKED_GIFT}",
    "G1": "INSERT INTO gift (gift_no, merchant_id, sender_id, amount_fen, claim_digest, expires_at)"
    " VALUES ('x', 1, 1, 5, 'x', now())",
}


@pytest.fixture
def books(make):
    """A little of everything, so that no question is about nothing."""
    make.card(make.member(), principal_fen=100_00, bonus_fen=10_00)
    make.vouchers(make.batch())


def test_sound_books_break_nothing(database, books):
    with database.unit_of_work(SYSTEM) as session:
        results = check_invariants(session)
    assert [result.id for result in results] == [invariant.id for invariant in INVARIANTS]
    assert [result for result in results if not result.ok] == []
    assert {r.id for r in results if r.checked == 0} <= {
        "T1",
        "P1",
        "H1",
        "R1",
        "S1",
        "G1",
        "F1",
        "F2",
        "F3",
        "F4",
    }


def test_every_invariant_is_tried():
    tried = {broken.split()[0] for broken in BREAKS}
    assert {invariant.id for invariant in INVARIANTS} - tried == {"S1"}


@pytest.mark.parametrize("broken", BREAKS)
def test_a_broken_rule_is_noticed(test_database, books, broken):
    sql = next(invariant.sql for invariant in INVARIANTS if invariant.id == broken.split()[0])
    with psycopg.connect(test_database.superuser_url) as connection:
        connection.execute("SET LOCAL lock_timeout = '5s'")
        if broken != "L2":
            connection.execute("SET LOCAL session_replication_role = replica")
        _, bad_before = connection.execute(sql).fetchone()
        for statement in BREAKS[broken].split(";"):
            connection.execute(statement)
        checked, bad = connection.execute(sql).fetchone()
        connection.rollback()
    assert (checked > 0, bad_before) == (True, 0)
    assert bad > 0


def test_all_is_asked_in_one_snapshot(database):
    with database.unit_of_work(SYSTEM) as session:
        check_invariants(session)
        level = session.scalar(text("SHOW transaction_isolation"))
    assert level == "repeatable read"
