"""发货信息录入 (upload_shipping_info): telling WeChat that what was paid for has been handed over.

A managed mini-program's money stays frozen until then. Card value is virtual goods
(logistics_type 3), and so is what a shop hands over its counter, since nothing is shipped.
Written after WeChat's documentation; tried against the simulator only.
"""

from __future__ import annotations

from datetime import datetime

from app.core.clock import rfc3339
from app.gateways.wechat.api import WeChatApi

_PATH = "/wxa/sec/order/upload_shipping_info"
_BY_OUR_NUMBER = 1
_VIRTUAL = 3
_IN_ONE_PIECE = 1


class WeChatShippingClient:
    """Implements ``services.ports.WeChatShipping``."""

    def __init__(self, api: WeChatApi, *, mchid: str) -> None:
        self._api = api
        self._mchid = mchid

    def report_delivery(
        self, *, order_no: str, payer_openid: str, description: str, delivered_at: datetime
    ) -> None:
        self._api.post(
            _PATH,
            {
                "order_key": {
                    "order_number_type": _BY_OUR_NUMBER,
                    "mchid": self._mchid,
                    "out_trade_no": order_no,
                },
                "logistics_type": _VIRTUAL,
                "delivery_mode": _IN_ONE_PIECE,
                "shipping_list": [{"item_desc": description[:120]}],
                "upload_time": rfc3339(delivered_at),
                "payer": {"openid": payer_openid},
            },
        )
