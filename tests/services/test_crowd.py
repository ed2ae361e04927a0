"""The crowd for load tests: as many as asked for, twice if asked twice, and sound books."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import ClientCursor
from sqlalchemy import text

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.services.demo.crowd import load_crowd, phone_of, size_crowd

_SIZES = {"merchants": 3, "stores": 7, "members": 40, "payments": 505}


@pytest.fixture(scope="module")
def program(make):
    return make.program(issuer=None)


def _load(test_database, keys, program_id, code):
    crowd = size_crowd(program_id=program_id, code=code, now=utc_now(), **_SIZES)
    url = test_database.database_admin_url
    with psycopg.connect(url, cursor_factory=ClientCursor) as connection:
        load_crowd(connection.cursor(), crowd, keys=keys)


def _count(session):
    names = ("merchant", "store", "member", "payment", "card", "top_up")
    return [session.scalar(text(f"SELECT count(*) FROM {name}")) for name in names]


def test_a_crowd_stands_beside_what_is_there_and_the_books_are_sound(
    test_database, database, keys, program
):
    """The books are asked when the run ends, as after every test that commits (conftest)."""
    with database.unit_of_work(SYSTEM) as session:
        before = _count(session)
    for code in ("one-", "two-"):
        _load(test_database, keys, program.id, code)
    paid = "SELECT sum(amount_fen) FROM payment p JOIN merchant m ON m.id = p.merchant_id"
    spent = (
        "SELECT sum(original_fen - remaining_fen) FROM lot l JOIN card c ON c.id = l.card_id"
        " JOIN member m ON m.id = c.member_id WHERE m.nickname LIKE '压测%'"
    )
    with database.unit_of_work(SYSTEM) as session:
        added = [now - then for now, then in zip(_count(session), before, strict=True)]
        assert added == [6, 14, 80, 1010, 80, 80]
        fen = session.scalar(text(spent))
        assert fen == session.scalar(text(f"{paid} WHERE m.name LIKE '压测%'")) > 0
        newest = session.scalar(text("SELECT max(id) FROM member"))
        found = session.scalar(
            text("SELECT id FROM member WHERE phone_digest = :digest"),
            {"digest": keys.phone_digest(phone_of(newest))},
        )
    assert found == newest


def test_what_cards_cannot_pay_is_refused_before_anything_is_written():
    sizes = {**_SIZES, "program_id": 1, "code": "x", "now": utc_now()}
    with pytest.raises(ValueError, match="more members"):
        size_crowd(**{**sizes, "members": 1, "payments": 400_001})
    with pytest.raises(ValueError, match="need members"):
        size_crowd(**{**sizes, "members": 0})
    tight = size_crowd(**{**sizes, "members": 1, "payments": 400_000})
    assert (tight.least_fen, tight.span_fen) == (1, 1)
