"""WeChat: sign-in, payments and notifications. Build everything once per process, at start."""

from __future__ import annotations

from app.gateways.wechat.api import WeChatApi
from app.gateways.wechat.demo_user import DemoWeChatUser
from app.gateways.wechat.keys import load_merchant_key, load_wechatpay_key
from app.gateways.wechat.login import WeChatMiniLogin
from app.gateways.wechat.mini_program import MiniProgramClient
from app.gateways.wechat.notifications import NotificationKeys
from app.gateways.wechat.oa_messages import OaKeys, OfficialAccount
from app.gateways.wechat.official_account import OfficialAccountClient
from app.gateways.wechat.pay import PayAccount, WeChatPayClient
from app.gateways.wechat.shipping import WeChatShippingClient
from app.gateways.wechat.tokens import TokenStore
from config import Settings


def build_pay(settings: Settings, *, total_seconds: float = 11.0) -> WeChatPayClient:
    """Raises SettingsError when a key file is missing or no key."""
    wechat = settings.wechat
    account = PayAccount(
        base_url=wechat.pay_api_base,
        appid=wechat.mini_appid,
        mchid=wechat.mchid,
        merchant_key=load_merchant_key(wechat.mch_key_file),
        merchant_serial=wechat.mch_serial,
        wechatpay_key=load_wechatpay_key(wechat.public_key_file),
        wechatpay_key_id=wechat.public_key_id,
        notify_url=wechat.notify_url,
    )
    return WeChatPayClient(account, total_seconds=total_seconds)


def build_notification_keys(settings: Settings) -> NotificationKeys:
    """What ``open_notification`` needs. Raises SettingsError like ``build_pay``."""
    wechat = settings.wechat
    return NotificationKeys(
        public_keys={wechat.public_key_id: load_wechatpay_key(wechat.public_key_file)},
        apiv3_key=wechat.apiv3_key,
        mchid=wechat.mchid,
        appids=frozenset({wechat.mini_appid, wechat.oa_appid}),
    )


def build_api(settings: Settings, token_store: TokenStore | None = None) -> WeChatApi:
    """The mini-program's server API, for messages and shipping information."""
    wechat = settings.wechat
    return WeChatApi(
        base_url=wechat.api_base,
        appid=wechat.mini_appid,
        secret=wechat.mini_secret,
        token_store=token_store,
    )


def build_oa_messages(settings: Settings, token_store: TokenStore | None = None) -> OfficialAccount:
    """The official account's messages and followers."""
    wechat = settings.wechat
    api = WeChatApi(
        base_url=wechat.api_base,
        appid=wechat.oa_appid,
        secret=wechat.oa_secret,
        token_store=token_store,
    )
    keys = OaKeys(appid=wechat.oa_appid, token=wechat.oa_token, aes_key=wechat.oa_aes_key)
    return OfficialAccount(api, keys)


def build_demo_user(settings: Settings) -> DemoWeChatUser:
    """A member's hand for demos in browsers without WeChat."""
    return DemoWeChatUser(settings.wechat.pay_api_base)


def build_login(settings: Settings, token_store: TokenStore | None = None) -> WeChatMiniLogin:
    return WeChatMiniLogin(build_api(settings, token_store))


def build_shipping(
    settings: Settings, token_store: TokenStore | None = None
) -> WeChatShippingClient:
    return WeChatShippingClient(build_api(settings, token_store), mchid=settings.wechat.mchid)


def build_mini_program(
    settings: Settings, token_store: TokenStore | None = None
) -> MiniProgramClient:
    version = settings.wechat.mini_version
    return MiniProgramClient(build_api(settings, token_store), version=version)


def build_official_account(settings: Settings, token_store: TokenStore) -> OfficialAccountClient:
    """The official account has an appid, a secret and tokens of its own."""
    wechat = settings.wechat
    api = WeChatApi(
        base_url=wechat.api_base,
        appid=wechat.oa_appid,
        secret=wechat.oa_secret,
        token_store=token_store,
    )
    return OfficialAccountClient(
        api, api_base=wechat.api_base, appid=wechat.oa_appid, store=token_store
    )
