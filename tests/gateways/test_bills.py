"""WeChat's bills: fetched over HTTP from the simulator, and read as strictly as money wants it."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from datetime import date, datetime, time, timedelta

import pytest

from app.core.bills import BillRejected
from app.core.clock import SHANGHAI, local_day, utc_now
from app.gateways.wechat import bills
from app.services.ports import GatewayRefused

MCHID = "1900000109"
HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,"
    "退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
PAID = (
    "`2026-11-20 16:33:45,`wx1,`1900000109,`0,`,`4200001,`P1,`o1,`JSAPI,`SUCCESS,`OTHERS,`CNY,"
    "`88.80,`0.00,`0,`0,`0.00,`0.00,`,`,`牛肉面,大份,`,`0.53000,`0.60%,`88.80,`0.00,`"
)
BACK = (
    "`2026-11-20 17:00:00,`wx1,`1900000109,`0,`,`4200001,`P1,`o1,`JSAPI,`REFUND,`OTHERS,`CNY,"
    "`0.00,`0.00,`5030001,`F1,`8.80,`0.00,`ORIGINAL,`PROCESSING,`牛肉面,`,`-0.05000,`0.60%,"
    "`0.00,`8.80,`"
)
SUMS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
TOTAL = "`2.0,`88.80,`8.80,`0.00,`0.48000,`88.80,`8.80"
GOOD = "\r\n".join([HEAD, PAID, BACK, SUMS, TOTAL, ""])


def read(text: str):
    return bills.read_trade_bill(text, bill_on=date(2026, 11, 20), sha1="", mchid=MCHID)


def test_a_bill_is_read_to_the_fen_although_a_name_has_a_comma():
    bill = read(GOOD)
    paid, back = bill.lines
    assert (paid.order_no, paid.amount_fen, paid.fee_fen) == ("P1", 88_80, 53)
    assert (back.refund_no, back.refund_id, back.amount_fen, back.fee_fen) == (
        "F1", "5030001", 8_80, -5)  # fmt: skip
    assert (bill.fee_fen, bill.net_fen) == (48, 88_80 - 8_80 - 48)


def test_columns_are_found_by_name_whatever_their_order():
    def turned(line: str, mark: str) -> str:
        cells = line.removeprefix("`").split(mark)
        return ("`" if mark == ",`" else "") + mark.join(reversed(cells))

    lines = [turned(HEAD, ","), turned(PAID, ",`"), turned(BACK, ",`"), SUMS, TOTAL]
    assert read("\n".join(lines)).lines == read(GOOD).lines


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD[: GOOD.index("总交易单数")], "cut_off"),
        (GOOD[: -len(TOTAL) - 4], "cut_off"),
        (GOOD.replace("\r\n" + BACK, ""), "sums"),
        (GOOD.replace("`88.80,`0.00,`\r\n", "`88.81,`0.00,`\r\n", 1), "sums"),
        (GOOD.replace("商户订单号", "商家订单号", 1), "columns"),
        (GOOD.replace(",`o1,", ",", 1), "malformed"),
        (GOOD.replace("88.80", "8 8.80"), "malformed"),
        (GOOD.replace("0.53000", "0.53100"), "malformed"),
        (GOOD.replace("1900000109", "1900000110"), "malformed"),
        (GOOD.replace("2026-11-20 16", "2026-11-32 16"), "malformed"),
        ("", "malformed"),
        ("<html>busy</html>", "cut_off"),
    ],
)
def test_what_cannot_be_believed_is_refused_with_the_reason(text, reason):
    with pytest.raises(BillRejected) as refused:
        read(text)
    assert refused.value.reason == reason


def test_the_hash_is_that_of_the_bytes_before_gzip():
    plain = ("\ufeff" + GOOD).encode()
    told = hashlib.sha1(plain, usedforsecurity=False).hexdigest()
    packed = gzip.compress(plain)
    assert bills.open_bill(packed, sha1=told.upper(), gzipped=True) == GOOD
    for content, sha1, reason in [
        (packed, "0" * 40, "hash"),
        (packed[:-20], told, "cut_off"),
        (plain, told, "malformed"),
    ]:
        with pytest.raises(BillRejected) as refused:
            bills.open_bill(content, sha1=sha1, gzipped=True)
        assert refused.value.reason == reason


# Over HTTP: a day of its own for each test, far in the simulator's past --------------------------


@pytest.fixture
def day(wechat, request):
    ago = 10 + 2 * (zlib.crc32(request.node.name.encode()) % 30)
    chosen = local_day(utc_now()) - timedelta(days=ago)
    at = datetime.combine(chosen, time(12), SHANGHAI).timestamp()
    wechat.post("/_history", orders=[{
        "order_no": f"P{ago}", "transaction_id": f"42{ago:08d}", "appid": "wx1", "openid": "o1",
        "amount_fen": 100_00, "paid_at": at,
        "refunds": [{"refund_no": f"F{ago}", "refund_id": f"50{ago:08d}", "refund_fen": 30_00,
                     "at": at + 1}],
    }])  # fmt: skip
    yield chosen
    wechat.post("/_bill", day=chosen.isoformat())


def test_both_bills_are_fetched_and_agree_about_the_fee(wechat, day):
    trade = wechat.pay.fetch_trade_bill(day)
    flow = wechat.pay.fetch_fund_flow_bill(day)
    assert [line.amount_fen for line in trade.lines] == [100_00, 30_00]
    assert trade.fee_fen == 60 - 18
    assert sum(line.amount_fen for line in flow.business) == trade.net_fen == 100_00 - 30_00 - 42
    next_day = wechat.pay.fetch_fund_flow_bill(day + timedelta(days=1))
    assert [line.amount_fen for line in next_day.transfers] == [-trade.net_fen]


@pytest.mark.parametrize(
    ("plan", "reason"),
    [({"hash": "wrong"}, "hash"), ({"cut_off": True}, "cut_off")],
)
def test_a_bill_that_is_not_whole_is_refused(wechat, day, plan, reason):
    wechat.post("/_bill", day=day.isoformat(), **plan)
    with pytest.raises(BillRejected) as refused:
        wechat.pay.fetch_trade_bill(day)
    # A file cut within a character is no text at all.
    assert refused.value.reason in {reason, "malformed"}


@pytest.mark.parametrize("plan", [{"columns": "turned"}, {"brackets": "full"}])
def test_other_columns_and_brackets_change_nothing(wechat, day, plan):
    before = wechat.pay.fetch_trade_bill(day).lines, wechat.pay.fetch_fund_flow_bill(day).lines
    wechat.post("/_bill", day=day.isoformat(), **plan)
    after = wechat.pay.fetch_trade_bill(day).lines, wechat.pay.fetch_fund_flow_bill(day).lines
    assert before == after


def test_a_day_without_trade_is_an_empty_bill_and_today_has_none(wechat):
    idle = local_day(utc_now()) - timedelta(days=80)
    assert wechat.pay.fetch_trade_bill(idle).lines == ()
    with pytest.raises(GatewayRefused) as refused:
        wechat.pay.fetch_trade_bill(local_day(utc_now()))
    assert refused.value.reason == "INVALID_REQUEST"
