"""Reading WeChat Pay's bills: strict about what is there, indifferent to how it is dressed.

Columns are found by their names, whatever their order and whatever the width of their brackets.
The sums below must agree with the lines: a file that was cut off does not have them.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zlib
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TypeVar

from app.core.bills import BillRejected, FlowLine, FundFlowBill, TradeBill, TradeLine
from app.core.clock import SHANGHAI

MAX_PLAIN_BYTES = 256 << 20
_YUAN = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,2})0*)?", re.ASCII)
_COUNT = re.compile(r"([0-9]{1,12})(?:\.0+)?", re.ASCII)
_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}", re.ASCII)
_NONE = ("", "0")

_TRADE = ("交易时间", "商户号", "微信订单号", "商户订单号", "交易状态", "货币种类", "微信退款单号",
          "商户退款单号", "手续费", "订单金额", "申请退款金额")  # fmt: skip
_TRADE_SUMS = ("总交易单数", "手续费总金额", "订单总金额", "申请退款总金额")
_FLOW = ("记账时间", "微信支付业务单号", "资金流水单号", "业务类型", "收支类型", "收支金额(元)",
         "账户结余(元)", "业务凭证号")  # fmt: skip
_FLOW_SUMS = ("资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额")

Row = dict[str, str]
T = TypeVar("T")


def open_bill(content: bytes, *, sha1: str, gzipped: bool) -> str:
    """The bill's text, if the bytes are those that WeChat has promised.

    Raises:
        BillRejected: ``hash``, or ``malformed`` when it is no gzip or no UTF-8.
    """
    plain = _gunzip(content) if gzipped else content
    # WeChat promises SHA-1; what it protects against is a transfer cut short, not a forger.
    if hashlib.sha1(plain, usedforsecurity=False).hexdigest() != sha1.lower():
        raise BillRejected("hash")
    try:
        return plain.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BillRejected("malformed", "not UTF-8") from error


def read_trade_bill(text: str, *, bill_on: date, sha1: str, mchid: str) -> TradeBill:
    """Payments and refunds of a day.

    Raises:
        BillRejected: Also for another merchant number's bill, or another currency.
    """
    rows, sums = _table(text, _TRADE, _TRADE_SUMS)
    lines = _each(rows, lambda number, row: _trade_line(number, row, mchid))
    paid = sum(line.amount_fen for line in lines if not line.is_refund)
    back = sum(line.amount_fen for line in lines if line.is_refund)
    _require_sums(
        (len(lines), _count(sums["总交易单数"])),
        (paid, _fen(sums["订单总金额"])),
        (back, _fen(sums["申请退款总金额"])),
        (sum(line.fee_fen for line in lines), _fen(sums["手续费总金额"])),
    )
    return TradeBill(bill_on=bill_on, sha1=sha1, lines=lines)


def read_fund_flow_bill(text: str, *, bill_on: date, sha1: str) -> FundFlowBill:
    """Movements of WeChat's account on a day.

    Raises:
        BillRejected
    """
    rows, sums = _table(text, _FLOW, _FLOW_SUMS)
    lines = _each(rows, _flow_line)
    incoming = [line.amount_fen for line in lines if line.amount_fen >= 0]
    outgoing = [-line.amount_fen for line in lines if line.amount_fen < 0]
    _require_sums(
        (len(lines), _count(sums["资金流水总笔数"])),
        (len(incoming), _count(sums["收入笔数"])),
        (sum(incoming), _fen(sums["收入金额"])),
        (len(outgoing), _count(sums["支出笔数"])),
        (sum(outgoing), _fen(sums["支出金额"])),
    )
    return FundFlowBill(bill_on=bill_on, sha1=sha1, lines=lines)


def _gunzip(content: bytes) -> bytes:
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        plain = unpacker.decompress(content, MAX_PLAIN_BYTES)
    except zlib.error as error:
        raise BillRejected("malformed", "not gzip") from error
    if not unpacker.eof:
        raise BillRejected("cut_off", "gzip")
    return plain


def _table(text: str, needed: Sequence[str], sum_names: Sequence[str]) -> tuple[list[Row], Row]:
    lines = [line.rstrip("\r") for line in text.split("\n")]
    lines = [line for line in lines if line.strip()]
    heads = [place for place, line in enumerate(lines) if not line.startswith("`")]
    # The columns' names first, those of the sums below the last line, and one line of sums.
    if heads[:1] != [0]:
        raise BillRejected("malformed", "no columns")
    if len(heads) < 2 or heads[1] != len(lines) - 2:
        raise BillRejected("cut_off")
    if len(heads) > 2:
        raise BillRejected("malformed", f"line {heads[2] + 1}")
    columns = _names(lines[0], needed)
    totals = _names(lines[-2], sum_names)
    rows = [_row(line, columns, place) for place, line in enumerate(lines[1:-2], start=2)]
    return rows, _row(lines[-1], totals, len(lines))


def _names(line: str, needed: Sequence[str]) -> list[str]:
    """The columns' names, brackets and spaces made alike."""
    found = [unicodedata.normalize("NFKC", name).strip() for name in line.split(",")]
    if len(set(found)) != len(found) or not set(needed) <= set(found):
        raise BillRejected("columns")
    return found


