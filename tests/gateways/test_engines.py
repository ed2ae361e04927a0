"""Baidu is told of new pages over real HTTP: what is sent, tried again, and given up."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from app.gateways.engines import Baidu
from app.services.ports import GatewayRefused, GatewayUnavailable


class Engine(BaseHTTPRequestHandler):
    answer: tuple[int, bytes] = (200, b"")
    got: list[tuple[str, str, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        type(self).got.append((self.path, self.headers["Content-Type"], body))
        status, content = type(self).answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing on the test's screen."""


@pytest.fixture
def engine():
    Engine.got = []
    server = HTTPServer(("127.0.0.1", 0), Engine)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Baidu(
        site="https://kaquan.example", token="t0ken",
        push_url=f"http://127.0.0.1:{server.server_port}/urls",
    )  # fmt: skip
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_page_is_offered_with_site_and_token(engine):
    Engine.answer = (200, json.dumps({"remain": 9, "success": 1}).encode())
    engine.push("https://kaquan.example/articles/7")
    assert Engine.got == [
        ("/urls?site=https%3A%2F%2Fkaquan.example&token=t0ken", "text/plain",
         "https://kaquan.example/articles/7"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        ((400, b'{"error":400,"message":"over quota"}'), GatewayRefused),
        ((401, b'{"error":401,"message":"token is not valid"}'), GatewayRefused),
        ((200, b'{"success":0,"not_same_site":["x"]}'), GatewayRefused),
        ((500, b""), GatewayUnavailable),
        ((200, b"<html>"), GatewayUnavailable),
    ],
)
def test_what_is_wrong_is_told_apart_from_what_may_work_later(engine, answer, refusal):
    Engine.answer = answer
    with pytest.raises(refusal):
        engine.push("https://kaquan.example/articles/7")
