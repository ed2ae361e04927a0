"""The member's hand on the simulated WeChat. There is no such thing at the real one."""

from __future__ import annotations

import requests

from app.services.ports import GatewayRefused, GatewayUnavailable

_TIMEOUT = (3, 10)
ACTIONS = ("pay", "cancel")


class DemoWeChatUser:
    """Presses pay or cancel in WeChat's sheet, over the simulator's own HTTP."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def press(self, action: str, package: str) -> None:
        """Raises GatewayRefused when the order is closed, GatewayUnavailable without an answer."""
        assert action in ACTIONS
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(
                    f"{self._base_url}/_user/{action}",
                    json={"prepay_id": package},
                    timeout=_TIMEOUT,
                )
        except requests.RequestException as error:
            raise GatewayUnavailable("the simulator does not answer") from error
        if answer.status_code >= 500:
            raise GatewayUnavailable(f"the simulator answered {answer.status_code}")
        if answer.status_code != 200:
            raise GatewayRefused(str(answer.status_code))
