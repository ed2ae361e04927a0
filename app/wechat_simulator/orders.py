"""What may happen to an order and a refund at WeChat Pay, and what is refused in which words."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from dataclasses import dataclass

from app.wechat_simulator.notifier import Notifier
from app.wechat_simulator.store import Store

_MOST_REFUNDS = 50
CODE_URL = "weixin://wxpay/bizpayurl?pr="  # What a payer scans; the rest names the order.


class Problem(Exception):
    """An error as WeChat Pay words it; ``number`` goes behind the last dash of Request-Id."""

    def __init__(self, status: int, code: str, message: str, number: str = "0") -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.number = status, code, message, number


@dataclass(frozen=True, kw_only=True)
class NewOrder:
    order_no: str
    parameters: dict[str, object]
    appid: str
    openid: str
    amount_fen: int
    notify_url: str
    expires_at: float


@dataclass(frozen=True, kw_only=True)
class NewRefund:
    refund_no: str
    parameters: dict[str, object]
    order_no: str
    refund_fen: int
    total_fen: int
    notify_url: str


def find_order(store: Store, order_no: str) -> sqlite3.Row:
    row = store.row("SELECT * FROM orders WHERE order_no = ?", order_no)
    if row is None:
        raise Problem(404, "ORDER_NOT_EXIST", "订单不存在", "268447913")
    return row


def find_refund(store: Store, refund_no: str) -> sqlite3.Row:
    row = store.row("SELECT * FROM refunds WHERE refund_no = ?", refund_no)
    if row is None:
        raise Problem(404, "RESOURCE_NOT_EXISTS", "退款单不存在", "268462080")
    return row


def make_order(store: Store, new: NewOrder) -> str:
    """The prepay_id. The same number with the same parameters is the same order."""
    parameters = _canonical(new.parameters)
    with store.transaction() as db:
        order = store.row("SELECT * FROM orders WHERE order_no = ?", new.order_no)
        if order is None:
            if new.expires_at <= time.time():
                raise Problem(400, "PARAM_ERROR", "time_expire时间过短")
            prepay_id = "wx" + time.strftime("%d%H%M%S") + secrets.token_hex(13)
            db.execute(
                "INSERT INTO orders (order_no, prepay_id, parameters, appid, openid, amount_fen,"
                " notify_url, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    new.order_no,
                    prepay_id,
                    parameters,
                    new.appid,
                    new.openid,
                    new.amount_fen,
                    new.notify_url,
                    new.expires_at,
                    time.time(),
                ),
            )
            return prepay_id
        if order["state"] in {"SUCCESS", "REFUND"}:
            raise _already_paid()
        if order["state"] == "CLOSED":
            raise Problem(400, "ORDER_CLOSED", "该订单已关闭", "268447914")
        if order["parameters"] != parameters:
            raise Problem(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致", "268498688")
        if order["expires_at"] <= time.time():
            raise Problem(400, "PARAM_ERROR", "订单已过期")
        return str(order["prepay_id"])


def close_order(store: Store, order_no: str) -> None:
    with store.transaction() as db:
        order = find_order(store, order_no)
        if order["state"] in {"SUCCESS", "REFUND"}:
            raise _already_paid()
        db.execute("UPDATE orders SET state = 'CLOSED' WHERE order_no = ?", (order_no,))


def pay_order(store: Store, notifier: Notifier, prepay_id: str) -> sqlite3.Row:
    """The payer gives the money; the merchant is told afterwards."""
    with store.transaction() as db:
        order = store.row("SELECT * FROM orders WHERE prepay_id = ?", prepay_id)
        if order is None:
            raise Problem(404, "ORDER_NOT_EXIST", "订单不存在", "268447913")
        order_no = order["order_no"]
        if order["state"] in {"SUCCESS", "REFUND"}:
            raise Problem(409, "ORDERPAID", "该订单已支付", "268498689")
        # The payer may have confirmed in the moment in which the merchant closed.
        crosses = store.scenario(order_no, "pay_after_close") is not None
        if order["state"] == "CLOSED" and not crosses:
            raise Problem(409, "ORDER_CLOSED", "该订单已关闭", "268447914")
        if order["expires_at"] <= time.time() and not crosses:
            raise Problem(409, "ORDER_EXPIRED", "订单已过期")
        paid: sqlite3.Row | None = None
        if store.scenario(order_no, "payment_failed") is None:
            paid = db.execute(
                "UPDATE orders SET state = 'SUCCESS', transaction_id = ?, paid_at = ?"
                " WHERE order_no = ? RETURNING *",
                (f"42000{_digits(23)}", time.time(), order_no),
            ).fetchone()
            notifier.enqueue_payment(db, paid)
    if paid is None:  # Only now: an exception above would take back that a scenario was used up.
        raise Problem(402, "PAYMENT_FAILED", "支付失败")
    notifier.wake()
    return paid


def make_refund(store: Store, notifier: Notifier, new: NewRefund) -> sqlite3.Row:
    """Accept a refund; it is done a moment later. The same number is the same refund."""
    parameters = _canonical(new.parameters)
    with store.transaction() as db:
        known = store.row("SELECT * FROM refunds WHERE refund_no = ?", new.refund_no)
        if known is not None:
            if known["parameters"] != parameters:
                raise Problem(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致")
            return known
        order = store.row("SELECT * FROM orders WHERE order_no = ?", new.order_no)
        if order is None:
            raise Problem(404, "RESOURCE_NOT_EXISTS", "订单不存在")
        _require_refundable(store, order, new)
        final_state, due_at, is_told = _refund_scenario(store, notifier, new.order_no)
        refund = db.execute(
            "INSERT INTO refunds (refund_no, refund_id, parameters, order_no, refund_fen,"
            " notify_url, final_state, due_at, is_told, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
            (
                new.refund_no,
                f"50300{_digits(23)}",
                parameters,
                new.order_no,
                new.refund_fen,
                new.notify_url,
                final_state,
                due_at,
                is_told,
                time.time(),
            ),
        ).fetchone()
        db.execute("UPDATE orders SET state = 'REFUND' WHERE order_no = ?", (new.order_no,))
    notifier.wake()
    return refund  # type: ignore[no-any-return]  # RETURNING of an INSERT.


def _require_refundable(store: Store, order: sqlite3.Row, new: NewRefund) -> None:
    if order["state"] not in {"SUCCESS", "REFUND"}:
        raise Problem(400, "INVALID_REQUEST", "订单未支付，不能退款")
    if new.total_fen != order["amount_fen"]:
        raise Problem(400, "INVALID_REQUEST", "订单金额不一致")
    row = store.row(
        "SELECT count(*) AS many, coalesce(sum(refund_fen), 0) AS fen FROM refunds"
        " WHERE order_no = ? AND state <> 'CLOSED'",
        new.order_no,
    )
    assert row is not None, "an aggregate always answers"
    if row["fen"] + new.refund_fen > order["amount_fen"] or row["many"] >= _MOST_REFUNDS:
        raise Problem(400, "INVALID_REQUEST", "申请退款金额超过订单可退金额")


def _refund_scenario(store: Store, notifier: Notifier, order_no: str) -> tuple[str, float, bool]:
    final_state = "SUCCESS"
    for name, state in (("refund_abnormal", "ABNORMAL"), ("refund_closed", "CLOSED")):
        if store.scenario(order_no, name) is not None:
            final_state = state
    late = store.scenario(order_no, "refund_late")
    delay: object = notifier.refund_seconds
    if late is not None:
        delay = late.get("delay_seconds", 30)
    is_told = store.scenario(order_no, "refund_lost") is None
    return final_state, time.time() + (delay if isinstance(delay, (int, float)) else 30), is_told


def _already_paid() -> Problem:
    return Problem(400, "ORDERPAID", "该订单已支付", "268498689")


def _canonical(parameters: dict[str, object]) -> str:
    return json.dumps(parameters, sort_keys=True, ensure_ascii=False)


def _digits(length: int) -> str:
    return "".join(secrets.choice("0123456789") for _ in range(length))
