from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask, Response, jsonify, request

from app.gateways.wechat import build_login
from app.gateways.wechat.api import WeChatApi
from app.gateways.wechat.login import WeChatMiniLogin
from app.gateways.wechat.tokens import MemoryTokenStore
from app.gateways.wechat.transport import MOST_WAITING
from app.services.ports import GatewayRefused, GatewayUnavailable
from tests.wechat_far_end import FarEnd, serving


def test_a_login_code_names_the_same_person_each_time(wechat: FarEnd) -> None:
    login = build_login(wechat.settings)
    first, again, other = (login.sign_in(f"demo-{name}") for name in ("小王", "小王", "li"))
    assert first == again
    assert first.openid != other.openid
    assert first.unionid is not None


def test_a_bad_login_code_is_refused(wechat: FarEnd) -> None:
    with pytest.raises(GatewayRefused, match="40029"):
        build_login(wechat.settings).sign_in("nonsense")


def test_a_phone_code_gives_the_bare_number(wechat: FarEnd) -> None:
    assert build_login(wechat.settings).phone_number("phone-13800138000") == "13800138000"


@pytest.mark.parametrize(
    ("code", "reason"), [("nonsense", "40029"), ("phone-quota", "phone_quota_exhausted")]
)
def test_a_phone_code_may_be_refused(wechat: FarEnd, code: str, reason: str) -> None:
    with pytest.raises(GatewayRefused) as refusal:
        build_login(wechat.settings).phone_number(code)
    assert refusal.value.reason == reason


class _OddWeChat:
    """A far end whose answers a test chooses."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.good_token = "token-1"
        self.errcode = 0
        self.url = ""

    def app(self) -> Flask:
        app = Flask("odd")

        @app.post("/cgi-bin/stable_token")
        def token() -> Response:
            forced = bool((request.get_json() or {}).get("force_refresh"))
            self.calls["forced" if forced else "token"] += 1
            return jsonify(access_token=self.good_token, expires_in=7200)

        @app.post("/wxa/business/getuserphonenumber")
        def phone() -> Response:
            self.calls["phone"] += 1
            if request.args["access_token"] != self.good_token:
                return jsonify(errcode=40001, errmsg="invalid credential")
            info = {"purePhoneNumber": "13800138000", "countryCode": "86"}
            return jsonify(errcode=self.errcode, phone_info=info)

        @app.get("/sns/jscode2session")
        def session() -> Response:
            return jsonify(errcode=self.errcode, openid=None)

        return app


@pytest.fixture
def odd() -> Iterator[_OddWeChat]:
    far_end = _OddWeChat()
    with serving(far_end.app()) as far_end.url:
        yield far_end


def _login(odd: _OddWeChat, tokens: MemoryTokenStore | None = None) -> WeChatMiniLogin:
    api = WeChatApi(
        base_url=odd.url, appid="wx1", secret="s", token_store=tokens, max_calls=MOST_WAITING
    )
    return WeChatMiniLogin(api)


def test_cold_threads_fetch_one_token(odd: _OddWeChat) -> None:
    """As many as a process lets wait for WeChat."""
    login = _login(odd)
    with ThreadPoolExecutor(MOST_WAITING) as callers:
        assert set(callers.map(login.phone_number, ["c"] * MOST_WAITING)) == {"13800138000"}
    assert odd.calls == {"token": 1, "phone": MOST_WAITING}


def test_a_token_that_wechat_dropped_is_replaced_once(odd: _OddWeChat) -> None:
    tokens = MemoryTokenStore()
    login = _login(odd, tokens)
    login.phone_number("c")
    odd.good_token = "token-2"
    assert login.phone_number("c") == "13800138000"
    assert _login(odd, tokens).phone_number("c") == "13800138000"
    assert odd.calls == {"token": 1, "forced": 1, "phone": 4}


@pytest.mark.parametrize("errcode", [-1, 45011])
def test_a_busy_wechat_is_unavailable(odd: _OddWeChat, errcode: int) -> None:
    odd.errcode = errcode
    with pytest.raises(GatewayUnavailable):
        _login(odd).phone_number("c")
    with pytest.raises(GatewayUnavailable):
        _login(odd).sign_in("c")


@pytest.mark.parametrize("errcode", [40029, 40163, 40226])
def test_a_refusal_carries_wechats_number(odd: _OddWeChat, errcode: int) -> None:
    odd.errcode = errcode
    with pytest.raises(GatewayRefused, match=str(errcode)):
        _login(odd).sign_in("c")


def test_an_answer_without_a_person_is_no_answer(odd: _OddWeChat) -> None:
    with pytest.raises(GatewayUnavailable):
        _login(odd).sign_in("c")
