"""Reports at the console: pages of rows with exact sums, and files that say what the page says."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal

import openpyxl
import pytest

from app.core.actor import Role
from app.core.clock import local_day, utc_now
from app.core.keys import token_digest
from app.services.vouchers.redemptions import REDEEM, read_code
from app.views import report_tables

STORES = 5


@pytest.fixture(scope="module")
def chain(make, app, keys):
    """A merchant with five stores that redeemed one, two … five vouchers, and its accountant."""
    merchant = make.merchant()
    batch = make.batch(issuer=merchant, quantity=STORES * (STORES + 1) // 2)
    codes = iter(make.vouchers(batch))
    database = app.extensions["kaquan"].database
    for many in range(1, STORES + 1):
        store = make.store(merchant, name=f"第{many}家分店")
        token = token_digest(make.staff_token(make.staff(Role.cashier, store)))
        for number in range(many):
            digests = keys.code_digests(read_code(next(codes)))
            key = f"chain-{store.id}-{number}"
            verdict, *_ = database.call(REDEEM, (token, key, b"h", digests))
            assert verdict == "redeemed"
    return make.staff(Role.merchant_finance, merchant=merchant), batch.face_value_fen


@pytest.fixture
def desk(signed_in, chain):
    return signed_in(chain[0])


def path(group="store", **more):
    today = local_day(utc_now())
    days = f"from={today - timedelta(days=1)}&to={today}"
    rest = "".join(f"&{name}={value}" for name, value in more.items())
    return f"/console/reports/?report=takings&group={group}&{days}{rest}"


def cells(row):
    return [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]


def table(page):
    body, foot = re.search(r"<tbody>(.*?)</tbody>.*?<tfoot>(.*?)</tfoot>", page, re.S).groups()
    return [[cells(row) for row in re.findall(r"<tr.*?</tr>", part, re.S)] for part in (body, foot)]


def test_many_stores_are_shown_page_by_page_and_the_sum_is_of_all(desk, chain, monkeypatch):
    monkeypatch.setattr(report_tables, "ON_PAGE", 2)
    _, face = chain
    body, foot = table(desk.get(path()).text)
    assert [row[0] for row in body] == ["第5家分店", "第4家分店"], "those who took most come first"
    others, whole, *earlier = foot
    assert others[:2] == ["其他页 3 行", "6"]
    assert whole[:2] == ["合计", "15"]
    assert Decimal(whole[5].replace(",", "")) * 100 == 15 * face
    assert [line[0].split(" ")[0] for line in earlier] == ["上期", "去年同期"]
    last = desk.get(path(page=3)).text
    body, foot = table(last)
    assert [row[0] for row in body] == ["第1家分店"]
    assert foot[0][:2] == ["其他页 4 行", "14"]
    assert "第 5–5 行，共 5 行" in last
    assert table(desk.get(path(page=99)).text)[0] == body, "what is not there is the last page"
    assert 'rel="next"' not in last


def test_few_rows_stand_on_one_page(desk):
    body, foot = table(desk.get(path()).text)
    assert len(body) == STORES
    assert [line[0].split(" ")[0] for line in foot] == ["合计", "上期", "去年同期"]


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_the_file_has_every_row_and_the_earlier_periods(desk, monkeypatch, kind):
    monkeypatch.setattr(report_tables, "ON_PAGE", 2)
    _, foot = table(desk.get(path()).text)
    asked = path(page=2)
    answer = desk.post(asked.replace("/?", "/export/?"), {"format": kind}, form=asked)
    if kind == "xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
        rows = [list(row) for row in sheet.iter_rows(values_only=True)]
        assert sheet.auto_filter.ref == f"A1:G{STORES + 1}"
    else:
        rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert len(rows) == 1 + STORES + 3
    whole, before, year_ago = rows[-3:]
    assert [whole[0], before[0], year_ago[0]] == [line[0] for line in foot[1:]]
    assert Decimal(str(whole[5])) == Decimal(foot[1][5].replace(",", ""))
    assert Decimal(str(before[5])) == 0


def test_member_activity_is_set_beside_earlier_periods_in_the_file(desk):
    asked = path().replace("takings", "members")
    answer = desk.post(asked.replace("/?", "/export/?"), {"format": "xlsx"}, form=asked)
    rows = list(openpyxl.load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True))
    assert [str(heading).split(" ")[0] for heading in rows[0]] == [
        "会员",
        "人数",
        "上期",
        "去年同期",
    ]
    assert all(row[2] is not None for row in rows[1:5])
    assert all(row[2] is None for row in rows[5:10]), "what is held is told as of now"


@pytest.mark.parametrize(
    ("group", "heading"), [("store", "门店"), ("month", "月份"), ("tender", "支付方式")]
)
def test_the_first_column_says_what_the_rows_are_grouped_by(desk, group, heading):
    page = desk.get(path(group=group)).text
    head = re.search(r"<thead>(.*?)</thead>", page, re.S)[1]
    assert cells(head)[0].strip() == heading
