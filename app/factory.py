"""create_app(): the one module that may import everything, and where the parts are put together."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app.api import register_api
from app.cli.commands import register_commands
from app.core.logs import configure_logs
from app.flows.publishing.counting import Counter
from app.flows.starting import build_context
from app.pos import register_pos
from app.site import register_site
from app.views.consoles import register_consoles
from app.web import health
from app.web.context import keep_context
from app.web.errors import register_errors
from app.web.language import register_language
from app.web.security import register_security
from app.web.sent_forms import register_forms
from app.web.visits import keep_counter
from app.web.wire import register_json
from config import Settings, load_settings

MAX_BODY = 1024 * 1024


def create_app(settings: Settings | None = None) -> Flask:
    """The program as one WSGI application.

    Raises:
        SettingsError: With one line for the operator.
    """
    settings = settings or load_settings()
    configure_logs()
    app = Flask(__name__, template_folder="templates", static_folder="static")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=MAX_BODY,
        # The prefix makes browsers refuse it from a sub-domain or without TLS.
        SESSION_COOKIE_NAME="__Host-kaquan" if settings.production else "kaquan",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.production,
    )
    if settings.production:
        app.config["TRUSTED_HOSTS"] = [urlsplit(settings.public_base_url).hostname, "127.0.0.1"]
    register_language(app)
    register_json(app)
    register_forms(app)
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
    register_commands(app)
    app.context_processor(lambda: {"settings": settings})
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        proxied = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
        app.wsgi_app = proxied  # type: ignore[method-assign]
    return app
