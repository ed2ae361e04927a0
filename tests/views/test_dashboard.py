"""The first page's figures are the ledger's, to the fen, whoever reads them."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.core import money
from app.core.actor import SYSTEM, Actor, Role, Scope
from app.core.clock import end_of_day, local_day, start_of_day, utc_now
from app.models.cards import Bearer
from app.models.sales import TopUpChannel
from app.queries.takings import rank_stores, sum_by_hour, sum_takings
from app.queries.trial_balance import outstanding_fen
from app.services.vouchers.batches import Acceptance, generate_vouchers
from app.services.vouchers.voucher_sales import activate_vouchers

_keys = itertools.count(1)
# What a member or a voucher paid is what its acceptor, and the commission, got of it. The second
# pair of a bonus (issuer's payable against what it bears) cancels itself out.
_TAKEN = text(
    "SELECT coalesce(-sum(p.amount_fen), 0)::bigint FROM posting p"
    " JOIN journal_entry e ON e.id = p.entry_id"
    " WHERE p.account IN ('payable:merchant', 'income:commission', 'bonus-borne:merchant')"
    " AND e.kind = ANY(:kinds) AND e.occurred_at >= :since AND e.occurred_at < :until"
    " AND e.id = ANY(SELECT entry_id FROM posting WHERE merchant_id = ANY(:merchants))"
)
_TOPPED_UP = text(
    "SELECT coalesce(-sum(p.amount_fen), 0)::bigint FROM posting p"
    " JOIN journal_entry e ON e.id = p.entry_id"
    " WHERE p.account = 'card' AND e.kind LIKE 'top\\_up\\_%' AND e.kind NOT LIKE '%reversed'"
    " AND p.merchant_id = ANY(:merchants) AND e.occurred_at >= :since AND e.occurred_at < :until"
)


@pytest.fixture
def town(app, make, of_today):
    return of_today("town", lambda: _day_in_town(app, make))


def _day_in_town(app, make):
    """Two merchants; a day's trade at the first: cards with bonus, refunds and paper."""
    one, other = make.merchant(commission_bp=130), make.merchant()
    store, second = make.store(one), make.store(other)
    point = make.pay_point(store)
    program = make.program(issuer=one, bonus_bearer=Bearer.issuer)
    member = make.member()
    make.card(
        member, program, principal_fen=80_01, bonus_fen=9_99,
        channel=TopUpChannel.cash, store=store,
    )  # fmt: skip
    till = make.staff_token(make.staff(Role.store_manager, store))
    payer = make.member_token(member)
    numbers = [
        _post(app, "/api/v1/payments", payer, pay_point=point.token, amount_fen=fen)["payment_no"]
        for fen in (12_34, 7, 75_00)
    ]
    _post(app, f"/pos/api/payments/{numbers[2]}/refunds", till, amount_fen=3_33, reason="test")
    batch = make.batch(
        issuer=one, face_value_fen=20_00, quantity=3, sale_price_fen=15_00,
        accepted_by=[Acceptance(merchant_id=one.id), Acceptance(merchant_id=other.id)],
    )  # fmt: skip
    keys = app.extensions["kaquan"].keys
    with make.database.unit_of_work(SYSTEM) as session:
        codes = generate_vouchers(session, batch_id=batch.id, keys=keys, actor=SYSTEM)
        activate_vouchers(session, batch_id=batch.id, serials=None, actor=SYSTEM, now=utc_now())
    first = _post(app, "/pos/api/redemptions", till, code=codes[0])
    _post(app, "/pos/api/redemptions", till, code=codes[1])
    _post(app, f"/pos/api/redemptions/{first['redemption_no']}/reverse", till, reason="wrong one")
    _post(app, "/pos/api/redemptions", make.staff_token(make.staff(Role.cashier, second)),
          code=codes[2])  # fmt: skip
    return one, store, other


def _post(app, path, token, **body):
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"dash-{next(_keys)}"}
    answer = app.test_client().post(path, json=body, headers=headers)
    assert answer.status_code in {200, 201}, answer.text
    return answer.get_json()


def _today():
    day = local_day(utc_now())
    return {"since": start_of_day(day), "until": end_of_day(day)}


def _ledger(database, kinds, merchants):
    with database.unit_of_work(SYSTEM) as session:
        values = {"kinds": kinds, "merchants": merchants, **_today()}
        return session.execute(_TAKEN, values).scalar_one()


@pytest.mark.parametrize("scope", [Scope.merchant, Scope.store])
def test_todays_figures_are_the_ledgers(database, town, scope):
    merchant, store, _ = town
    actor = Actor(
        scope=scope, merchant_id=merchant.id, store_id=store.id if scope is Scope.store else None
    )
    with database.unit_of_work(actor) as session:
        found = sum_takings(session, **_today())
        hours = sum_by_hour(session, **_today())
        ranked = rank_stores(session, limit=5, **_today())
    mine = [merchant.id]
    assert found.payments_fen == 87_41 == _ledger(database, ["payment", "payment_captured"], mine)
    assert found.refunds_fen == 3_33 == -_ledger(database, ["refund_card"], mine)
    assert (found.redemptions_fen, found.reversed_redemptions_fen) == (40_00, 20_00)
    assert (found.payments, found.redemptions, found.top_ups) == (3, 2, 1)
    assert (found.top_ups_fen, found.bonuses_fen) == (80_01, 9_99)
    assert found.takings_fen == sum(store.takings_fen for store in ranked) == 127_41
    assert sum(hours) == found.payments_fen
    with database.unit_of_work(SYSTEM) as session:
        topped_up = session.execute(_TOPPED_UP, {"merchants": mine, **_today()}).scalar_one()
    assert topped_up == found.top_ups_fen + found.bonuses_fen


