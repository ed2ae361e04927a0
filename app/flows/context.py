"""What a process has at hand once it is started: the database, the far ends, the keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.keys import Keys
from app.db import Database
from app.flows.together import Together
from app.gateways.wechat.notifications import NotificationKeys
from app.gateways.wechat.oa_messages import OfficialAccount
from app.services.ports import (
    AddressRegions,
    DemoWeChat,
    SearchEngine,
    WeChatLogin,
    WeChatMiniProgram,
    WeChatOfficialAccount,
    WeChatPay,
    WeChatShipping,
)
from app.services.sales.cash_top_ups import CashTaken
from app.services.sales.payments import ScannedPayment
from app.services.vouchers.redemptions import ScannedVoucher
from config import Settings

if TYPE_CHECKING:
    from app.flows.once import Answer


@dataclass(frozen=True, kw_only=True)
class Context:
    settings: Settings
    database: Database
    keys: Keys
    payments_together: Together[ScannedPayment, Answer]
    redemptions_together: Together[ScannedVoucher, Answer]
    cash_together: Together[CashTaken, Answer]
    wechat_pay: WeChatPay
    wechat_login: WeChatLogin
    wechat_account: WeChatOfficialAccount
    wechat_shipping: WeChatShipping
    official_account: OfficialAccount
    wechat_mini: WeChatMiniProgram
    demo_wechat: DemoWeChat
    notification_keys: NotificationKeys
    regions: AddressRegions
    search_engine: SearchEngine | None  # None: nobody is told of new pages.
