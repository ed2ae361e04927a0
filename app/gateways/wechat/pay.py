"""WeChat Pay APIv3: make, ask after, close and refund orders. Every call may be repeated."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import quote, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from app.core.bills import BillNotReady, BillRejected, FundFlowBill, TradeBill
from app.core.clock import local
from app.gateways.wechat import bills, signing
from app.gateways.wechat.fields import Fields, MalformedFields
from app.gateways.wechat.transport import Answer, BoundedHttp
from app.services.ports import (
    GatewayRefused,
    GatewayUnavailable,
    OrderAlreadyPaid,
    OrderNotFound,
    OrderState,
    PaymentSheet,
    RefundState,
    WeChatOrder,
    WeChatRefund,
)

_log = logging.getLogger(__name__)

# At once in a process. WeChat takes some 150 ms for an order: so 60 a second, and two may wait.
MOST_CALLS = 10

_JSAPI = "/v3/pay/transactions/jsapi"
_NATIVE = "/v3/pay/transactions/native"
_ORDERS = "/v3/pay/transactions/out-trade-no"
_REFUNDS = "/v3/refund/domestic/refunds"
_BILLS = "/v3/bill"
_LARGEST_BILL_BYTES = 64 << 20  # As it travels, in gzip.
_BILL_SECONDS = 60.0
_CURRENCY = "CNY"
_DESCRIPTION_CHARACTERS = 127
_REASON_CHARACTERS = 80
_PAID_CODES = frozenset({"ORDERPAID", "ORDER_PAID"})
_NOT_FOUND_CODES = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"})
_BUSY_CODES = frozenset({"SYSTEM_ERROR", "FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED", "BANK_ERROR"})
_NOT_READY_CODES = frozenset({"STATEMENT_CREATING"})
_NO_BILL = "NO_STATEMENT_EXIST"  # Nothing happened on that day.
# What stands behind the last dash of Request-Id when the code alone is too general.
_PAID_DETAILS = frozenset({"268498689", "268449538"})


@dataclass(frozen=True, kw_only=True)
class PayAccount:
    """Who we are to WeChat Pay, with the keys of both sides."""

    base_url: str
    appid: str
    mchid: str
    merchant_key: RSAPrivateKey
    merchant_serial: str
    wechatpay_key: RSAPublicKey
    wechatpay_key_id: str
    notify_url: str


class WeChatPayClient:
    """Implements ``ports.WeChatPay`` for one merchant number, in public-key mode."""

    def __init__(
        self, account: PayAccount, *, max_calls: int = MOST_CALLS, total_seconds: float = 11.0
    ) -> None:
        self._account = account
        self._http = BoundedHttp(max_calls=max_calls, total_seconds=total_seconds)
        # A bill may take longer than a payer would wait; one at a time is enough.
        self._files = BoundedHttp(
            max_calls=1, total_seconds=_BILL_SECONDS, max_body_bytes=_LARGEST_BILL_BYTES
        )
        self._accepted = {account.wechatpay_key_id: account.wechatpay_key}
        # A far end may live below a path; what is signed is the whole path that it sees.
        self._path_prefix = urlsplit(account.base_url).path.rstrip("/")
        self._origin = account.base_url.rstrip("/").removesuffix(self._path_prefix)

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
        """Make (or find again, with the same parameters) a JSAPI order; returns its prepay_id."""
        payer: dict[str, object] = {"payer": {"openid": payer_openid}}
        if appid is not None:
            payer["appid"] = appid
        answer = self._prepay(_JSAPI, order_no, amount_fen, description, expires_at, payer)
        with _reading_answer():
            return answer.text("prepay_id")

    def prepay_native(
        self, *, order_no: str, amount_fen: int, description: str, expires_at: datetime
    ) -> str:
        """Make (or find again) an order that anybody pays who scans its code; returns code_url."""
        answer = self._prepay(_NATIVE, order_no, amount_fen, description, expires_at, {})
        with _reading_answer():
            return answer.text("code_url")

    def _prepay(
        self,
        path: str,
        order_no: str,
        amount_fen: int,
        description: str,
        expires_at: datetime,
        more: dict[str, object],
    ) -> Fields:
        assert expires_at.tzinfo is not None, "an instant is aware"
        return self._call(
            "POST",
            path,
            {
                "appid": self._account.appid,
                "mchid": self._account.mchid,
                "description": description[:_DESCRIPTION_CHARACTERS],
                "out_trade_no": order_no,
                "time_expire": local(expires_at).isoformat(timespec="seconds"),
                "notify_url": self._account.notify_url,
                "amount": {"total": amount_fen, "currency": _CURRENCY},
                **more,
            },
        )

    def payment_sheet(
        self, prepay_id: str, *, now: datetime, appid: str | None = None
    ) -> PaymentSheet:
        """Sign what the payer's WeChat needs. No network."""
        own = self._account.appid
        appid = appid or own
        timestamp, nonce = str(int(now.timestamp())), secrets.token_hex(16)
        return PaymentSheet(
            appid=None if appid == own else appid,
            time_stamp=timestamp,
            nonce_str=nonce,
            package=f"prepay_id={prepay_id}",
            sign_type="RSA",
            pay_sign=signing.pay_sign(
                self._account.merchant_key,
                appid=appid,
                timestamp=timestamp,
                nonce=nonce,
                prepay_id=prepay_id,
            ),
        )

    def query_order(self, order_no: str) -> WeChatOrder:
        mchid = quote(self._account.mchid, safe="")
        answer = self._call("GET", f"{_ORDERS}/{quote(order_no, safe='')}?mchid={mchid}")
        with _reading_answer():
            _require_same(answer.text("out_trade_no"), order_no)
            _require_same(answer.text("mchid"), self._account.mchid)
            amount = answer.object_or_none("amount")
            payer = answer.object_or_none("payer")
            return WeChatOrder(
                order_no=order_no,
                state=OrderState(answer.text("trade_state")),
                transaction_id=answer.text_or_none("transaction_id"),
                amount_fen=amount.integer("total") if amount is not None else None,
                payer_openid=payer.text_or_none("openid") if payer is not None else None,
                succeeded_at=answer.instant_or_none("success_time"),
            )

    def close_order(self, order_no: str) -> None:
        path = f"{_ORDERS}/{quote(order_no, safe='')}/close"
        self._call("POST", path, {"mchid": self._account.mchid})

    def request_refund(
        self, *, refund_no: str, order_no: str, refund_fen: int, total_fen: int, reason: str
    ) -> WeChatRefund:
        amount = {"refund": refund_fen, "total": total_fen, "currency": _CURRENCY}
        body: dict[str, object] = {
            "out_trade_no": order_no,
            "out_refund_no": refund_no,
            "notify_url": self._account.notify_url,
            "amount": amount,
        }
        if reason:
            body["reason"] = reason[:_REASON_CHARACTERS]
        return _refund(self._call("POST", _REFUNDS, body), refund_no)

    def query_refund(self, refund_no: str) -> WeChatRefund:
        return _refund(self._call("GET", f"{_REFUNDS}/{quote(refund_no, safe='')}"), refund_no)

    def fetch_trade_bill(self, bill_on: date) -> TradeBill:
        text, sha1 = self._fetch_bill("tradebill", bill_on, bill_type="ALL")
        if not text:
            return TradeBill(bill_on=bill_on, sha1="", lines=())
        return bills.read_trade_bill(text, bill_on=bill_on, sha1=sha1, mchid=self._account.mchid)

    def fetch_fund_flow_bill(self, bill_on: date) -> FundFlowBill:
        text, sha1 = self._fetch_bill("fundflowbill", bill_on, account_type="BASIC")
        if not text:
            return FundFlowBill(bill_on=bill_on, sha1="", lines=())
        return bills.read_fund_flow_bill(text, bill_on=bill_on, sha1=sha1)

    def close(self) -> None:
        """Let go of the threads and connections. For tests and the end of a program."""
        self._http.close()
        self._files.close()

    def _fetch_bill(self, kind: str, bill_on: date, **which: str) -> tuple[str, str]:
        """The text of a bill, checked against its hash, and that hash; nothing for an idle day."""
        query = urlencode({"bill_date": bill_on.isoformat(), **which, "tar_type": "GZIP"})
        try:
            promised = self._call("GET", f"{_BILLS}/{kind}?{query}")
        except GatewayRefused as refusal:
            if refusal.reason in _NOT_READY_CODES:
                raise BillNotReady(refusal.reason) from refusal
            if refusal.reason == _NO_BILL:
                return "", ""
            raise
        with _reading_answer():
            _require_same(promised.text("hash_type"), "SHA1")
            sha1, url = promised.text("hash_value"), urlsplit(promised.text("download_url"))
        # What is fetched with our signature is fetched where we have asked, whatever is told.
        target = f"{url.path}?{url.query}"
        answer = self._files.send(
            "GET", self._origin + target, headers=self._headers("GET", target, "")
        )
        if answer.status != 200:
            raise GatewayUnavailable(f"WeChat Pay answered {answer.status} for a bill")
        content = bills.open_bill(answer.body, sha1=sha1, gzipped=True)
        if not content:
            raise BillRejected("cut_off")
        return content, sha1.lower()

    def _call(self, method: str, path: str, body: dict[str, object] | None = None) -> Fields:
        target = self._path_prefix + path
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":")) if body else ""
        answer = self._http.send(
            method,
            self._origin + target,
            headers=self._headers(method, target, text),
            body=text.encode() if text else None,
        )
        if answer.status >= 500 or answer.status == 429:
            raise GatewayUnavailable(f"WeChat Pay answered {answer.status}")
        self._require_signature(answer)
        if 200 <= answer.status < 300:
            with _reading_answer():
                return Fields.parse(answer.body) if answer.body else Fields({})
        raise _refusal(answer)

    def _headers(self, method: str, target: str, text: str) -> dict[str, str]:
        account = self._account
        headers = {
            "Authorization": signing.authorization(
                account.merchant_key,
                mchid=account.mchid,
                serial=account.merchant_serial,
                method=method,
                target=target,
                timestamp=int(time.time()),
                nonce=secrets.token_hex(16),
                body=text,
            ),
            "Accept": "application/json",
            "Wechatpay-Serial": account.wechatpay_key_id,
            "User-Agent": "kaquan",  # WeChat Pay refuses requests without one.
        }
        if text:
            headers["Content-Type"] = "application/json"
        return headers

    def _require_signature(self, answer: Answer) -> None:
        try:
            signing.require_signature(
                answer.headers, answer.body, public_keys=self._accepted, now_seconds=time.time()
            )
        except signing.SignatureRejected as error:
            _log.warning(
                "wechat_pay_answer_unverifiable",
                extra={"status": answer.status, "reason": error.reason},
            )
            raise GatewayUnavailable(f"answer not signed by WeChat Pay: {error.reason}") from None


