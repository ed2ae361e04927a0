"""What the services need of the outside world. Gateways implement it, tests and demos plug in."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from app.core.bills import FundFlowBill, TradeBill


class GatewayUnavailable(Exception):
    """The far end did not answer, or answered that it cannot now. What it did is unknown.

    Attributes:
        reason: The far end's own code, where it gave one.
    """

    def __init__(self, message: str = "", *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class GatewayRefused(Exception):
    """The far end understood and said no. Nothing happened there.

    Attributes:
        reason: The far end's own code, for example ``PARAM_ERROR``.
    """

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(f"{reason} {message}".strip())
        self.reason = reason


class OrderAlreadyPaid(GatewayRefused):
    """Asked to close or prepay an order that the payer has already paid."""


class OrderNotFound(GatewayRefused):
    """No order of this number was ever made at the far end."""


class OrderState(enum.Enum):
    """An order's state at WeChat Pay, in its own words (APIv3 trade_state)."""

    NOTPAY = "NOTPAY"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    REFUND = "REFUND"
    USERPAYING = "USERPAYING"
    PAYERROR = "PAYERROR"
    REVOKED = "REVOKED"


class RefundState(enum.Enum):
    """A refund's state at WeChat Pay, in its own words (APIv3 refund status)."""

    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    ABNORMAL = "ABNORMAL"


@dataclass(frozen=True, kw_only=True)
class WeChatOrder:
    """What WeChat says of one order. ``amount_fen`` is the total asked for, in fen."""

    order_no: str
    state: OrderState
    transaction_id: str | None
    amount_fen: int | None
    payer_openid: str | None
    succeeded_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class WeChatRefund:
    """What WeChat says of one refund. ``refund_id`` is WeChat's own number."""

    refund_no: str
    order_no: str | None
    state: RefundState
    refund_id: str | None
    refund_fen: int | None


@dataclass(frozen=True, kw_only=True)
class PaymentSheet:
    """What the app hands to WeChat: wx.requestPayment, or WeixinJSBridge with the ``appid``."""

    appid: str | None  # None in the mini-program.
    time_stamp: str
    nonce_str: str
    package: str
    sign_type: str
    pay_sign: str


@dataclass(frozen=True, kw_only=True)
class WeChatIdentity:
    openid: str
    unionid: str | None


class WeChatPay(Protocol):
    """WeChat Pay APIv3. Every method may raise GatewayUnavailable or GatewayRefused."""

    def prepay(
        self,
        *,
        order_no: str,
        amount_fen: int,
        description: str,
        payer_openid: str,
        expires_at: datetime,
        appid: str | None = None,
    ) -> str:
        """Make (or find again, with the same parameters) a JSAPI order; returns its prepay_id.

        Args:
            appid: The app that knows the payer by this openid; none is the mini-program.

        Raises:
            OrderAlreadyPaid: The order was paid meanwhile.
        """

    def prepay_native(
        self, *, order_no: str, amount_fen: int, description: str, expires_at: datetime
    ) -> str:
        """Make (or find again) an order that anybody pays who scans its code; returns code_url.

        Raises:
            OrderAlreadyPaid: The order was paid meanwhile.
        """

    def payment_sheet(
        self, prepay_id: str, *, now: datetime, appid: str | None = None
    ) -> PaymentSheet:
        """Sign what the payer's WeChat needs. No network."""

    def query_order(self, order_no: str) -> WeChatOrder:
        """Raises OrderNotFound for an order that WeChat never saw."""

    def close_order(self, order_no: str) -> None:
        """Make the order unpayable. Re-entrant.

        Raises:
            OrderAlreadyPaid: Too late. Capture it.
            OrderNotFound: WeChat never saw it, which is as good as closed.
        """

    def request_refund(
        self, *, refund_no: str, order_no: str, refund_fen: int, total_fen: int, reason: str
    ) -> WeChatRefund:
        """Ask for money to go back. Asking again with the same number is the same refund."""

    def query_refund(self, refund_no: str) -> WeChatRefund:
        """Raises OrderNotFound for a refund that WeChat never saw."""

    def fetch_trade_bill(self, bill_on: date) -> TradeBill:
        """A day's payments and refunds. Raises BillNotReady, BillRejected."""

    def fetch_fund_flow_bill(self, bill_on: date) -> FundFlowBill:
        """A day's movements of WeChat's account. Raises BillNotReady, BillRejected."""


class WeChatShipping(Protocol):
    """发货信息录入: WeChat may hold money until it hears that the goods were handed over."""

    def report_delivery(
        self, *, order_no: str, payer_openid: str, description: str, delivered_at: datetime
    ) -> None:
        """Say that an order was delivered on the spot. Saying it again changes nothing."""


class WeChatFollowers(Protocol):
    """The official account (公众号): who follows it, and its menu."""

    def find_unionid(self, openid: str) -> str | None:
        """Who a follower is in all our apps; None without an open platform account."""

    def publish_menu(self, buttons: Sequence[Mapping[str, object]]) -> None:
        """Let followers see this menu from now on."""

    def tell_follower(
        self, *, openid: str, template_id: str, url: str, fields: Mapping[str, str], key: str
    ) -> str:
        """One template message (模板消息), which opens the address; gives WeChat's number of it.

        WeChat sends a second one of the same key to nobody for ten minutes.
        """


@dataclass(frozen=True, kw_only=True)
class PageSignature:
    """What a page hands to wx.config."""

    appid: str
    timestamp: int
    nonce: str
    signature: str


class WeChatOfficialAccount(Protocol):
    """The official account. The last two may raise GatewayUnavailable or GatewayRefused."""

    def authorize_url(self, *, return_url: str, state: str, person: bool = False) -> str:
        """Where a browser inside WeChat goes to say who it is. No network."""

    def identify_person(self, code: str) -> WeChatIdentity:
        """Who is behind the code that the browser brought back from ``person=True``."""

    def identify(self, code: str) -> str:
        """The openid behind the code that the browser brought back."""

    def sign_page(self, url: str, *, now: datetime) -> PageSignature:
        """Sign a page of ours for the JS-SDK."""


class WeChatMiniProgram(Protocol):
    """Messages and codes of the mini-program. May raise GatewayUnavailable or GatewayRefused."""

    def send_notice(
        self, *, openid: str, template_id: str, page: str, fields: Mapping[str, str]
    ) -> None:
        """One subscribe message (订阅消息). It was agreed to by the member before."""

    def draw_code(self, *, page: str, scene: str, width: int) -> bytes:
        """A mini-program code (小程序码) as a picture, ``width`` pixels wide."""


class DemoWeChat(Protocol):
    """The member's own WeChat, which only a demo has at hand."""

    def press(self, action: str, package: str) -> None:
        """Press ``pay`` or ``cancel`` in the sheet of this package."""


class WeChatLogin(Protocol):
    """Sign-in of the mini-program."""

    def sign_in(self, code: str) -> WeChatIdentity:
        """Exchange the code of wx.login. Raises GatewayRefused for a bad or used code."""

    def phone_number(self, code: str) -> str:
        """Exchange the code of getPhoneNumber for the bare mainland number, 11 digits."""


class SearchEngine(Protocol):
    """An engine that wants to be told of new pages."""

    def push(self, address: str) -> None: ...


class AddressRegions(Protocol):
    """Where an address is: ``四川 成都``; empty where nobody knows."""

    def region_of(self, address: str) -> str: ...
