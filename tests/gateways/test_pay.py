"""The client against the simulator, over real HTTP with real signatures."""

from __future__ import annotations

import base64
import dataclasses
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Flask, Response

from app.core.clock import utc_now
from app.gateways.wechat import build_pay
from app.gateways.wechat.keys import load_merchant_key
from app.gateways.wechat.pay import WeChatPayClient
from app.services.ports import (
    GatewayRefused,
    GatewayUnavailable,
    OrderAlreadyPaid,
    OrderNotFound,
    OrderState,
    RefundState,
)
from app.wechat_simulator.signing import signature_headers
from tests.wechat_far_end import FarEnd, eventually, serving

EXPIRES_AT = utc_now() + timedelta(hours=6)  # These tests may run long after they were read.
IN_TIME = 20.0  # Seconds: a call that was not cut would go on for as long as the test lets it.


def _prepay(pay: WeChatPayClient, order_no: str, amount_fen: int = 1234) -> str:
    return pay.prepay(
        order_no=order_no,
        amount_fen=amount_fen,
        description="储值卡充值",
        payer_openid="oPayer",
        expires_at=EXPIRES_AT,
    )


@pytest.fixture
def order_no() -> str:
    return uuid4().hex


def test_an_order_is_made_paid_asked_after_and_refunded(wechat: FarEnd, order_no: str) -> None:
    pay = wechat.pay
    prepay_id = _prepay(pay, order_no)
    assert pay.query_order(order_no).state is OrderState.NOTPAY
    assert wechat.post("/_user/pay", prepay_id=prepay_id).status_code == 200
    order = pay.query_order(order_no)
    assert (order.state, order.amount_fen, order.payer_openid) == (
        OrderState.SUCCESS,
        1234,
        "oPayer",
    )
    assert order.transaction_id is not None
    assert order.succeeded_at is not None
    assert abs(order.succeeded_at - utc_now()) < timedelta(minutes=1)
    refund = pay.request_refund(
        refund_no=f"R{order_no}", order_no=order_no, refund_fen=34, total_fen=1234, reason="退货"
    )
    assert (refund.state, refund.refund_fen) == (RefundState.PROCESSING, 34)
    eventually(lambda: pay.query_refund(f"R{order_no}").state is RefundState.SUCCESS)
    assert pay.query_order(order_no).state is OrderState.REFUND


def test_the_same_prepay_again_is_the_same_order(wechat: FarEnd, order_no: str) -> None:
    assert _prepay(wechat.pay, order_no) == _prepay(wechat.pay, order_no)


def test_another_amount_under_the_same_number_is_refused(wechat: FarEnd, order_no: str) -> None:
    _prepay(wechat.pay, order_no, 100)
    with pytest.raises(GatewayRefused) as refusal:
        _prepay(wechat.pay, order_no, 101)
    assert refusal.value.reason == "INVALID_REQUEST"


def test_a_paid_order_is_neither_prepaid_nor_closed(wechat: FarEnd, order_no: str) -> None:
    wechat.post("/_user/pay", prepay_id=_prepay(wechat.pay, order_no))
    with pytest.raises(OrderAlreadyPaid):
        wechat.pay.close_order(order_no)
    with pytest.raises(OrderAlreadyPaid):
        _prepay(wechat.pay, order_no)


def test_closing_twice_closes_once(wechat: FarEnd, order_no: str) -> None:
    prepay_id = _prepay(wechat.pay, order_no)
    wechat.pay.close_order(order_no)
    wechat.pay.close_order(order_no)
    assert wechat.pay.query_order(order_no).state is OrderState.CLOSED
    assert wechat.post("/_user/pay", prepay_id=prepay_id).status_code == 409
    with pytest.raises(GatewayRefused, match="ORDER_CLOSED"):
        _prepay(wechat.pay, order_no)


def test_what_was_never_made_is_not_found(wechat: FarEnd, order_no: str) -> None:
    with pytest.raises(OrderNotFound):
        wechat.pay.query_order(order_no)
    with pytest.raises(OrderNotFound):
        wechat.pay.close_order(order_no)
    with pytest.raises(OrderNotFound):
        wechat.pay.query_refund(order_no)


def test_a_number_with_odd_characters_cannot_leave_its_place(wechat: FarEnd) -> None:
    with pytest.raises(OrderNotFound):
        wechat.pay.query_order("no?mchid=1#x%2F")


def test_the_payment_sheet_is_signed_by_the_merchant(wechat: FarEnd) -> None:
    sheet = wechat.pay.payment_sheet("wx123", now=utc_now())
    wechat_settings = wechat.settings.wechat
    message = (
        f"{wechat_settings.mini_appid}\n{sheet.time_stamp}\n{sheet.nonce_str}\n{sheet.package}\n"
    )
    key = load_merchant_key(wechat_settings.mch_key_file).public_key()
    key.verify(base64.b64decode(sheet.pay_sign), message.encode(), padding.PKCS1v15(), SHA256())
    assert (sheet.package, sheet.sign_type) == ("prepay_id=wx123", "RSA")