def test_what_another_merchant_redeems_is_not_mine(database, town):
    _, _, other = town
    actor = Actor(scope=Scope.merchant, merchant_id=other.id)
    with database.unit_of_work(actor) as session:
        found = sum_takings(session, **_today())
    assert (found.redemptions_fen, found.payments_fen) == (20_00, 0)


def test_the_platform_sees_the_whole_ledger(database, town):
    """What is owed, over everything that any test has left; takings are held per merchant."""
    assert town
    with database.unit_of_work(Actor(scope=Scope.platform)) as session:
        owed = outstanding_fen(session)
    with database.unit_of_work(SYSTEM) as session:
        booked = session.execute(
            text(
                "SELECT -coalesce(sum(amount_fen), 0)::bigint FROM posting WHERE account IN"
                " ('card', 'held', 'gift', 'voucher', 'pending:top-up')"
            )
        ).scalar_one()
    assert owed == booked


def test_a_merchants_liability_is_what_its_cards_and_paper_still_hold(database, town):
    merchant, _, _ = town
    with database.unit_of_work(Actor(scope=Scope.merchant, merchant_id=merchant.id)) as session:
        # Topped up 90.00, paid 87.41, 3.33 came back; of three vouchers one is unspent again.
        assert outstanding_fen(session) == 90_00 - 87_41 + 3_33 + 20_00


def test_the_page_shows_these_figures(make, signed_in, town):
    merchant, store, _ = town
    admin = signed_in(make.staff(Role.merchant_admin, merchant=merchant)).get("/console/").text
    manager = signed_in(make.staff(Role.store_manager, store)).get("/console/").text
    for page in (admin, manager):
        for fen in (127_41, 80_01, 40_00, 3_33):
            assert f"¥{money.yuan(fen)}" in page
    assert "¥25.92" in admin
    assert "预收资金余额" not in manager


def test_a_day_without_trade_is_empty(database, town):
    assert town
    past = {"since": utc_now() - timedelta(days=900), "until": utc_now() - timedelta(days=899)}
    with database.unit_of_work(Actor(scope=Scope.platform)) as session:
        assert sum_takings(session, **past).takings_fen == 0
        assert rank_stores(session, limit=5, **past) == []


@pytest.mark.parametrize("period", ["today", "week", "month"])
def test_every_chart_says_what_the_ledger_says(make, signed_in, database, town, period):
    merchant, _, _ = town
    browser = signed_in(make.staff(Role.merchant_admin, merchant=merchant))
    answer = browser.get(f"/console/figures/?period={period}").get_json()
    charts = {chart["id"]: chart for chart in answer["charts"]}

    def whole(chart, series=0):
        return sum(charts[chart]["series"][series]["values"])

    mine = [merchant.id]
    assert whole("hours") == _ledger(database, ["payment", "payment_captured"], mine)
    assert whole("tenders") == 127_41 == whole("stores")
    with database.unit_of_work(SYSTEM) as session:
        topped_up = session.execute(_TOPPED_UP, {"merchants": mine, **_today()}).scalar_one()
    assert whole("channels", 0) + whole("channels", 1) == topped_up
    if period != "today":
        assert whole("days", 0) + whole("days", 1) == 127_41
    assert charts["batches"]["series"][0]["values"] == [2]
    assert charts["batches"]["notes"] == ["66.6%"]
    with database.unit_of_work(Actor(scope=Scope.merchant, merchant_id=merchant.id)) as session:
        assert whole("outstanding") == outstanding_fen(session)
    assert whole("members") == 1


def test_the_tables_behind_the_charts_are_what_is_drawn(make, signed_in, town):
    merchant, _, _ = town
    browser = signed_in(make.staff(Role.merchant_admin, merchant=merchant))
    page = browser.get("/console/?period=week").text
    for chart in browser.get("/console/figures/?period=week").get_json()["charts"]:
        table = page.split(f'data-table="{chart["id"]}"')[1].split("</table>")[0]
        for series in chart["series"]:
            whole = sum(series["values"])
            assert (money.yuan(whole) if chart["unit"] == "fen" else f"{whole:,}") in table


def test_a_store_is_shown_no_liability_and_no_other_store(make, signed_in, town):
    _, store, _ = town
    browser = signed_in(make.staff(Role.store_manager, store))
    answer = browser.get("/console/figures/?period=month").get_json()
    drawn = {chart["id"] for chart in answer["charts"]}
    assert drawn == {"days", "hours", "tenders", "channels", "members"}


def test_an_unknown_period_is_today_and_nothing_yet_says_so(make, signed_in):
    manager = signed_in(make.staff(Role.store_manager, make.store()))
    assert manager.get("/console/figures/?period=century").get_json()["period"] == "today"
    page = manager.get("/console/").text
    assert "还没有消费" in page
    assert "data-chart" not in page
