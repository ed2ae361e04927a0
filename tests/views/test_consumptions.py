"""Consumption, of cards and of paper together: listed by time, added up, and taken away."""

from __future__ import annotations

import csv
import io
import re
import secrets
from html import unescape

import pytest

from app.core.actor import SYSTEM, Role
from app.core.clock import utc_now
from app.models.tenants import Merchant
from app.services.vouchers.batches import Acceptance, generate_vouchers
from app.services.vouchers.voucher_sales import activate_vouchers
from app.views.sales import consumptions
from tests.views.desks.sending import loaded


@pytest.fixture(scope="module")
def admin(make, signed_in):
    return signed_in(make.staff())


@pytest.fixture
def shop(app, make, of_today):
    return of_today("shop of both kinds", lambda: _day_at_a_shop(app, make))


def _day_at_a_shop(app, make):
    """A store that took payments and paper in turn; one of each was given back or reversed."""
    store = make.store()
    point = make.pay_point(store)
    merchant = loaded(make.database, Merchant, store.merchant_id)
    member = make.member()
    make.card(member, make.program(issuer=merchant), principal_fen=100_00)
    payer, till = make.member_token(member), make.staff_token(make.staff(Role.store_manager, store))
    keys = app.extensions["kaquan"].keys
    batch = make.batch(
        issuer=merchant, face_value_fen=20_00, quantity=3,
        accepted_by=[Acceptance(merchant_id=merchant.id)],
    )  # fmt: skip
    with make.database.unit_of_work(SYSTEM) as session:
        codes = generate_vouchers(session, batch_id=batch.id, keys=keys, actor=SYSTEM)
        activate_vouchers(session, batch_id=batch.id, serials=None, actor=SYSTEM, now=utc_now())
    numbers = []
    for turn, fen in enumerate((1_00, 2_00, 3_00, 4_00, 5_00)):
        paid = call(app, "/api/v1/payments", payer, pay_point=point.token, amount_fen=fen)
        numbers.append(paid["payment_no"])
        if turn < len(codes):
            taken = call(app, "/pos/api/redemptions", till, code=codes[turn])
            numbers.append(taken["redemption_no"])
    call(app, f"/pos/api/payments/{numbers[0]}/refunds", till, amount_fen=40, reason="test")
    call(app, f"/pos/api/redemptions/{numbers[1]}/reverse", till, reason="test")
    return merchant, store, numbers


def call(app, path, token, **body):
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": secrets.token_hex(8)}
    answer = app.test_client().post(path, json=body, headers=headers)
    assert answer.status_code in {200, 201}, answer.text
    return answer.get_json()


def listed_numbers(page):
    return re.findall(r'<td class="code"><a href="[^"]+">([PR]\d+)</a>', page)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 50])
def test_both_kinds_are_listed_by_time_page_by_page_and_back(
    make, signed_in, monkeypatch, shop, size
):
    """The page is made small, since real business for three pages of fifty takes long."""
    monkeypatch.setattr(consumptions, "PAGE", size)
    merchant, _, numbers = shop
    browser = signed_in(make.staff(Role.merchant_admin, merchant=merchant))
    path, pages = "/console/consumptions/list/", []
    while path:
        page = browser.get(path).text
        pages.append(listed_numbers(page))
        last = page
        found = re.search(r'href="([^"]+)" rel="next"', page)
        path = unescape(found.group(1)) if found else ""
    assert [number for page in pages for number in page] == numbers[::-1]
    back = []
    while found := re.search(r'href="([^"]+)" rel="prev"', last):
        last = browser.get(unescape(found.group(1))).text
        back.append(listed_numbers(last))
    assert [n for page in back[::-1] for n in page] == [n for page in pages[:-1] for n in page]


def test_consumption_adds_up_what_is_filtered_and_leads_to_the_records(make, signed_in, shop):
    merchant, store, numbers = shop
    browser = signed_in(make.staff(Role.merchant_admin, merchant=merchant))
    for query, count, amount, back in (
        ("", 8, "75.00", "20.40"),
        ("?kind=card", 5, "15.00", "0.40"),
        ("?kind=paper&status=reversed", 1, "20.00", "20.00"),
        (f"?q={numbers[0]}&period=today&store_id={store.id}", 1, "1.00", "0.40"),
        ("?status=nothing", 0, "0.00", "0.00"),
        ("?tender=card", 5, "15.00", "0.40"),
        ("?tender=combined", 0, "0.00", "0.00"),
    ):
        totals = browser.get(f"/console/consumptions/totals/{query}").text
        assert f"<strong>{count}</strong>" in totals, query
        assert f"¥{amount}" in totals, query
        assert f"¥{back}" in totals, query
    page = browser.get("/console/consumptions/list/").text
    for path in set(re.findall(r'<td class="code"><a href="([^"]+)"', page)):
        assert browser.get(path).status_code == 200, path
    stranger = signed_in(make.staff(Role.store_manager, make.store()))
    assert listed_numbers(stranger.get("/console/consumptions/list/").text) == []
    manager = signed_in(make.staff(Role.store_manager, store))
    assert len(listed_numbers(manager.get("/console/consumptions/list/").text)) == 8


def test_consumption_is_taken_away_in_its_order_with_the_totals_of_the_screen(
    make, signed_in, shop
):
    merchant, _, numbers = shop
    browser = signed_in(make.staff(Role.merchant_admin, merchant=merchant))
    answer = browser.post(
        "/console/consumptions/export/", {"format": "csv"}, form="/console/password/"
    )
    headings, *rows, total = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert [row[0] for row in rows] == numbers[::-1]
    for heading, amount in (("金额", "75.00"), ("卡支付", "15.00"), ("退款或冲正", "20.40")):
        place = headings.index(heading)
        assert total[place] == amount, heading


@pytest.mark.parametrize("nonsense", ["before=1", "after=x.y", "before=1.", "after=.2", "kind=x"])
def test_nonsense_in_the_address_of_consumption_is_no_failure(admin, nonsense):
    assert admin.get(f"/console/consumptions/list/?{nonsense}").status_code == 200
