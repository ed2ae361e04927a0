"""WeChat's fee, told from its two bills: what differs otherwise is never taken for a fee."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from app.core.bills import TRANSFER, FlowLine, FundFlowBill, TradeBill, TradeLine
from app.core.clock import SHANGHAI
from app.services.settlement.bill_fees import fee_taken_fen

DAY = date(2026, 10, 10)
NOON = datetime(2026, 10, 10, 12, tzinfo=SHANGHAI)
PAID = TradeLine(
    line_no=1, occurred_at=NOON, transaction_id="4201", order_no="P1", refund_id=None,
    refund_no=None, state="SUCCESS", amount_fen=100_00, fee_fen=60,
)  # fmt: skip
OTHER = replace(PAID, line_no=2, transaction_id="4202", order_no="P2")
BACK = replace(
    PAID, line_no=3, refund_id="5001", refund_no="F1", state="REFUND", amount_fen=30_00, fee_fen=-18
)


def move(kind: str, voucher_no: str, amount_fen: int) -> FlowLine:
    return FlowLine(
        line_no=1, occurred_at=NOON, business_no="", flow_no="1", kind=kind,
        amount_fen=amount_fen, balance_fen=0, voucher_no=voucher_no,
    )  # fmt: skip


FLOW = [
    move("交易", "P1", 100_00),
    move("扣除交易手续费", "P1", -60),
    move("交易", "P2", 100_00),
    move("扣除交易手续费", "P2", -60),
    move("退款", "F1", -30_00 + 18),
    move(TRANSFER, "T1", -50_00),
]


def taken(lines, moves=FLOW, differing=()):
    trade = TradeBill(bill_on=DAY, sha1="", lines=lines)
    flow = FundFlowBill(bill_on=DAY, sha1="", lines=moves)
    return trade.fee_fen, fee_taken_fen(trade, flow, differing=differing)


def test_bills_that_agree_tell_one_fee_and_a_refund_gives_its_part_back():
    assert taken([PAID, OTHER, BACK]) == (102, 102)


def test_on_a_day_of_refunds_alone_the_fee_comes_back():
    assert taken([BACK], FLOW[-2:]) == (-18, -18)


def test_a_fee_that_was_taken_beyond_the_trade_bills_is_told():
    more = [*FLOW[:3], move("扣除交易手续费", "P2", -2_10), *FLOW[4:]]
    assert taken([PAID, OTHER, BACK], more) == (102, 252)


@pytest.mark.parametrize(
    ("lines", "differing", "fee_fen"),
    [
        ([PAID, BACK], {"P2"}, 42),  # Missing in the trade bill.
        ([PAID, replace(OTHER, amount_fen=99_00, fee_fen=59), BACK], {"P2"}, 101),
        ([PAID, OTHER, BACK, replace(PAID, line_no=4)], {"P1"}, 102),  # The same line again.
        ([PAID, OTHER, BACK, replace(PAID, line_no=4, transaction_id="4209")], {"P1"}, 162),
        ([PAID, OTHER, BACK, replace(PAID, transaction_id="4208", order_no="P9")], {"P9"}, 162),
    ],
)
def test_an_order_that_differs_in_the_trade_bill_is_not_taken_for_a_fee(lines, differing, fee_fen):
    assert taken(lines, differing=differing) == (fee_fen, fee_fen)


def test_an_order_that_is_unknown_to_us_alone_counts_like_any_other():
    more = [*FLOW[:3], move("扣除交易手续费", "P2", -2_10), *FLOW[4:]]
    assert taken([PAID, OTHER, BACK], more, {"P2"}) == (102, 252)


def test_a_flow_bill_that_names_no_order_is_compared_as_a_whole():
    whole = [move("交易", "", 200_00 - 1_20 - 30_00 + 18)]
    assert taken([PAID, OTHER, BACK], whole, {"P2"}) == (102, 102)
