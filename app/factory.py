"""create_app(): the one module that may import everything, and where the parts are put together."""

from __future__ import annotations

import logging
import os
from functools import partial
from urllib.parse import urlsplit

from flask import Flask
from flask_babel import Babel
from werkzeug.middleware.proxy_fix import ProxyFix

from app.api import register_api
from app.cli import register_commands
from app.core.keys import Keys
from app.db import NOT_NOW, open_database
from app.flows.context import Context
from app.flows.counting import Counter
from app.flows.paying import pay_scanned
from app.flows.redeeming import redeem_scanned
from app.flows.together import Together
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
from app.pos import register_pos
from app.site import register_site
from app.views import register_consoles
from app.web import health
from app.web.context import keep_context
from app.web.errors import register_errors
from app.web.language import choose_language
from app.web.security import register_security
from app.web.tokens import DatabaseTokenStore
from app.web.visits import keep_counter
from app.web.wire import register_json
from config import Settings, SettingsError, load_settings

MAX_BODY = 1024 * 1024


def create_app(settings: Settings | None = None) -> Flask:
    """The program as one WSGI application.

    Raises:
        SettingsError: With one line for the operator.
    """
    settings = settings or load_settings()
    _configure_logs()
    app = Flask(__name__, template_folder="templates", static_folder="static")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=MAX_BODY,
        # The prefix makes browsers refuse it from a sub-domain or without TLS.
        SESSION_COOKIE_NAME="__Host-kaquan" if settings.production else "kaquan",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.production,
        BABEL_TRANSLATION_DIRECTORIES=os.path.join(os.path.dirname(app.root_path), "translations"),
    )
    if settings.production:
        app.config["TRUSTED_HOSTS"] = [urlsplit(settings.public_base_url).hostname, "127.0.0.1"]
    register_json(app)
    app_context = build_context(settings)
    keep_context(app, app_context)
    keep_counter(app, Counter(app_context))
    register_security(app, production=settings.production)
    register_errors(app)
    app.register_blueprint(health.bp)
    register_api(app)
    register_pos(app)
    register_site(app)
    register_consoles(app)
    # After Flask-AppBuilder, which brings one of its own: the last one is the one. Ours looks for
    # texts in Flask-AppBuilder's directory, too (it has added it), and in translations/ after it.
    Babel(app, default_locale="zh_CN", locale_selector=choose_language)
    register_commands(app)
    app.context_processor(lambda: {"settings": settings})
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        proxied = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
        app.wsgi_app = proxied  # type: ignore[method-assign]
    return app


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
    )


def _configure_logs() -> None:
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO").upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    for chatty in ("werkzeug", "procrastinate", "alembic", "flask_appbuilder"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # It has no search form for a time of day. We do not use its search forms.
    logging.getLogger("flask_appbuilder.models.filters").setLevel(logging.ERROR)