@contextmanager
def _reading_answer() -> Iterator[None]:
    """A signed answer that we cannot read says nothing about what happened."""
    try:
        yield
    except (MalformedFields, ValueError) as error:  # ValueError: a state nobody documented.
        raise GatewayUnavailable("WeChat Pay's answer cannot be read") from error


def _require_same(theirs: str, ours: str) -> None:
    if theirs != ours:
        raise MalformedFields("an answer to another question")


def _refund(answer: Fields, refund_no: str) -> WeChatRefund:
    with _reading_answer():
        _require_same(answer.text("out_refund_no"), refund_no)
        amount = answer.object_or_none("amount")
        return WeChatRefund(
            refund_no=refund_no,
            order_no=answer.text_or_none("out_trade_no"),
            state=RefundState(answer.text("status")),
            refund_id=answer.text_or_none("refund_id"),
            refund_fen=amount.integer("refund") if amount is not None else None,
        )


def _refusal(answer: Answer) -> GatewayUnavailable | GatewayRefused:
    try:
        error = Fields.parse(answer.body)
        code, message = error.text("code"), error.text_or_none("message") or ""
    except MalformedFields:
        code, message = f"HTTP_{answer.status}", ""
    request_id = answer.headers.get("request-id", "")
    _log.info(
        "wechat_pay_refused",
        extra={"status": answer.status, "code": code, "wechat_request_id": request_id},
    )
    if code in _BUSY_CODES:
        return GatewayUnavailable(code)
    detail = request_id.rpartition("-")[2]
    if code in _PAID_CODES or (code == "INVALID_REQUEST" and detail in _PAID_DETAILS):
        return OrderAlreadyPaid(code, message)
    if code in _NOT_FOUND_CODES:
        return OrderNotFound(code, message)
    return GatewayRefused(code, message)
