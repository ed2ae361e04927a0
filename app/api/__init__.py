"""FACE: the members' mini-program, ``/api/v1``, and what WeChat tells us."""

from __future__ import annotations

from flask import Flask

from app.api import (
    account,
    avatars,
    contents,
    demo,
    gifts,
    me,
    notices,
    pages,
    payments,
    programs,
    records,
    searching,
    sessions,
    stores,
    top_ups,
    wechat_notify,
)
from app.api import wechat_official as wechat_official
from app.api.blueprint import bp
from app.web.express import open_lanes
from app.web.wire import DocumentedApi


def register_api(app: Flask) -> None:
    app.config.update(
        V1_API_TITLE="卡券通 member API",
        V1_API_VERSION="1",
        V1_OPENAPI_VERSION="3.0.3",
        V1_OPENAPI_URL_PREFIX="/api/v1",
        V1_OPENAPI_JSON_PATH="openapi.json",
    )
    document = DocumentedApi(app, config_prefix="V1", spec_kwargs={"security": [{"bearer": []}]})
    document.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    document.register_blueprint(bp)
    app.register_blueprint(wechat_notify.bp)
    open_lanes(app, payments.LANE)


__all__ = [
    "account",
    "avatars",
    "contents",
    "demo",
    "gifts",
    "me",
    "notices",
    "pages",
    "payments",
    "programs",
    "records",
    "register_api",
    "searching",
    "sessions",
    "stores",
    "top_ups",
]
