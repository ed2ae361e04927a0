"""Orders and refunds in the words of WeChat Pay's APIv3."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Protocol

_BEIJING = timezone(timedelta(hours=8))
_STATE_TEXT = {
    "NOTPAY": "订单未支付",
    "SUCCESS": "支付成功",
    "CLOSED": "订单已关闭",
    "REFUND": "订单发生过退款",
}


class Row(Protocol):
    """A row of the store, or what pretends to be one."""

    def __getitem__(self, key: str, /) -> Any: ...


def rfc3339(instant: float) -> str:
    return datetime.fromtimestamp(instant, _BEIJING).isoformat(timespec="seconds")


def order_view(order: Row, mchid: str) -> dict[str, object]:
    view: dict[str, object] = {
        "appid": order["appid"],
        "mchid": mchid,
        "out_trade_no": order["order_no"],
        "trade_state": order["state"],
        "trade_state_desc": _STATE_TEXT[order["state"]],
        "payer": {"openid": order["openid"]},
        "amount": {"total": order["amount_fen"], "currency": "CNY"},
    }
    if order["transaction_id"] is not None:
        view |= {
            "transaction_id": order["transaction_id"],
            "trade_type": "JSAPI" if '"payer"' in order["parameters"] else "NATIVE",
            "bank_type": "OTHERS",
            "attach": "",
            "success_time": rfc3339(order["paid_at"]),
            "amount": {
                "total": order["amount_fen"],
                "payer_total": order["amount_fen"],
                "currency": "CNY",
                "payer_currency": "CNY",
            },
        }
    return view


def refund_view(refund: Row, order: Row) -> dict[str, object]:
    view: dict[str, object] = {
        "refund_id": refund["refund_id"],
        "out_refund_no": refund["refund_no"],
        "transaction_id": order["transaction_id"],
        "out_trade_no": order["order_no"],
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": rfc3339(refund["created_at"]),
        "status": refund["state"],
        "amount": {
            "total": order["amount_fen"],
            "refund": refund["refund_fen"],
            "payer_total": order["amount_fen"],
            "payer_refund": refund["refund_fen"],
            "currency": "CNY",
        },
    }
    if refund["state"] == "SUCCESS":
        view["success_time"] = rfc3339(refund["finished_at"])
    return view
