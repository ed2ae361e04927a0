"""Sign-in of the mini-program: who is it, and which phone number did they allow us to see."""

from __future__ import annotations

import re

from app.gateways.wechat.api import WeChatApi
from app.gateways.wechat.fields import MalformedFields
from app.services.ports import GatewayRefused, GatewayUnavailable, WeChatIdentity

_PHONE_QUOTA_ERRNO = "1400001"
_MAINLAND = re.compile(r"1[0-9]{10}", re.ASCII)


class WeChatMiniLogin:
    """Implements ``ports.WeChatLogin``."""

    def __init__(self, api: WeChatApi) -> None:
        self._api = api

    def sign_in(self, code: str) -> WeChatIdentity:
        """Exchange the code of wx.login. Raises GatewayRefused for a bad or used code."""
        answer = self._api.exchange(
            "/sns/jscode2session", {"js_code": code, "grant_type": "authorization_code"}
        )
        try:
            unionid = answer.text_or_none("unionid") or None
            return WeChatIdentity(openid=answer.text("openid"), unionid=unionid)
        except MalformedFields as error:
            raise GatewayUnavailable("WeChat's answer cannot be read") from error

    def phone_number(self, code: str) -> str:
        """Exchange the code of getPhoneNumber for the bare mainland number, 11 digits.

        Raises:
            GatewayRefused: ``phone_quota_exhausted`` when the paid quota is used up: offer
                another way. ``phone_not_mainland`` for a number of another country.
        """
        try:
            answer = self._api.post("/wxa/business/getuserphonenumber", {"code": code})
        except GatewayRefused as refusal:
            if refusal.reason == _PHONE_QUOTA_ERRNO:
                raise GatewayRefused("phone_quota_exhausted") from None
            raise
        try:
            info = answer.object("phone_info")
            number, country = info.text("purePhoneNumber"), info.text("countryCode")
        except MalformedFields as error:
            raise GatewayUnavailable("WeChat's answer cannot be read") from error
        if country != "86" or not _MAINLAND.fullmatch(number):
            raise GatewayRefused("phone_not_mainland")
        return number