def test_a_forged_answer_is_no_answer(wechat: FarEnd, order_no: str) -> None:
    wechat.post("/_scenario", order_no=order_no, scenario="answer_forged")
    with pytest.raises(GatewayUnavailable):
        _prepay(wechat.pay, order_no)


def test_an_error_of_the_far_end_leaves_everything_open(wechat: FarEnd, order_no: str) -> None:
    wechat.post("/_scenario", order_no=order_no, scenario="prepay_error", times=1)
    with pytest.raises(GatewayUnavailable):
        _prepay(wechat.pay, order_no)
    assert _prepay(wechat.pay, order_no).startswith("wx")


def test_an_unknown_merchant_key_is_refused(wechat: FarEnd, order_no: str) -> None:
    account = dataclasses.replace(
        wechat.pay._account,
        merchant_key=rsa.generate_private_key(public_exponent=65537, key_size=2048),
    )
    stranger = WeChatPayClient(account)
    with pytest.raises(GatewayRefused, match="SIGN_ERROR"):
        _prepay(stranger, order_no)
    stranger.close()


def test_nobody_at_home_is_unavailable(wechat: FarEnd, order_no: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    pay = _client(wechat, f"http://127.0.0.1:{port}")
    with pytest.raises(GatewayUnavailable):
        pay.query_order(order_no)
    pay.close()


def _client(wechat: FarEnd, base_url: str, *, max_calls: int = 6) -> WeChatPayClient:
    account = dataclasses.replace(wechat.pay._account, base_url=base_url)
    return WeChatPayClient(account, max_calls=max_calls, total_seconds=0.5)


@contextmanager
def _talking(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A far end that accepts and then does what ``talk`` does until the caller hangs up."""
    server = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def converse(line: socket.socket) -> None:
        with line:
            try:
                line.recv(65536)
                talk(line)
            except OSError:
                pass  # Cut: what the test wants.

    def accept() -> None:
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=converse, args=(line,)))
            threads[-1].start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        for thread in (acceptor, *threads):
            thread.join(timeout=60)
            assert not thread.is_alive(), "the client never hung up"


def _trickle(opening: bytes) -> Callable[[socket.socket], None]:
    def talk(line: socket.socket) -> None:
        line.sendall(opening)
        while True:
            line.sendall(b"x")
            time.sleep(0.02)

    return talk


@pytest.mark.parametrize(
    "opening", [b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "]
)
def test_an_answer_that_trickles_is_cut_in_time(
    wechat: FarEnd, order_no: str, opening: bytes
) -> None:
    with _talking(_trickle(opening)) as base_url:
        pay = _client(wechat, base_url)
        started = time.monotonic()
        with pytest.raises(GatewayUnavailable):
            pay.query_order(order_no)
        assert time.monotonic() - started < IN_TIME
        pay.close()


def test_calls_beyond_the_limit_are_refused_soon_and_places_come_back(
    wechat: FarEnd, order_no: str
) -> None:
    with _talking(_trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")) as base_url:
        pay = _client(wechat, base_url, max_calls=2)

        def call(_: int) -> float:
            started = time.monotonic()
            with pytest.raises(GatewayUnavailable):
                pay.query_order(order_no)
            return time.monotonic() - started

        with ThreadPoolExecutor(8) as callers:
            took = sorted(callers.map(call, range(8)))
        assert all(0.2 < seconds < IN_TIME for seconds in took[:6]), took
        assert all(0.4 < seconds < IN_TIME for seconds in took[6:]), took
        eventually(lambda: call(0) > 0.4)  # The places of the hanging calls are free again.
        pay.close()


def test_many_callers_in_turn_are_never_refused(wechat: FarEnd, order_no: str) -> None:
    _prepay(wechat.pay, order_no)

    def call(_: int) -> OrderState:
        return wechat.pay.query_order(order_no).state

    with ThreadPoolExecutor(8) as callers:  # As many as a web process has threads.
        assert set(callers.map(call, range(120))) == {OrderState.NOTPAY}


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b"{}", b'{"out_trade_no": 7}', b'{"prepay_id": "x"}', b"\xff"]
)
def test_a_signed_answer_that_cannot_be_read_is_no_answer(wechat: FarEnd, body: bytes) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    app = Flask("odd")

    @app.get("/v3/<path:_>")
    def answer(_: str) -> Response:
        headers = signature_headers(key, wechat.settings.wechat.public_key_id, body)
        return Response(body, headers=headers)

    with serving(app) as base_url:
        account = dataclasses.replace(
            wechat.pay._account, base_url=base_url, wechatpay_key=key.public_key()
        )
        pay = WeChatPayClient(account)
        with pytest.raises(GatewayUnavailable, match="cannot be read"):
            pay.query_order("order-1")
        with pytest.raises(GatewayUnavailable, match="cannot be read"):
            pay.query_refund("refund-1")
        pay.close()


def test_the_client_is_built_from_settings(wechat: FarEnd, order_no: str) -> None:
    pay = build_pay(wechat.settings)
    assert _prepay(pay, order_no)
    pay.close()
