"""The simulator and a merchant's ear, both on localhost over real HTTP, for tests."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from flask import Flask, request
from werkzeug.serving import make_server

from app.core.clock import utc_now
from app.gateways.wechat import build_notification_keys, build_pay
from app.gateways.wechat.notifications import Notification, open_notification
from app.gateways.wechat.pay import WeChatPayClient
from app.wechat_simulator.factory import create_simulator
from app.wechat_simulator.settings import OaAccount, SimulatorSettings
from config import Settings, load_settings


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Ear:
    """What the merchant's notify_url heard. ``answers`` are given first to last, then 204."""

    url: str = ""
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def app(self) -> Flask:
        app = Flask("ear")

        @app.post("/wechat/pay/notify")
        def hear() -> tuple[str, int]:
            self.heard.append((dict(request.headers), request.get_data()))
            return "", self.answers.pop(0) if self.answers else 204

        return app


@dataclass(frozen=True, kw_only=True)
class FarEnd:
    """A running simulator with everything that a test needs beside it."""

    settings: Settings
    pay: WeChatPayClient
    ear: Ear
    base_url: str

    def post(self, path: str, **body: Any) -> requests.Response:
        return requests.post(self.base_url + path, json=body, timeout=20)

    def state(self, order_no: str) -> dict[str, Any]:
        answer = requests.get(f"{self.base_url}/_state/orders/{order_no}", timeout=20)
        return dict(answer.json())

    def opened(self) -> list[Notification]:
        """Everything heard so far, through the real gate."""
        keys = build_notification_keys(self.settings)
        return [
            open_notification(headers, body, keys=keys, now=utc_now())
            for headers, body in list(self.ear.heard)
        ]


@contextmanager
def far_end(home: Path, *, ear: Ear | None = None) -> Iterator[FarEnd]:
    """Start a simulator on the state under ``home``; a second start continues the first."""
    ear = ear or Ear()
    settings = load_settings({"KAQUAN_HOME": str(home)})
    simulator = create_simulator(
        SimulatorSettings(
            directory=home / "simulator",
            appid_secrets={
                settings.wechat.mini_appid: settings.wechat.mini_secret,
                settings.wechat.oa_appid: settings.wechat.oa_secret,
            },
            official_account=OaAccount(
                appid=settings.wechat.oa_appid,
                token=settings.wechat.oa_token,
                aes_key=settings.wechat.oa_aes_key,
            ),
            mchid=settings.wechat.mchid,
            apiv3_key=settings.wechat.apiv3_key,
            mch_serial=settings.wechat.mch_serial,
            public_key_id=settings.wechat.public_key_id,
            retry_seconds=(0.05,) * 14,
            refund_seconds=0.05,
        )
    )
    with serving(ear.app()) as ear_url, serving(simulator) as base_url:
        ear.url = f"{ear_url}/wechat/pay/notify"
        wechat = dataclasses.replace(
            settings.wechat, api_base=base_url, pay_api_base=base_url, notify_url=ear.url
        )
        settings = dataclasses.replace(settings, wechat=wechat)
        pay = build_pay(settings)
        try:
            yield FarEnd(settings=settings, pay=pay, ear=ear, base_url=base_url)
        finally:
            pay.close()
            simulator.extensions["wechat_world"].close()


def eventually(fact: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait for what another thread does, however busy the machine. Fails when it never happens."""
    ends = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < ends, "it never happened"
        time.sleep(0.01)
