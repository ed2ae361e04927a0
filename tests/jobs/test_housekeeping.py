"""What runs by the clock, run now."""

from __future__ import annotations

from types import SimpleNamespace

import psycopg
import pytest

from app.core.actor import SYSTEM
from app.jobs import housekeeping
from app.queries.trial_balance import trial_balance
from app.services.audit_chain import verify_audit


@pytest.fixture
def context(database):
    return SimpleNamespace(database=database)


@pytest.fixture
def superuser(test_database):
    with psycopg.connect(test_database.superuser_url, autocommit=True) as connection:
        yield connection


def test_the_audit_log_is_sealed_to_its_end(context, database, make, superuser):
    make.merchant()
    housekeeping.seal(context)
    with database.unit_of_work(SYSTEM) as session:
        verdict = verify_audit(session)
    assert (verdict.ok, verdict.unsealed) == (True, 0)


def test_balances_are_kept_and_stay_what_they_are(context, database, make, superuser):
    make.card(principal_fen=12_34)
    before = _balances(database)
    housekeeping.keep_balances(context)
    housekeeping.keep_balances(context)
    make.card(principal_fen=1)
    after = _balances(database)
    assert {after[name] - before[name] for name in before} <= {0, 1, -1}


def _balances(database):
    with database.unit_of_work(SYSTEM) as session:
        found = trial_balance(session)
    return {(line.account, line.merchant_id, line.store_id): line.balance_fen for line in found}


def test_what_is_over_expires(context, make, superuser):
    card = make.card(principal_fen=5_00, bonus_fen=1_00)
    superuser.execute(
        "UPDATE lot SET expires_at = now() - interval '1 s' WHERE card_id = %s", (card.id,)
    )
    housekeeping.expire(context)
    left = superuser.execute("SELECT balance_fen FROM card WHERE id = %s", (card.id,)).fetchone()
    assert left == (0,)


def test_old_news_is_swept_away_and_new_news_kept(context, superuser):
    superuser.execute(
        "INSERT INTO idempotency_record"
        " (caller, key, request_hash, http_status, answer, created_at)"
        " SELECT 'sweep', n::text, '', 201, '{}', now() - n * interval '1 day'"
        " FROM generate_series(0, 40) n"
    )
    superuser.execute(
        "INSERT INTO outbox_message (topic, subject_id, created_at, sent_at)"
        " SELECT 'sweep', n, now() - n * interval '1 day', CASE WHEN n <> 9 THEN now() END"
        " FROM generate_series(0, 10) n"
    )
    housekeeping.clean_up(context)
    keys = superuser.execute("SELECT count(*) FROM idempotency_record WHERE caller = 'sweep'")
    assert keys.fetchone() == (30,)
    messages = superuser.execute(
        "SELECT array_agg(subject_id ORDER BY subject_id) FROM outbox_message WHERE topic = 'sweep'"
    )
    assert messages.fetchone() == ([0, 1, 2, 9],), "what was never sent is never thrown away"
    superuser.execute("DELETE FROM idempotency_record WHERE caller = 'sweep'")
    superuser.execute("DELETE FROM outbox_message WHERE topic = 'sweep'")
