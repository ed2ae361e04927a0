"""Paper sold over the counter: for cash at once, by WeChat when the money is there."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from app.core.actor import SYSTEM
from app.core.clock import local_day, utc_now
from app.core.serials import make_serial
from app.models.voucher_records import VoucherEventKind
from app.models.vouchers import BatchKind
from app.services.vouchers import voucher_endings
from app.services.vouchers.batches import Acceptance
from app.services.vouchers.voucher_custody import hand_over
from app.services.vouchers.voucher_events import Holder, SerialRange
from app.services.vouchers.voucher_holdings import VouchersBeingSold
from tests.served import at_once


@pytest.fixture
def batch(world, shop):
    """Six printed vouchers of 50 yuan, sold at 45; none is active."""
    return world.make.batch(
        issuer=shop.merchant, quantity=6, face_value_fen=50_00, sale_price_fen=45_00
    )


@pytest.fixture
def paper(world, shop, batch):
    """The batch's paper in the store's stock: serials and codes."""
    codes = world.make.vouchers(batch, activate=False)
    return world.make.stock(batch, shop.store), codes


def _change(world, effect, batch, serial, **more):
    with world.database.unit_of_work(SYSTEM) as session:
        return effect(
            session, batch_id=batch.id, serials=SerialRange(first=serial, last=serial),
            actor=SYSTEM, **more,
        )  # fmt: skip


def _refunded(world, sale_no):
    rows = world.rows(
        "SELECT f.status FROM refund f JOIN voucher_sale v ON v.id = f.voucher_sale_id"
        " WHERE v.sale_no = :no",
        no=sale_no,
    )
    return rows == [("succeeded",)]


def _sell(till, tender="cash", **what):
    return till.post("/pos/api/voucher-sales", {"tender": tender, **what})


def _pay(world, sale):
    paid = world.wechat.post("/_user/pay", code_url=sale["code_url"])
    assert paid.status_code == 200, paid.text


def _states(world, serials):
    rows = world.rows(
        "SELECT status FROM voucher WHERE serial_no = ANY(:serials) ORDER BY serial_no",
        serials=serials,
    )
    return [row[0] for row in rows]


def _order(world, sale_no):
    return world.one("SELECT status FROM voucher_sale WHERE sale_no = :no", no=sale_no)


def test_cash_makes_exactly_these_papers_good_and_is_in_the_drawer(world, shop, paper):
    serials, _ = paper
    shop.cashier.post("/pos/api/shifts/open", {"opening_float_fen": 0})
    sold = _sell(shop.cashier, serials=[serials[0], serials[3]])
    assert sold.status_code == 201, sold.text
    assert (sold.json()["status"], sold.json()["amount_fen"]) == ("sold", 90_00)
    assert _states(world, serials) == ["active", *["inactive"] * 2, "active", *["inactive"] * 2]
    span = {"first": serials[1], "last": serials[2]}
    assert _sell(shop.cashier, range=span).json()["quantity"] == 2
    shift = shop.cashier.get("/pos/api/shifts/current").json()["shift"]
    assert shift["expected_fen"] == 180_00
    assert shift["cash"][0]["kind"] == "vouchers_sold_at_till"
    assert _sell(shop.cashier, serials=[serials[0]]).json()["code"] == "paper_not_in_stock"
    world.require_sound_books()


def test_what_was_sold_is_redeemed(shop, paper):
    serials, codes = paper
    _sell(shop.cashier, range={"first": serials[0], "last": serials[-1]})
    assert shop.cashier.post("/pos/api/redemptions", {"code": codes[0]}).status_code == 201


def test_two_tills_sell_one_paper_and_one_of_them_does(world, shop, paper):
    serials, _ = paper
    tills = [shop.cashier, shop.manager] * 3
    answers = at_once([lambda t=t: _sell(t, serials=serials[:2]) for t in tills])
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 5}
    assert _states(world, serials[:3]) == ["active", "active", "inactive"]


def test_by_wechat_the_papers_are_good_when_the_money_is_there(world, shop, paper):
    serials, _ = paper
    begun = _sell(shop.cashier, "wechat", serials=serials[:2])
    assert begun.status_code == 201, begun.text
    sale = begun.json()
    assert sale["status"] == "pending"
    assert sale["code_url"].startswith("weixin://wxpay/")
    assert _states(world, serials[:2]) == ["inactive", "inactive"]
    assert _sell(shop.manager, serials=serials[:1]).json()["code"] == "vouchers_being_sold"
    _pay(world, sale)
    world.jobs.run_until(lambda: _order(world, sale["sale_no"]) == "sold")
    assert _states(world, serials[:3]) == ["active", "active", "inactive"]
    seen = shop.cashier.get(f"/pos/api/voucher-sales/{sale['sale_no']}").json()
    assert (seen["status"], seen["code_url"]) == ("sold", None)
    world.jobs.run()
    told = shop.cashier.get("/pos/api/feed").json()["items"]
    assert [(item["event"], item["wechat_fen"]) for item in told] == [("voucher_sale.sold", 90_00)]
    world.require_sound_books()


def test_given_up_the_papers_are_free_and_late_money_goes_back(world, shop, paper):
    serials, _ = paper
    world.wish("pay_after_close")
    sale = _sell(shop.cashier, "wechat", serials=serials[:1]).json()
    path = f"/pos/api/voucher-sales/{sale['sale_no']}/close"
    assert shop.cashier.post(path).json()["status"] == "closed"
    assert _sell(shop.manager, serials=serials[:1]).status_code == 201
    _pay(world, sale)
    world.jobs.run_until(lambda: _refunded(world, sale["sale_no"]))
    assert _order(world, sale["sale_no"]) == "closed"
    world.require_sound_books()


def test_the_same_key_sells_once(world, shop, paper):
    serials, _ = paper
    body = {"tender": "wechat", "serials": serials[:1]}
    first = shop.cashier.post("/pos/api/voucher-sales", body, key="sale-1")
    again = shop.cashier.post("/pos/api/voucher-sales", body, key="sale-1")
    assert (first.status_code, again.json()) == (201, first.json())
    count = world.one("SELECT count(*) FROM voucher_sale WHERE store_id = :id", id=shop.store.id)
    assert count == 1


def test_another_merchants_paper_and_sales_are_not_there(world, shop, paper):
    serials, _ = paper
    stranger = world.shop()
    refused = _sell(stranger.cashier, serials=serials[:1]).json()
    assert refused["code"] == "paper_not_in_stock"
    unknown = _sell(stranger.cashier, serials=[make_serial("999999", 1)]).json()
    assert unknown["code"] == refused["code"], "a till cannot probe"
    sale = _sell(shop.cashier, serials=serials[:1]).json()
    assert stranger.cashier.get(f"/pos/api/voucher-sales/{sale['sale_no']}").status_code == 404
    assert (
        stranger.cashier.post(f"/pos/api/voucher-sales/{sale['sale_no']}/close").status_code == 404
    )


@pytest.mark.parametrize("what", [{}, {"serials": []}, {"serials": ["nonsense"]}])
def test_nonsense_is_refused(shop, what):
    assert _sell(shop.cashier, **what).status_code == 422


def test_paper_is_sold_by_the_store_that_has_it_in_stock(world, shop, batch):
    world.make.vouchers(batch, activate=False)
    mine = world.make.stock(batch, shop.store, 1, 2)
    elsewhere = world.make.stock(batch, world.make.store(shop.merchant), 3, 4)
    nowhere = [make_serial(batch.batch_no, 5)]  # At the platform still.
    for serials in (elsewhere, nowhere, [mine[0], elsewhere[0]]):
        refused = _sell(shop.cashier, serials=serials)
        assert (refused.status_code, refused.json()["code"]) == (409, "paper_not_in_stock")
    assert _sell(shop.cashier, serials=mine).status_code == 201
    assert _states(world, mine) == ["active", "active"]
    sold = world.rows(
        "SELECT kind, quantity, from_store_id, amount_fen FROM voucher_event"
        " WHERE batch_id = :id AND kind = 'sold'",
        id=batch.id,
    )
    assert sold == [(VoucherEventKind.sold.value, 2, shop.store.id, 90_00)]
    left = "SELECT count(*) FROM voucher_holding WHERE batch_id = :id AND store_id = :store"
    assert world.one(left, id=batch.id, store=shop.store.id) == 0


@pytest.mark.parametrize("tender", ["cash", "wechat"])
def test_active_and_inactive_paper_in_stock_is_sold_alike(world, shop, batch, tender):
    world.make.vouchers(batch)
    other = world.make.batch(issuer=shop.merchant, quantity=2, face_value_fen=45_00)
    world.make.vouchers(other, activate=False)
    for one in (batch, other):
        serials = world.make.stock(one, shop.store, 1, 2)
        sale = _sell(shop.cashier, tender, serials=serials).json()
        if tender == "wechat":
            _pay(world, sale)
            world.jobs.run_until(lambda no=sale["sale_no"]: _order(world, no) == "sold")
        assert _states(world, serials) == ["active", "active"]
        owed = world.booked(batch_id=one.id)["voucher"]
        assert -owed == (6 * 50_00 if one is batch else 2 * 45_00), "activated once"
    world.require_sound_books()


def test_another_merchants_paper_that_a_store_accepts_and_has_is_sold(world, shop):
    issuer = world.make.merchant()
    accepted = [Acceptance(merchant_id=one.id) for one in (issuer, shop.merchant)]
    batch = world.make.batch(issuer=issuer, quantity=2, face_value_fen=50_00, accepted_by=accepted)
    world.make.vouchers(batch, activate=False)
    serials = world.make.stock(batch, shop.store)
    assert _sell(shop.cashier, serials=serials).json()["amount_fen"] == 100_00
    world.require_sound_books()


def test_a_top_up_card_is_sold_by_the_store_that_has_it_and_accepted_by_none(world, shop):
    batch = world.make.batch(
        issuer=shop.merchant, kind=BatchKind.topup, program=shop.program, quantity=1
    )
    world.make.vouchers(batch, activate=False)
    serials = world.make.stock(batch, shop.store)
    world.by_superuser("DELETE FROM batch_acceptance WHERE batch_id = %s", batch.id)
    assert _sell(shop.cashier, serials=serials).json()["amount_fen"] == 100_00


@pytest.mark.parametrize("what", ["frozen", "free of charge", "out of date"])
def test_paper_in_stock_that_is_worth_nothing_is_refused(world, shop, batch, what):
    terms = {"issuer": shop.merchant, "quantity": 1}
    if what == "free of charge":
        batch = world.make.batch(sale_price_fen=0, **terms)
    elif what == "out of date":
        batch = world.make.batch(expires_on=local_day(utc_now()), **terms)
    world.make.vouchers(batch, activate=False)
    [serial, *_] = world.make.stock(batch, shop.store)
    if what == "frozen":
        _change(world, voucher_endings.freeze_vouchers, batch, serial, reason="torn")
    elif what == "out of date":
        yesterday = local_day(utc_now()) - timedelta(days=1)
        world.by_superuser(
            "UPDATE voucher_batch SET expires_on = %s WHERE id = %s", yesterday, batch.id
        )
    expected = "batch_expired" if what == "out of date" else "paper_not_for_sale"
    for tender in ("cash", "wechat"):
        assert _sell(shop.cashier, tender, serials=[serial]).json()["code"] == expected
    assert world.one("SELECT count(*) FROM voucher_sale WHERE batch_id = :id", id=batch.id) == 0


def test_paper_that_is_being_paid_for_stays_in_the_store(world, shop, batch, paper):
    serials, _ = paper
    sale = _sell(shop.cashier, "wechat", serials=serials[1:2]).json()
    office = Holder(merchant_id=shop.merchant.id)
    with pytest.raises(VouchersBeingSold):
        _change(world, hand_over, batch, serials[1], taker=office)
    assert _change(world, hand_over, batch, serials[0], taker=office) == 1
    assert shop.cashier.post(f"/pos/api/voucher-sales/{sale['sale_no']}/close").status_code == 201
    assert _change(world, hand_over, batch, serials[1], taker=office) == 1


@pytest.mark.parametrize("what", ["frozen", "voided"])
def test_paper_out_of_business_while_it_is_paid_for_is_not_sold_and_the_money_goes_back(
    world, shop, batch, paper, what
):
    serials, _ = paper
    sale = _sell(shop.cashier, "wechat", serials=serials[:2]).json()
    if what == "frozen":
        _change(world, voucher_endings.freeze_vouchers, batch, serials[0], reason="stolen")
    else:
        _change(
            world, voucher_endings.void_vouchers, batch, serials[0], reason="torn", now=utc_now()
        )
    _pay(world, sale)
    world.jobs.run_until(lambda: _refunded(world, sale["sale_no"]))
    assert _order(world, sale["sale_no"]) == "closed"
    assert _states(world, serials[1:2]) == ["inactive"]
    assert _sell(shop.cashier, serials=serials[1:2]).status_code == 201, "still in stock"
    world.require_sound_books()
