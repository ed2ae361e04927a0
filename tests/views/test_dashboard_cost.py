"""What the first page costs: a fixed, small number of statements, however much there is to show."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine, event

from app.core.actor import Role

# Who is asked, the scope, tiles with what they are compared with, charts.
MOST = {"platform": 33, "merchant": 33, "store": 25}


@pytest.fixture
def count():
    """Statements that this thread's work has sent to PostgreSQL, whichever engine it used."""
    sent: list[str] = []
    here = threading.get_ident()

    def note(_connection, _cursor, statement, *_rest):
        if threading.get_ident() == here:
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield sent
    event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("console", MOST)
@pytest.mark.parametrize("period", ["today", "week", "month"])
def test_the_first_page_asks_few_questions(make, signed_in, count, console, period):
    merchant = make.merchant()
    store = make.store(merchant)
    make.card(make.member(), make.program(issuer=merchant), principal_fen=100_00)
    staff = {
        "platform": lambda: make.staff(Role.platform_finance),
        "merchant": lambda: make.staff(Role.merchant_admin, merchant=merchant),
        "store": lambda: make.staff(Role.store_manager, store),
    }[console]()
    browser = signed_in(staff)

    def asked():
        count.clear()
        assert browser.get(f"/console/?period={period}").status_code == 200
        return len(count)

    asked()
    once = asked()
    for _ in range(3):
        make.card(make.member(), make.program(issuer=merchant), principal_fen=100_00)
        make.store(merchant)
    assert asked() == once, "more to show is not more to ask"
    assert once <= MOST[console]
