"""Bills as WeChat Pay writes them: a byte order mark, backticks, sums below, CRLF at the ends.

A plan (``POST /_bill``) plants what goes wrong in real ones: lines missing, strange, doubled or of
other amounts, another fee, a wrong hash, a file cut off, columns in another order, brackets of
another width.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

from app.wechat_simulator.orders import Problem
from app.wechat_simulator.store import Store

_BEIJING = timezone(timedelta(hours=8))
_FEE_BP = 60
_READY_HOUR = 10

_TRADE = ("交易时间", "公众账号ID", "商户号", "特约商户号", "设备号", "微信订单号", "商户订单号",
          "用户标识", "交易类型", "交易状态", "付款银行", "货币种类", "应结订单金额", "代金券金额",
          "微信退款单号", "商户退款单号", "退款金额", "充值券退款金额", "退款类型", "退款状态",
          "商品名称", "商户数据包", "手续费", "费率", "订单金额", "申请退款金额",
          "费率备注")  # fmt: skip
_TRADE_SUMS = ("总交易单数", "应结订单总金额", "退款总金额", "充值券退款总金额", "手续费总金额",
               "订单总金额", "申请退款总金额")  # fmt: skip
_FLOW = ("记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "收支类型",
         "收支金额(元)", "账户结余(元)", "资金变更提交申请人", "备注", "业务凭证号")  # fmt: skip
_FLOW_SUMS = ("资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额")

Cells = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Trade:
    """A payment or a refund as the bill tells it; ``refund`` has WeChat's number and ours."""

    at: float
    transaction_id: str
    order_no: str
    appid: str
    openid: str
    amount_fen: int
    refund: tuple[str, str, str] | None = None  # refund_id, refund_no, state

    @property
    def fee_fen(self) -> int:
        """WeChat's fee, half a fen rounded up; of a refund it comes back."""
        fee = (self.amount_fen * _FEE_BP + 5_000) // 10_000
        return -fee if self.refund else fee


