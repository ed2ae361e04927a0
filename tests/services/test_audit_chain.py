"""The audit log's chain holds what was written, whoever commits late; what was changed shows."""

from __future__ import annotations

import threading

import psycopg
import pytest

from app.core.actor import SYSTEM
from app.services.audit_chain import read_audit_watermark, seal_audit, verify_audit
from app.services.journal import audit


def _write(database, action, detail=None):
    with database.unit_of_work(SYSTEM) as session:
        audit(session, action, actor=SYSTEM, detail=detail)


def _seal(database):
    with database.unit_of_work(SYSTEM) as session:
        watermark = read_audit_watermark(session)
    sealed = 0
    while True:
        with database.unit_of_work(SYSTEM) as session:
            done = seal_audit(session, watermark=watermark, limit=50)
        if done == 0:
            return sealed
        sealed += done


def _verify(database):
    with database.unit_of_work(SYSTEM) as session:
        return verify_audit(session)


@pytest.fixture
def sealed(database):
    for number in range(5):
        _write(database, "test.chain", {"number": number, "reason": "退货 “é”", "nested": {"b": 1}})
    assert _seal(database) >= 5
    verdict = _verify(database)
    assert (verdict.ok, verdict.unsealed) == (True, 0)
    return verdict


def test_the_chain_grows_and_stays_whole(database, sealed):
    assert _seal(database) == 0
    _write(database, "test.more")
    waiting = _verify(database)
    assert (waiting.ok, waiting.unsealed, waiting.head) == (True, 1, sealed.head)
    assert _seal(database) == 1
    grown = _verify(database)
    assert (grown.ok, grown.checked) == (True, sealed.checked + 1)
    assert grown.head != sealed.head


@pytest.mark.parametrize(
    "crime",
    [
        "UPDATE audit_record SET detail = '{\"number\": 999}' WHERE id = %(id)s",
        "UPDATE audit_record SET occurred_at = occurred_at + interval '1 ms' WHERE id = %(id)s",
        "UPDATE audit_record SET chain_hash = NULL WHERE id = %(id)s",
        "DELETE FROM audit_record WHERE id = %(id)s",
    ],
)
def test_what_was_changed_shows(database, test_database, sealed, crime):
    with psycopg.connect(test_database.superuser_url) as connection:
        ids = connection.execute("SELECT id FROM audit_record ORDER BY id DESC LIMIT 3").fetchall()
        (_, (after,), (victim,)) = ids
        kept = connection.execute(
            "SELECT id, occurred_at, action, detail::text, chain_hash FROM audit_record"
            " WHERE id = %s",
            (victim,),
        ).fetchone()
        connection.execute(crime, {"id": victim})
        connection.commit()
        verdict = _verify(database)
        connection.execute("DELETE FROM audit_record WHERE id = %s", (victim,))
        connection.execute(
            "INSERT INTO audit_record (id, occurred_at, action, detail, chain_hash)"
            " OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s, %s)",
            kept,
        )
    assert not verdict.ok
    assert verdict.first_bad_id in {victim, after}
    assert _verify(database).ok, "put back as it was"


def test_a_record_that_is_committed_late_is_not_passed_over(database, sealed):
    """Its id is lower than that of a record which is committed and could be sealed before it."""
    written, go_on = threading.Event(), threading.Event()

    def write_slowly():
        with database.unit_of_work(SYSTEM) as session:
            audit(session, "test.late", actor=SYSTEM)
            session.flush()
            written.set()
            go_on.wait(60)

    slow = threading.Thread(target=write_slowly)
    slow.start()
    assert written.wait(60)
    _write(database, "test.early")
    threading.Timer(0.3, go_on.set).start()
    assert _seal(database) == 2
    slow.join()
    verdict = _verify(database)
    assert (verdict.ok, verdict.unsealed) == (True, 0)