def _row(line: str, columns: Sequence[str], place: int) -> Row:
    # A comma may stand in a value, but never one with a backtick behind it.
    cells = line[1:].split(",`")
    if not line.startswith("`") or len(cells) != len(columns):
        raise BillRejected("malformed", f"line {place}")
    return dict(zip(columns, (cell.strip() for cell in cells), strict=True))


def _each(rows: Sequence[Row], read: Callable[[int, Row], T]) -> list[T]:
    return [read(number, row) for number, row in enumerate(rows, start=1)]


def _trade_line(number: int, row: Row, mchid: str) -> TradeLine:
    if row["商户号"] != mchid or row["货币种类"] != "CNY":
        raise BillRejected("malformed", f"another merchant's line {number}")
    is_refund = row["商户退款单号"] not in _NONE
    if is_refund != (row["交易状态"] in {"REFUND", "REVOKED"}):
        raise BillRejected("malformed", f"state of line {number}")
    return TradeLine(
        line_no=number,
        occurred_at=_instant(row["交易时间"]),
        transaction_id=_known(row["微信订单号"]),
        order_no=_known(row["商户订单号"]),
        refund_id=_known(row["微信退款单号"]) if is_refund else None,
        refund_no=_known(row["商户退款单号"]) if is_refund else None,
        state=row["交易状态"],
        amount_fen=_fen(row["申请退款金额"] if is_refund else row["订单金额"]),
        fee_fen=_fen(row["手续费"]),
    )


def _flow_line(number: int, row: Row) -> FlowLine:
    sign = {"收入": 1, "支出": -1}.get(row["收支类型"])
    if sign is None:
        raise BillRejected("malformed", f"direction of line {number}")
    return FlowLine(
        line_no=number,
        occurred_at=_instant(row["记账时间"]),
        business_no=row["微信支付业务单号"],
        flow_no=_known(row["资金流水单号"]),
        kind=row["业务类型"],
        amount_fen=sign * _fen(row["收支金额(元)"]),
        balance_fen=_fen(row["账户结余(元)"]),
        voucher_no=row["业务凭证号"],
    )


def _fen(yuan: str) -> int:
    """Yuan with up to two decimals that count; WeChat writes five of a fee."""
    found = _YUAN.fullmatch(yuan)
    if found is None:
        raise BillRejected("malformed", "an amount")
    sign, whole, cents = found.groups()
    fen = int(whole) * 100 + int((cents or "0").ljust(2, "0"))
    return -fen if sign else fen


def _count(text: str) -> int:
    found = _COUNT.fullmatch(text)
    if found is None:
        raise BillRejected("malformed", "a count")
    return int(found[1])


def _known(number: str) -> str:
    if not _NUMBER.fullmatch(number):
        raise BillRejected("malformed", "a number")
    return number


def _instant(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
    except ValueError as error:
        raise BillRejected("malformed", "an instant") from error


def _require_sums(*pairs: tuple[int, int]) -> None:
    if any(added != told for added, told in pairs):
        raise BillRejected("sums")
