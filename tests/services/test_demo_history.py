"""The demo's past: enough for every figure, balanced, the same story for the same day."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.actor import SYSTEM
from app.core.clock import SHANGHAI, utc_now
from app.models.scope import enter_scope
from app.queries.invariants import INVARIANTS
from app.services.demo import seed_demo, seed_history

_FIGURES = """
    SELECT (SELECT count(*) FROM payment), (SELECT sum(amount_fen)::bigint FROM payment),
           (SELECT count(*) FROM refund), (SELECT count(*) FROM redemption),
           (SELECT count(*) FROM gift), (SELECT sum(balance_fen)::bigint FROM card)
"""


def _played(session, keys, now):
    seed_demo(session, password="demo-kaquan-2026")
    seed_history(session, keys=keys, now=now)


def test_the_history_is_balanced_and_has_something_for_every_chart(session, keys):
    before = session.execute(text("SELECT count(*) FROM payment")).scalar_one()
    last_entry = session.scalar(text("SELECT coalesce(max(id), 0) FROM journal_entry"))
    now = utc_now()
    _played(session, keys, now)
    assert not _broken(session)
    rows = dict(session.execute(text("SELECT channel, count(*) FROM top_up GROUP BY 1")).all())
    assert set(rows) >= {"wechat", "cash", "code"}
    assert session.scalar(text("SELECT count(*) FROM payment")) - before > 1000
    for table in ("refund", "gift", "redemption"):
        assert session.scalar(text(f"SELECT count(*) FROM {table}")) > 20
    stores = (
        "SELECT count(DISTINCT store_id) FROM payment p JOIN merchant m ON m.id = p.merchant_id"
    )
    assert session.scalar(text(f"{stores} WHERE m.code IN ('merchant1', 'merchant2')")) == 6
    stocked = "SELECT count(DISTINCT store_id) FROM voucher_holding WHERE store_id IS NOT NULL"
    assert session.scalar(text(stocked)) >= 2, "a till of each merchant has paper to sell"
    ran_out = text(
        "SELECT count(*), -sum(p.amount_fen)::bigint FROM journal_entry e"
        "  JOIN posting p ON p.entry_id = e.id AND p.account = 'income:breakage'"
        " WHERE e.id > :last AND e.kind = 'vouchers_expired'"
    )
    times, fen = session.execute(ran_out, {"last": last_entry}).one()
    assert times >= 4
    assert fen > 1_000_00, "the report on expired balances has months to compare"
    of_ours = text("SELECT max(occurred_at) FROM journal_entry WHERE id > :last")
    latest = session.scalar(of_ours, {"last": last_entry})
    assert latest <= now + timedelta(seconds=1)


def test_no_paper_comes_back_before_it_was_sold_nor_is_its_story_of_today(session, keys):
    batches = session.scalar(text("SELECT coalesce(max(id), 0) FROM voucher_batch"))
    now = utc_now()
    _played(session, keys, now)
    ours = {"last": batches, "young": now - timedelta(days=7)}
    used = text(
        "SELECT v.status, count(*),"
        "  count(*) FILTER (WHERE coalesce(r.redeemed_at, t.credited_at) < v.activated_at)"
        " FROM voucher v LEFT JOIN redemption r ON r.voucher_id = v.id"
        " LEFT JOIN top_up t ON t.voucher_id = v.id"
        " WHERE v.batch_id > :last AND v.status = 'redeemed' GROUP BY 1"
    )
    [(_, count, too_early)] = session.execute(used, ours).all()
    assert count > 100
    assert too_early == 0
    for young in (
        "voucher_event WHERE kind <> 'expired' AND occurred_at", "voucher_holding WHERE since"
    ):  # fmt: skip
        query = text(f"SELECT count(*) FROM {young} > :young AND batch_id > :last")
        assert session.scalar(query, ours) == 0, young


def test_the_drawers_of_the_story_were_counted_and_some_differ_for_a_reason(session, keys):
    before = session.scalar(text("SELECT coalesce(max(id), 0) FROM shift"))
    now = utc_now()
    _played(session, keys, now)
    session.flush()
    shifts = session.execute(
        text(
            "SELECT h.*, h.opening_float_fen + (SELECT sum(p.amount_fen) FROM shift_entry e"
            "  JOIN posting p ON p.entry_id = e.entry_id AND p.account = 'cash:store'"
            "  WHERE e.shift_id = h.id)::bigint AS booked_fen"
            " FROM shift h WHERE h.id > :before"
        ),
        {"before": before},
    ).all()
    assert len(shifts) > 20
    assert {one.status for one in shifts} == {"closed"}
    assert all(one.expected_fen == one.booked_fen for one in shifts)
    assert all(one.opened_at < one.closed_at < now for one in shifts)
    differing = [one for one in shifts if one.counted_fen != one.expected_fen]
    assert 0 < len(differing) < len(shifts) / 4
    assert all(bool(one.difference_reason) == (one in differing) for one in shifts)


def test_the_same_moment_tells_the_same_story(database, keys):
    now = datetime(2026, 11, 20, 20, 0, tzinfo=SHANGHAI)
    found = []
    for _ in range(2):
        with database.engine.connect() as connection, connection.begin() as transaction:
            enter_scope(connection, SYSTEM)
            _played(Session(bind=connection), keys, now)
            found.append(tuple(connection.execute(text(_FIGURES)).one()))
            transaction.rollback()
    assert found[0] == found[1]


def _broken(session):
    """In the transaction that made the history, which has no snapshot to begin."""
    return [one.id for one in INVARIANTS if session.execute(text(one.sql)).one().bad]
