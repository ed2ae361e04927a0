"""The other hand: the member's WeChat, and what a test may wish for. Not part of WeChat's API."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, jsonify, request

from app.wechat_simulator import bills, orders
from app.wechat_simulator.notifier import FORGERIES
from app.wechat_simulator.orders import CODE_URL, Problem
from app.wechat_simulator.world import world

bp = Blueprint("user_api", __name__)

SCENARIOS = FORGERIES | {
    "normal",
    "late",
    "repeated",
    "lost",
    "out_of_order",
    "payment_failed",
    "pay_after_close",
    "answer_forged",
    "refund_abnormal",
    "refund_closed",
    "refund_late",
    "refund_lost",
    "template_limit",
    *(
        f"{what}_{how}"
        for what in ("prepay", "query", "close", "refund", "refund_query")
        for how in ("error", "hang")
    ),
}


@bp.errorhandler(Problem)
def answer_problem(problem: Problem) -> tuple[Response, int]:
    return jsonify(code=problem.code, message=problem.message), problem.status


@bp.post("/_user/pay")
def pay() -> Response:
    """The member confirms. 200 once the money is taken; the notification follows."""
    here = world()
    paid = orders.pay_order(here.store, here.notifier, _prepay_id())
    return jsonify(order_no=paid["order_no"], transaction_id=paid["transaction_id"])


@bp.post("/_user/cancel")
def cancel() -> Response:
    """The member goes away. WeChat tells nobody, and the order stays payable."""
    row = world().store.row("SELECT order_no FROM orders WHERE prepay_id = ?", _prepay_id())
    if row is None:
        raise Problem(404, "ORDER_NOT_EXIST", "订单不存在")
    return jsonify(order_no=row["order_no"])


@bp.post("/_scenario")
def set_scenario() -> Response:
    """``{"order_no" | "next": true | "all": true, "scenario", …}``; several may be set."""
    body = _json()
    name = body.pop("scenario", None)
    if name not in SCENARIOS:
        raise Problem(400, "PARAM_ERROR", f"unknown scenario; known: {sorted(SCENARIOS)}")
    order_no = body.pop("order_no", None)
    if isinstance(order_no, str) and order_no:
        target = order_no
    elif body.pop("next", False):
        target = "+"
    elif body.pop("all", False):
        target = "*"
    else:
        raise Problem(400, "PARAM_ERROR", "order_no, next or all")
    world().store.set_scenario(target, str(name), body)
    return jsonify(target=target, scenario=name, options=body)


@bp.post("/_bill")
def plan_bill() -> Response:
    """``{"day", …}``: what is wrong with that day's bills (bills.py says what may be)."""
    body = _json()
    day = date.fromisoformat(str(body.pop("day", "")))
    bills.keep_plan(world().store, day, body)
    return jsonify(day=day.isoformat(), plan=body)


@bp.post("/_history")
def keep_history() -> Response:
    """``{"orders": [...]}``: paid orders of a demo's past, so that bills know them."""
    found = _json().get("orders")
    if not isinstance(found, list):
        raise Problem(400, "PARAM_ERROR", "orders")
    return jsonify(kept=bills.keep_history(world().store, found))


@bp.post("/_forge")
def forge() -> Response:
    """``{"order_no", "scenario"}``: tell of a payment that need not exist; what was answered?"""
    here, body = world(), _json()
    order = dict(orders.find_order(here.store, str(body.get("order_no"))))
    name = str(body.get("scenario", "forged_signature"))
    if name not in FORGERIES:
        raise Problem(400, "PARAM_ERROR", f"known: {sorted(FORGERIES)}")
    claimed = order | {
        "state": "SUCCESS",
        "transaction_id": order["transaction_id"] or "4200099999999999999999999999",
        "paid_at": order["paid_at"] or order["created_at"],
    }
    told = here.notifier.payment_body(claimed, name)
    return jsonify(status=here.notifier.send(order["notify_url"], told, name))


@bp.get("/_state/orders/<order_no>")
def show_order(order_no: str) -> Response:
    store = world().store
    order = dict(orders.find_order(store, order_no))
    refunds = store.rows("SELECT * FROM refunds WHERE order_no = ? ORDER BY created_at", order_no)
    told = store.rows(
        "SELECT id, kind, forgery, attempts, last_status, due_at, state FROM notifications"
        " WHERE order_no = ? ORDER BY id",
        order_no,
    )
    return jsonify(
        order=order,
        refunds=[dict(row) for row in refunds],
        notifications=[dict(row) for row in told],
    )


@bp.get("/_state/messages")
def show_messages() -> Response:
    """Subscribe messages and shipping information that the merchant sent, newest first."""
    rows = world().store.rows("SELECT * FROM messages ORDER BY id DESC LIMIT 100")
    return jsonify(items=[dict(row) for row in rows])


@bp.get("/healthz")
def healthz() -> Response:
    world().store.row("SELECT 1")
    return jsonify(status="ok")


def _prepay_id() -> str:
    body = _json()
    prepay_id = body.get("prepay_id", body.get("code_url"))
    if not isinstance(prepay_id, str):
        raise Problem(400, "PARAM_ERROR", "prepay_id or code_url")
    return prepay_id.removeprefix("prepay_id=").removeprefix(CODE_URL)


def _json() -> dict[str, object]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Problem(400, "PARAM_ERROR", "JSON object expected")
    return body