def write_bill(
    store: Store, *, kind: str, day: date, now: datetime, mchid: str, gzipped: bool
) -> tuple[bytes, str]:
    """The file of a day and its SHA-1, which is that of the bytes before gzip."""
    plan = _plan(store, day)
    if not plan.get("early"):
        _require_ready(day, now)
    if kind == "tradebill":
        rows, sums = _trade_rows(_planted(_trades(store, day), plan, day), mchid)
        text = _text(_columns(_TRADE, plan), rows, _TRADE_SUMS, sums)
    else:
        flows = _flows(store, day, plan)
        text = _text(_columns(_FLOW, plan), flows, _FLOW_SUMS, _flow_sums(flows))
    if not text:
        raise Problem(400, "NO_STATEMENT_EXIST", "账单文件不存在")
    plain = ("\ufeff" + text).encode()
    told = hashlib.sha1(plain, usedforsecurity=False).hexdigest()
    if plan.get("hash") == "wrong":
        told = hashlib.sha1(plain + b" ", usedforsecurity=False).hexdigest()
    if plan.get("cut_off"):
        plain = plain[: -len(plain) // 3]
        # What is cut off on WeChat's own disk has a hash that agrees.
        told = hashlib.sha1(plain, usedforsecurity=False).hexdigest()
    return (gzip.compress(plain, mtime=0) if gzipped else plain), told


def keep_plan(store: Store, day: date, plan: Mapping[str, Any]) -> None:
    """What is wrong with that day's bills from now on; an empty plan takes it back."""
    with store.transaction() as db:
        db.execute("DELETE FROM bill_plans WHERE day = ?", (day.isoformat(),))
        if plan:
            db.execute(
                "INSERT INTO bill_plans (day, plan) VALUES (?, ?)",
                (day.isoformat(), json.dumps(dict(plan))),
            )


def keep_history(store: Store, orders: Sequence[Mapping[str, Any]]) -> int:
    """Paid orders, and refunds of them, from before the simulator was there. Known ones stay."""
    with store.transaction() as db:
        before = db.total_changes
        for one in orders:
            db.execute(
                "INSERT OR IGNORE INTO orders (order_no, prepay_id, parameters, appid, openid,"
                " amount_fen, notify_url, expires_at, created_at, state, transaction_id, paid_at)"
                " VALUES (?, ?, '{}', ?, ?, ?, '', ?, ?, 'SUCCESS', ?, ?)",
                (one["order_no"], f"wx-{one['order_no']}", one["appid"], one["openid"],
                 one["amount_fen"], one["paid_at"], one["paid_at"], one["transaction_id"],
                 one["paid_at"]),
            )  # fmt: skip
            for refund in one.get("refunds", ()):
                db.execute(
                    "INSERT OR IGNORE INTO refunds (refund_no, refund_id, parameters, order_no,"
                    " refund_fen, notify_url, state, final_state, due_at, is_told, created_at,"
                    " finished_at) VALUES (?, ?, '{}', ?, ?, '', 'SUCCESS', 'SUCCESS', ?, 1, ?, ?)",
                    (refund["refund_no"], refund["refund_id"], one["order_no"],
                     refund["refund_fen"], refund["at"], refund["at"], refund["at"]),
                )  # fmt: skip
        return db.total_changes - before


def _require_ready(day: date, now: datetime) -> None:
    here = now.astimezone(_BEIJING)
    if day >= here.date():
        raise Problem(400, "INVALID_REQUEST", "账单日期不合法")
    if day == here.date() - timedelta(days=1) and here.hour < _READY_HOUR:
        raise Problem(400, "STATEMENT_CREATING", "账单文件正在生成")
    if day < here.date() - timedelta(days=92):
        raise Problem(400, "INVALID_REQUEST", "账单日期超过三个月")


def _plan(store: Store, day: date) -> dict[str, Any]:
    row = store.row("SELECT plan FROM bill_plans WHERE day = ?", day.isoformat())
    found: dict[str, Any] = json.loads(row["plan"]) if row else {}
    return found


def _between(day: date) -> tuple[float, float]:
    begins = datetime(day.year, day.month, day.day, tzinfo=_BEIJING)
    return begins.timestamp(), (begins + timedelta(days=1)).timestamp()


def _trades(store: Store, day: date) -> list[Trade]:
    since, until = _between(day)
    paid = store.rows(
        "SELECT * FROM orders WHERE paid_at >= ? AND paid_at < ? ORDER BY paid_at", since, until
    )
    given_back = store.rows(
        "SELECT r.*, o.transaction_id, o.appid, o.openid FROM refunds r"
        " JOIN orders o ON o.order_no = r.order_no"
        " WHERE r.created_at >= ? AND r.created_at < ? ORDER BY r.created_at",
        since,
        until,
    )
    found = [_payment(row) for row in paid] + [_refund(row) for row in given_back]
    return sorted(found, key=lambda trade: trade.at)


def _payment(row: sqlite3.Row) -> Trade:
    return Trade(
        at=row["paid_at"], transaction_id=row["transaction_id"], order_no=row["order_no"],
        appid=row["appid"], openid=row["openid"], amount_fen=row["amount_fen"],
    )  # fmt: skip


def _refund(row: sqlite3.Row) -> Trade:
    return Trade(
        at=row["created_at"], transaction_id=row["transaction_id"], order_no=row["order_no"],
        appid=row["appid"], openid=row["openid"], amount_fen=row["refund_fen"],
        # As it was when it was accepted: WeChat does not write the end of it into the bill.
        refund=(row["refund_id"], row["refund_no"], "PROCESSING"),
    )  # fmt: skip


def _planted(trades: Sequence[Trade], plan: Mapping[str, Any], day: date) -> Iterator[Trade]:
    """``drop`` and ``double`` name numbers, ``amounts`` and ``add`` say what stands there."""
    amounts: Mapping[str, int] = plan.get("amounts", {})
    for trade in trades:
        number = trade.refund[1] if trade.refund else trade.order_no
        if number in plan.get("drop", ()):
            continue
        fen = amounts.get(number, trade.amount_fen)
        changed = Trade(**{**vars(trade), "amount_fen": fen})
        yield changed
        if number in plan.get("double", ()):
            yield changed
    for extra in plan.get("add", ()):
        yield Trade(
            at=_between(day)[0] + 43_200, transaction_id=extra["transaction_id"],
            order_no=extra["order_no"], appid="wxdemo", openid="o-stranger",
            amount_fen=extra["amount_fen"],
            refund=(extra["refund_id"], extra["refund_no"], "SUCCESS")
            if "refund_no" in extra else None,
        )  # fmt: skip


def _trade_rows(trades: Iterator[Trade], mchid: str) -> tuple[list[Cells], list[str]]:
    rows = []
    paid = refunded = fees = 0
    for trade in trades:
        refund_id, refund_no, state = trade.refund or ("", "", "")
        gross = 0 if trade.refund else trade.amount_fen
        back = trade.amount_fen if trade.refund else 0
        paid, refunded, fees = paid + gross, refunded + back, fees + trade.fee_fen
        values = (
            _when(trade.at), trade.appid, mchid, "0", "", trade.transaction_id, trade.order_no,
            trade.openid, "JSAPI", "REFUND" if trade.refund else "SUCCESS", "OTHERS", "CNY",
            _yuan(gross), "0.00", refund_id or "0", refund_no or "0", _yuan(back), "0.00",
            "ORIGINAL" if trade.refund else "", state, "储值卡,消费", "",
            f"{_yuan(trade.fee_fen)}000", "0.60%", _yuan(gross), _yuan(back), "",
        )  # fmt: skip
        rows.append(dict(zip(_TRADE, values, strict=True)))
    sums = [f"{len(rows)}.0", _yuan(paid), _yuan(refunded), "0.00", f"{_yuan(fees)}000",
            _yuan(paid), _yuan(refunded)]  # fmt: skip
    return rows, sums


def _flows(store: Store, day: date, plan: Mapping[str, Any]) -> list[Cells]:
    """Income, fees and refunds as they happen; at nine the balance of the day before goes on.

    ``more_fee_fen``: so much more than the trade bill says is taken for the first payment in which
    nothing else is planted.
    """
    rows: list[Cells] = []
    more_fee_fen = int(plan.get("more_fee_fen", 0))
    added = [extra["order_no"] for extra in plan.get("add", ())]
    planted = {*plan.get("drop", ()), *plan.get("double", ()), *plan.get("amounts", ()), *added}
    begins, _ = _between(day)
    balance = _closing_fen(store, day - timedelta(days=1))

    def move(at: float, number: str, kind: str, fen: int, note: str, voucher_no: str) -> None:
        nonlocal balance
        balance += fen
        values = (
            _when(at), number, f"{int(begins)}{len(rows):06d}", kind, kind,
            "收入" if fen > 0 else "支出", _yuan(abs(fen)), _yuan(balance), "system", note,
            voucher_no,
        )  # fmt: skip
        rows.append(dict(zip(_FLOW, values, strict=True)))

    due = balance
    for trade in _trades(store, day):
        if due > 0 and trade.at >= begins + 32_400:
            move(begins + 32_400, f"T{day:%Y%m%d}", "提现", -due, "", f"T{day:%Y%m%d}")
            due = 0
        if trade.refund:
            note = f"退款总金额{_yuan(trade.amount_fen)}元;含手续费{_yuan(-trade.fee_fen)}元"
            back = trade.amount_fen + trade.fee_fen
            move(trade.at, trade.refund[0], "退款", -back, note, trade.refund[1])
            continue
        move(trade.at, trade.transaction_id, "交易", trade.amount_fen, "", trade.order_no)
        if trade.fee_fen:
            fee = "扣除交易手续费"
            extra_fen = 0 if trade.order_no in planted else more_fee_fen
            taken = trade.fee_fen + extra_fen
            move(trade.at, trade.transaction_id, fee, -taken, "", trade.order_no)
            more_fee_fen -= extra_fen
    if due > 0:
        move(begins + 32_400, f"T{day:%Y%m%d}", "提现", -due, "", f"T{day:%Y%m%d}")
    return rows


def _closing_fen(store: Store, day: date) -> int:
    """What stood there at the end of a day: only what came in on it, for the rest was sent on."""
    return max(
        0,
        sum((-t.amount_fen if t.refund else t.amount_fen) - t.fee_fen for t in _trades(store, day)),
    )


def _flow_sums(rows: Sequence[Cells]) -> list[str]:
    incoming = [_fen(row["收支金额(元)"]) for row in rows if row["收支类型"] == "收入"]
    outgoing = [_fen(row["收支金额(元)"]) for row in rows if row["收支类型"] == "支出"]
    return [f"{len(rows)}.0", f"{len(incoming)}.0", _yuan(sum(incoming)), f"{len(outgoing)}.0",
            _yuan(sum(outgoing))]  # fmt: skip


def _columns(names: Sequence[str], plan: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The columns as ``(name, heading)``; a plan may turn their order and widen their brackets."""
    chosen = [(name, name) for name in names]
    if plan.get("brackets") == "full":
        chosen = [(name, heading.replace("(", "（").replace(")", "）")) for name, heading in chosen]
    return chosen[::-1] if plan.get("columns") == "turned" else chosen


def _text(
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Cells],
    sum_names: Sequence[str],
    sums: Sequence[str],
) -> str:
    if not rows:
        return ""
    lines = [",".join(heading for _, heading in columns)]
    lines += [_line([row[name] for name, _ in columns]) for row in rows]
    lines += [",".join(sum_names), _line(sums)]
    return "".join(f"{line}\r\n" for line in lines)


def _line(values: Sequence[str]) -> str:
    return ",".join(f"`{value}" for value in values)


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, _BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _fen(yuan: str) -> int:
    whole, _, cents = yuan.partition(".")
    return int(whole) * 100 + int(cents)
