"""The server API of a mini-program (api.weixin.qq.com): access token, calls, errors.

Sent directly and not through wechatpy, whose client fetches tokens without a time-out and without
a lock, and puts an access token into ``jscode2session`` where none belongs.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from urllib.parse import urlencode

from app.gateways.wechat.fields import Fields, MalformedFields
from app.gateways.wechat.tokens import MemoryTokenStore, TokenStore
from app.gateways.wechat.transport import Answer, BoundedHttp
from app.services.ports import GatewayRefused, GatewayUnavailable

_BUSY = frozenset({-1, 45009, 45011, 50002})
_TOKEN_INVALID = frozenset({40001, 40014, 42001})
_TOKEN_SPARE_SECONDS = 300  # Renew that long before the end: WeChat honours both meanwhile.
_JSON = {"Content-Type": "application/json", "Accept": "application/json"}


class WeChatApi:
    """One app's calls. The token is shared through the store and fetched by one thread."""

    def __init__(
        self,
        *,
        base_url: str,
        appid: str,
        secret: str,
        token_store: TokenStore | None = None,
        max_calls: int = 6,
        total_seconds: float = 8.0,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._appid = appid
        self._secret = secret
        self._tokens = token_store if token_store is not None else MemoryTokenStore()
        self._token_key = f"wechat-access-token:{appid}"
        self._refresh = threading.Lock()
        self._http = BoundedHttp(max_calls=max_calls, total_seconds=total_seconds)

    def post(self, path: str, body: Mapping[str, object]) -> Fields:
        """Call an API that needs the access token, for example ``/cgi-bin/message/…``.

        Raises:
            GatewayRefused: With WeChat's errcode as the reason.
            GatewayUnavailable: WeChat is busy or out of reach.
        """
        token = self._access_token(unlike=None)
        try:
            return self._post(path, body, token)
        except GatewayRefused as refusal:
            if refusal.reason not in {str(code) for code in _TOKEN_INVALID}:
                raise
        return self._post(path, body, self._access_token(unlike=token))

    def post_for_image(self, path: str, body: Mapping[str, object]) -> bytes:
        """Call an API that answers with a picture, or with an error as JSON.

        Raises:
            GatewayRefused, GatewayUnavailable: As ``post`` does.
        """
        token = self._access_token(unlike=None)
        try:
            return self._image(path, body, token)
        except GatewayRefused as refusal:
            if refusal.reason not in {str(code) for code in _TOKEN_INVALID}:
                raise
        return self._image(path, body, self._access_token(unlike=token))

    def get(self, path: str, parameters: Mapping[str, str]) -> Fields:
        """Read something that needs the access token.

        Raises:
            GatewayRefused, GatewayUnavailable
        """
        token = self._access_token(unlike=None)
        try:
            return self._get(path, parameters, token)
        except GatewayRefused as refusal:
            if refusal.reason not in {str(code) for code in _TOKEN_INVALID}:
                raise
        return self._get(path, parameters, self._access_token(unlike=token))

    def exchange(self, path: str, parameters: Mapping[str, str]) -> Fields:
        """A GET that authenticates with the app's secret and takes a code that is good once."""
        query = urlencode({"appid": self._appid, "secret": self._secret, **parameters})
        return self._send("GET", f"{path}?{query}", None, repeatable=False)

    def close(self) -> None:
        self._http.close()

    def _get(self, path: str, parameters: Mapping[str, str], token: str) -> Fields:
        query = urlencode({"access_token": token, **parameters})
        return self._send("GET", f"{path}?{query}", None, repeatable=True)

    def _post(self, path: str, body: Mapping[str, object], token: str) -> Fields:
        query = urlencode({"access_token": token})
        return self._send("POST", f"{path}?{query}", body, repeatable=False)

    def _image(self, path: str, body: Mapping[str, object], token: str) -> bytes:
        target = f"{path}?{urlencode({'access_token': token})}"
        answer = self._answer("POST", target, body, repeatable=True)
        if answer.headers.get("content-type", "").startswith("image/"):
            return answer.body
        self._read(answer)
        raise GatewayUnavailable("WeChat sent no picture")

    def _access_token(self, *, unlike: str | None) -> str:
        """The current token; another one than ``unlike``, which WeChat has just refused."""
        token = self._tokens.get(self._token_key)
        if token is not None and token != unlike:
            return token
        with self._refresh, self._tokens.held(self._token_key):
            token = self._tokens.get(self._token_key)  # Another one may have fetched it.
            if token is not None and token != unlike:
                return token
            return self._fetch_token(force=unlike is not None)

    def _fetch_token(self, *, force: bool) -> str:
        # The stable token: processes that ask at once get the same one, none loses its own.
        answer = self._send(
            "POST",
            "/cgi-bin/stable_token",
            {
                "grant_type": "client_credential",
                "appid": self._appid,
                "secret": self._secret,
                "force_refresh": force,
            },
            repeatable=True,
        )
        try:
            token, lifetime = answer.text("access_token"), answer.integer("expires_in")
        except MalformedFields as error:
            raise GatewayUnavailable("WeChat's answer cannot be read") from error
        spare = min(_TOKEN_SPARE_SECONDS, lifetime // 2)
        self._tokens.set(self._token_key, token, max(1, lifetime - spare))
        return token

    def _send(
        self, method: str, target: str, body: Mapping[str, object] | None, *, repeatable: bool
    ) -> Fields:
        return self._read(self._answer(method, target, body, repeatable=repeatable))

    def _answer(
        self, method: str, target: str, body: Mapping[str, object] | None, *, repeatable: bool
    ) -> Answer:
        text = json.dumps(body, ensure_ascii=False).encode() if body is not None else None
        answer = self._http.send(
            method, self._base_url + target, headers=_JSON, body=text, repeatable=repeatable
        )
        if answer.status != 200:
            raise GatewayUnavailable(f"WeChat answered {answer.status}")
        return answer

    @staticmethod
    def _read(answer: Answer) -> Fields:
        try:
            fields = Fields.parse(answer.body)
            code = fields.error_code()
        except MalformedFields as error:
            raise GatewayUnavailable("WeChat's answer cannot be read") from error
        if code in _BUSY:
            raise GatewayUnavailable(f"WeChat is busy: {code}", reason=str(code))
        if code != 0:
            raise GatewayRefused(str(code))
        return fields
