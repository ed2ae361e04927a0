"""FACE: the till, ``/pos/api`` (JSON), and its pages at ``/pos/``."""

from __future__ import annotations

from flask import Flask

from app.pos import (
    approvals,
    counter,
    feed,
    official_account,
    pages,
    papers,
    payments,
    records,
    redemptions,
    sessions,
    shifts,
    terminals,
    top_ups,
    voucher_sales,
)
from app.pos.blueprint import bp
from app.web.express import open_lanes
from app.web.wire import DocumentedApi


def register_pos(app: Flask) -> None:
    app.config.update(
        POS_API_TITLE="卡券通 staff API",
        POS_API_VERSION="1",
        POS_OPENAPI_VERSION="3.0.3",
        POS_OPENAPI_URL_PREFIX="/pos/api",
        POS_OPENAPI_JSON_PATH="openapi.json",
    )
    document = DocumentedApi(app, config_prefix="POS", spec_kwargs={"security": [{"bearer": []}]})
    document.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    document.spec.components.security_scheme(
        "terminal", {"type": "apiKey", "in": "header", "name": "Terminal-Token"}
    )
    document.register_blueprint(bp)
    app.register_blueprint(official_account.pages)
    app.register_blueprint(pages.bp)
    app.register_blueprint(papers.bp)
    open_lanes(app, payments.LANE, redemptions.LANE, top_ups.LANE)


__all__ = [
    "approvals",
    "counter",
    "feed",
    "official_account",
    "pages",
    "papers",
    "payments",
    "records",
    "redemptions",
    "register_pos",
    "sessions",
    "shifts",
    "terminals",
    "top_ups",
    "voucher_sales",
]
