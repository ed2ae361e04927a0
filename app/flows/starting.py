"""How a process comes by its context: pools (opened at first use), far ends and keys."""

from __future__ import annotations

from functools import partial

from app.core.keys import Keys
from app.db import NOT_NOW, open_database
from app.flows.context import Context
from app.flows.sales.paying import pay_scanned
from app.flows.sales.taking_cash import take_cash_together
from app.flows.together import Together
from app.flows.vouchers.redeeming import redeem_scanned
from app.flows.wechat_tokens import DatabaseTokenStore
from app.gateways.engines import Baidu
from app.gateways.regions import RegionFileUnreadable, Regions
from app.gateways.wechat import (
    build_demo_user,
    build_login,
    build_mini_program,
    build_notification_keys,
    build_oa_messages,
    build_official_account,
    build_pay,
    build_shipping,
)
from config import Settings, SettingsError


def build_context(settings: Settings) -> Context:
    """What every process has at hand: pools (opened at first use), far ends and keys."""
    if settings.database_url is None:
        raise SettingsError(
            "DATABASE_URL is not set; start the program with make run or bin/kaquan"
        )
    database = open_database(settings.database_url)
    store = DatabaseTokenStore(database, key=settings.secret_key)
    return Context(
        settings=settings,
        database=database,
        payments_together=Together(partial(pay_scanned, database), hopeless=NOT_NOW),
        redemptions_together=Together(partial(redeem_scanned, database), hopeless=NOT_NOW),
        cash_together=Together(partial(take_cash_together, database), hopeless=NOT_NOW),
        keys=Keys(
            code_keys=settings.code_keys,
            phone_key=settings.phone_key,
            secret_key=settings.secret_key,
        ),
        wechat_pay=build_pay(settings),
        wechat_login=build_login(settings, store),
        wechat_account=build_official_account(settings, store),
        wechat_shipping=build_shipping(settings, store),
        official_account=build_oa_messages(settings, store),
        wechat_mini=build_mini_program(settings, store),
        notification_keys=build_notification_keys(settings),
        demo_wechat=build_demo_user(settings),
        regions=_regions(settings),
        search_engine=_search_engine(settings),
    )


def _regions(settings: Settings) -> Regions:
    try:
        return Regions(settings.geoip_xdb)
    except RegionFileUnreadable as error:
        raise SettingsError(f"GEOIP_XDB: {error} cannot be read as an xdb file") from None


def _search_engine(settings: Settings) -> Baidu | None:
    if not settings.baidu_push_token:
        return None
    return Baidu(
        site=settings.public_base_url,
        token=settings.baidu_push_token,
        push_url=settings.baidu_push_url,
    )
