"""Paper sold over the counter: for cash at once, by WeChat when the money is there."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.served import at_once


@pytest.fixture
def paper(world, shop):
    """Six printed vouchers of 50 yuan, sold at 45; none is active. Their serials and codes."""
    batch = world.make.batch(
        issuer=shop.merchant, quantity=6, face_value_fen=50_00, sale_price_fen=45_00
    )
    codes = world.make.vouchers(batch, activate=False)
    serials = world.rows(
        "SELECT serial_no FROM voucher WHERE batch_id = :id ORDER BY serial_no", id=batch.id
    )
    return [row[0] for row in serials], codes


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
    assert _sell(shop.cashier, serials=[serials[0]]).json()["code"] == "paper_not_for_sale"
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
    assert _sell(shop.manager, serials=serials[:1]).json()["code"] == "paper_not_for_sale"
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
    world.jobs.run_until(
        lambda: (
            world.rows(
                "SELECT f.status FROM refund f JOIN voucher_sale v ON v.id = f.voucher_sale_id"
                " WHERE v.sale_no = :no",
                no=sale["sale_no"],
            )
            == [("succeeded",)]
        )
    )
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
    assert _sell(stranger.cashier, serials=serials[:1]).json()["code"] == "paper_not_for_sale"
    sale = _sell(shop.cashier, serials=serials[:1]).json()
    assert stranger.cashier.get(f"/pos/api/voucher-sales/{sale['sale_no']}").status_code == 404
    assert (
        stranger.cashier.post(f"/pos/api/voucher-sales/{sale['sale_no']}/close").status_code == 404
    )


@pytest.mark.parametrize("what", [{}, {"serials": []}, {"serials": ["nonsense"]}])
def test_nonsense_is_refused(shop, what):
    assert _sell(shop.cashier, **what).status_code == 422
