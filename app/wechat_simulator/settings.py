"""What the simulator pretends to be: the demo merchant's WeChat, as config.py names it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from config import load_settings

# WeChat's fifteen tries, within minutes instead of a day.
RETRY_SECONDS = (1.0, 1.0, 2.0, 5.0, 10.0, 30.0, 30.0, 30.0, 60.0, 60.0, 60.0, 60.0, 60.0, 60.0)


@dataclass(frozen=True, kw_only=True)
class OaAccount:
    """What was agreed for messages of the official account."""

    appid: str
    token: str
    aes_key: str


@dataclass(frozen=True, kw_only=True)
class SimulatorSettings:
    directory: Path
    appid_secrets: dict[str, str]
    mchid: str
    apiv3_key: bytes
    mch_serial: str
    public_key_id: str
    retry_seconds: tuple[float, ...] = RETRY_SECONDS
    refund_seconds: float = 0.5
    official_account: OaAccount | None = None
    oa_callback: str = ""


def load_simulator_settings() -> SimulatorSettings:
    """Read the same environment as the program itself."""
    settings = load_settings()
    wechat = settings.wechat
    return SimulatorSettings(
        directory=settings.home / "simulator",
        appid_secrets={
            wechat.mini_appid: wechat.mini_secret,
            wechat.oa_appid: wechat.oa_secret,
        },
        mchid=wechat.mchid,
        apiv3_key=wechat.apiv3_key,
        mch_serial=wechat.mch_serial,
        public_key_id=wechat.public_key_id,
        official_account=OaAccount(
            appid=wechat.oa_appid, token=wechat.oa_token, aes_key=wechat.oa_aes_key
        ),
        oa_callback=f"{settings.public_base_url}/wechat/oa/callback",
    )
