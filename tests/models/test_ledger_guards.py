"""What PostgreSQL itself refuses, whoever asks: L1, L2, L4 and L6."""

from __future__ import annotations

import json
import re

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from app.core.clock import utc_now
from app.models.ledger import ACCOUNTS, ENTRY_KINDS
from app.services import ledger
from app.services.ledger import Leg

CHANGES = [
    "UPDATE posting SET amount_fen = amount_fen + 1",
    "DELETE FROM posting",
    "INSERT INTO journal_entry (kind, reference, occurred_at) VALUES ('payment', 'x', now())",
    "INSERT INTO posting SELECT * FROM posting LIMIT 1",
    "UPDATE journal_entry SET reason = 'changed'",
    "DELETE FROM journal_entry",
    "UPDATE card SET balance_fen = balance_fen + 1",
    "DELETE FROM card",
    "UPDATE lot SET remaining_fen = remaining_fen + 1",
    "UPDATE lot SET expires_at = NULL",
    "DELETE FROM lot",
    "TRUNCATE posting",
    "DELETE FROM audit_record",
    "UPDATE audit_record SET action = 'nothing'",
]


@pytest.mark.parametrize("change", CHANGES)
def test_neither_the_login_nor_the_system_scope_changes_the_books(test_database, make, change):
    make.card(principal_fen=1_00)
    for role in ("none", "kaquan_system"):
        with psycopg.connect(test_database.database_url) as connection:
            connection.execute("SELECT set_config('role', %s, true)", [role])
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(change)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE posting SET amount_fen = 1",
        "DELETE FROM posting",
        "TRUNCATE posting",
        "UPDATE journal_entry SET reason = ''",
        "DELETE FROM journal_entry",
        "TRUNCATE journal_entry CASCADE",
    ],
)
def test_not_even_a_superuser_changes_the_books_by_mistake(test_database, make, change):
    make.card(principal_fen=1_00)
    with (
        psycopg.connect(test_database.superuser_url) as connection,
        pytest.raises(psycopg.Error, match="append only"),
    ):
        connection.execute(change)


def test_an_entry_that_does_not_balance_is_refused(session):
    legs = [
        {"account": "bank:wechat", "amount_fen": 5, "merchant_id": 1},
        {"account": "bank:payout", "amount_fen": -4, "merchant_id": 1},
    ]
    with pytest.raises(IntegrityError, match="L1"):
        _post(session, legs)


def _post(session, legs):
    session.execute(
        text(
            "SELECT kaquan.post_entry('payment', 'test:1', now(), cast(:legs AS jsonb), NULL, NULL)"
        ),
        {"legs": json.dumps(legs)},
    )


def test_a_posting_names_its_accounts_merchant(session, make):
    card = make.card(principal_fen=1_00)
    store = make.store()
    stranger = make.merchant()
    wrong = [
        {"account": "bank:wechat", "merchant_id": stranger.id},
        {"account": "payable:merchant", "merchant_id": stranger.id, "store_id": store.id},
        {"account": "voucher", "merchant_id": stranger.id, "batch_id": make.batch().id},
        {"account": "suspense:member", "merchant_id": card.merchant_id},
    ]
    for leg in wrong:
        legs = [
            leg | {"amount_fen": 1},
            {"account": "bank:payout", "merchant_id": 1, "amount_fen": -1},
        ]
        with pytest.raises(IntegrityError, match="L6"), session.begin_nested():
            _post(session, legs)


def test_an_unknown_account_is_refused(session):
    legs = [
        {"account": "bank:mine", "amount_fen": 5, "merchant_id": 1},
        {"account": "bank:payout", "amount_fen": -5, "merchant_id": 1},
    ]
    with pytest.raises(IntegrityError, match="posting_account"):
        _post(session, legs)


def test_the_guard_knows_the_accounts_that_the_model_lists(session):
    guard = session.scalar(text("SELECT prosrc FROM pg_proc WHERE proname = 'check_postings'"))
    listed = re.search(r"p\.account NOT IN \(([^)]*)\)", guard)
    assert re.findall(r"'([^']+)'", listed[1]) == list(ACCOUNTS)


def test_an_entry_is_of_a_kind_that_the_model_lists(session):
    checked = session.scalar(
        text(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname LIKE '%entry_kind'"
            " AND conrelid = 'journal_entry'::regclass"
        )
    )
    assert re.findall(r"'([^']+)'", checked) == list(ENTRY_KINDS)
    with pytest.raises(IntegrityError, match="entry_kind"):
        session.execute(
            text("SELECT kaquan.post_entry('sundries', 'test:2', now(), '[]'::jsonb, NULL, NULL)")
        )


def test_a_card_never_goes_below_zero(session, make):
    card = make.card(principal_fen=1_00)
    lot_id = session.scalar(text("SELECT id FROM lot WHERE card_id = :id"), {"id": card.id})
    taken = Leg(
        account="card",
        amount_fen=1_01,
        merchant_id=card.merchant_id,
        card_id=card.id,
        lot_id=lot_id,
    )
    with pytest.raises(IntegrityError, match="lot_remaining"):
        ledger.post_entry(
            session,
            kind="redemption",
            reference="test:below",
            legs=[taken, Leg(account="suspense:member", amount_fen=-1_01)],
            now=utc_now(),
        )


def test_a_lot_of_another_card_is_refused(session, make):
    one, two = make.card(principal_fen=1_00), make.card(principal_fen=1_00)
    lot_id = session.scalar(text("SELECT id FROM lot WHERE card_id = :id"), {"id": two.id})
    legs = [
        Leg(
            account="card", amount_fen=1, merchant_id=one.merchant_id, card_id=one.id, lot_id=lot_id
        ),
        Leg(account="suspense:member", amount_fen=-1),
    ]
    with pytest.raises(Exception, match="is not on card"):
        ledger.post_entry(session, kind="payment", reference="test:lot", legs=legs, now=utc_now())


def test_an_event_is_booked_once_and_reversed_once(session):
    legs = [
        Leg(account="bank:payout", amount_fen=5),
        Leg(account="bank:wechat", amount_fen=-5),
    ]
    said = {"kind": "redemption", "reference": "test:once", "legs": legs, "now": utc_now()}
    ledger.post_entry(session, **said)
    with pytest.raises(IntegrityError), session.begin_nested():
        ledger.post_entry(session, **said)
    entry = ledger.find_entry(session, "test:once")
    ledger.reverse_entry(session, entry=entry, now=utc_now(), reason="by mistake")
    entry = ledger.find_entry(session, "test:once")
    with pytest.raises(IntegrityError), session.begin_nested():
        ledger.reverse_entry(session, entry=entry, now=utc_now(), reason="again")


@pytest.mark.parametrize("scope", ["public", "member", "store", "merchant", "platform"])
def test_other_scopes_cannot_reach_the_writer(session, scope):
    session.execute(text(f"SET LOCAL ROLE kaquan_{scope}"))
    with pytest.raises(ProgrammingError, match="permission denied"):
        _post(session, [])
