"""The official account: who opens a page inside WeChat (OAuth2), and signatures for its JS-SDK."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from urllib.parse import urlencode

from app.gateways.wechat.api import WeChatApi
from app.gateways.wechat.fields import MalformedFields
from app.gateways.wechat.tokens import TokenStore
from app.services.ports import GatewayUnavailable, PageSignature, WeChatIdentity

_API = "https://api.weixin.qq.com"
_PAGES = "https://open.weixin.qq.com"
_SPARE_SECONDS = 300


class OfficialAccountClient:
    """Implements ``ports.WeChatOfficialAccount``."""

    def __init__(self, api: WeChatApi, *, api_base: str, appid: str, store: TokenStore) -> None:
        self._api = api
        self._appid = appid
        self._store = store
        # People's browsers go to another host than programs; a stand-in serves both.
        self._pages = _PAGES if api_base.rstrip("/") == _API else api_base.rstrip("/")

    def authorize_url(self, *, return_url: str, state: str, person: bool = False) -> str:
        """Where to send a browser inside WeChat; it comes back with a code and the state.

        Only for ``person``, which WeChat asks its user about, it tells the unionid too.
        """
        query = urlencode(
            {
                "appid": self._appid,
                "redirect_uri": return_url,
                "response_type": "code",
                "scope": "snsapi_userinfo" if person else "snsapi_base",
                "state": state,
            }
        )
        return f"{self._pages}/connect/oauth2/authorize?{query}#wechat_redirect"

    def identify(self, code: str) -> str:
        """Exchange the code that the browser brought for an openid. A code is good once."""
        return self.identify_person(code).openid

    def identify_person(self, code: str) -> WeChatIdentity:
        """The same with the unionid, where WeChat tells it."""
        answer = self._api.exchange(
            "/sns/oauth2/access_token", {"code": code, "grant_type": "authorization_code"}
        )
        try:
            unionid = answer.text_or_none("unionid") or None
            return WeChatIdentity(openid=answer.text("openid"), unionid=unionid)
        except MalformedFields as error:
            raise GatewayUnavailable("WeChat's answer cannot be read") from error

    def sign_page(self, url: str, *, now: datetime) -> PageSignature:
        """What wx.config needs on the page of this address."""
        nonce, timestamp = secrets.token_hex(8), int(now.timestamp())
        text = (
            f"jsapi_ticket={self._ticket()}&noncestr={nonce}&timestamp={timestamp}"
            f"&url={url.partition('#')[0]}"
        )
        return PageSignature(
            appid=self._appid,
            timestamp=timestamp,
            nonce=nonce,
            signature=hashlib.sha1(text.encode()).hexdigest(),  # noqa: S324 - WeChat's own choice
        )

    def _ticket(self) -> str:
        """Shared by all processes: WeChat gives few of them a day."""
        key = f"wechat-jsapi-ticket:{self._appid}"
        kept = self._store.get(key)
        if kept is not None:
            return kept
        answer = self._api.get("/cgi-bin/ticket/getticket", {"type": "jsapi"})
        try:
            ticket, lifetime = answer.text("ticket"), answer.integer("expires_in")
        except MalformedFields as error:
            raise GatewayUnavailable("WeChat's answer cannot be read") from error
        self._store.set(key, ticket, max(1, lifetime - min(_SPARE_SECONDS, lifetime // 2)))
        return ticket
