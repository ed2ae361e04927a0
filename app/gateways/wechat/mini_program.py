"""The mini-program's messages to its members, and the round codes that open one of its pages."""

from __future__ import annotations

from collections.abc import Mapping

from app.gateways.wechat.api import WeChatApi

_MESSAGES = "/cgi-bin/message/subscribe/send"
_CODES = "/wxa/getwxacodeunlimit"
LONGEST_SCENE = 32


class MiniProgramClient:
    """Implements ``services.ports.WeChatMiniProgram``."""

    def __init__(self, api: WeChatApi, *, version: str) -> None:
        self._api = api
        self._version = version  # release, trial or develop: which build a code opens.

    def send_notice(
        self, *, openid: str, template_id: str, page: str, fields: Mapping[str, str]
    ) -> None:
        self._api.post(
            _MESSAGES,
            {
                "touser": openid,
                "template_id": template_id,
                "page": page,
                "miniprogram_state": "formal" if self._version == "release" else self._version,
                "lang": "zh_CN",
                "data": {name: {"value": value} for name, value in fields.items()},
            },
        )

    def draw_code(self, *, page: str, scene: str, width: int) -> bytes:
        assert 0 < len(scene) <= LONGEST_SCENE, "WeChat takes no longer scene"
        return self._api.post_for_image(
            _CODES,
            {
                "scene": scene,
                "page": page,
                "check_path": False,  # It would ask for the page in the released build.
                "env_version": self._version,
                "width": width,
            },
        )
