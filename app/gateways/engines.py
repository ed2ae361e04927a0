"""Telling Baidu of a new page (主动推送), where the operator has set a token of its own site."""

from __future__ import annotations

import json
from urllib.parse import urlencode, urlsplit

from app.gateways.wechat.transport import BoundedHttp
from app.services.ports import GatewayRefused, GatewayUnavailable

_PUSH_URL = "http://data.zz.baidu.com/urls"


class Baidu:
    """Implements ``ports.SearchEngine``."""

    def __init__(self, *, site: str, token: str, push_url: str = "") -> None:
        """``site``: our address as it stands in Baidu's webmaster tools."""
        self._address = f"{push_url or _PUSH_URL}?{urlencode({'site': site, 'token': token})}"
        self._http = BoundedHttp(max_calls=2, total_seconds=8.0)

    def push(self, address: str) -> None:
        """Offer one page. Whether and when it is listed, Baidu decides.

        Raises:
            GatewayUnavailable, GatewayRefused: A wrong token, a foreign address, today's quota.
        """
        assert urlsplit(address).scheme in {"http", "https"}, "engines know whole addresses"
        answer = self._http.send(
            "POST", self._address, body=address.encode(), headers={"Content-Type": "text/plain"}
        )
        if answer.status >= 500:
            raise GatewayUnavailable(f"Baidu answered {answer.status}")
        try:
            said = json.loads(answer.body)
        except ValueError as error:
            raise GatewayUnavailable("Baidu's answer cannot be read") from error
        if not isinstance(said, dict) or not said.get("success"):
            reason = str(said.get("message", said))[:80] if isinstance(said, dict) else "answer"
            raise GatewayRefused(reason)
