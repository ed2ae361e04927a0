"""Headers that every answer carries, and a request id that logs and answers share."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from flask_wtf import CSRFProtect

from app.web.errors import refuse_monsters

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_HSTS = "Strict-Transport-Security"
_CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self';"
    " form-action 'self'; frame-ancestors 'none'"
)
PROGRAMS = ("/api/", "/pos/api/", "/wechat/")  # They bring a token or a signature, never a cookie.

csrf = CSRFProtect()


def register_security(app: Flask, *, production: bool) -> None:
    app.before_request(_name_request)
    app.before_request(refuse_monsters)  # Says how long a form may be, before one is read below.
    # Checked below and not by the extension, which would look at every call of the JSON faces.
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None)
    csrf.init_app(app)
    app.before_request(_require_csrf_token)
    app.jinja_env.globals["csp_nonce"] = csp_nonce

    if production:
        app.config[_HSTS] = "max-age=31536000; includeSubDomains"

    @app.after_request
    def _protect(response: Response) -> Response:
        to_program = request.path.startswith(PROGRAMS)
        for name, value in program_headers(app) if to_program else _common_headers(app):
            response.headers.setdefault(name, value)
        response.headers.setdefault("X-Request-Id", g.request_id)
        if not to_program:
            response.headers.setdefault("Content-Security-Policy", _csp())
        return response


def program_headers(app: Flask) -> list[tuple[str, str]]:
    """What goes with every answer of the JSON faces."""
    return [*_common_headers(app), ("Cache-Control", "no-store")]


def _common_headers(app: Flask) -> list[tuple[str, str]]:
    hsts = app.config.get(_HSTS)
    return [*_HEADERS.items(), *([(_HSTS, hsts)] if hsts else [])]


def new_request_id() -> str:
    """What an answer and the lines it leaves in the log share."""
    return secrets.token_hex(8)


def csp_nonce() -> str:
    """For the one inline script that a template cannot do without: this answer's alone."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def allow_wasm() -> None:
    """Let this answer's page run our own WebAssembly (the till's scanner), no script from text."""
    g.runs_wasm = True


def allow_images_from(address: str) -> None:
    """Let this answer's page load images from one more host: a map's tiles, where they are set."""
    host = urlsplit(address).netloc
    g.image_host = f"*{host.removeprefix('{s}')}" if host.startswith("{s}.") else host


def allow_written_styles() -> None:
    """Let this answer's page show what editors wrote: style attributes, which were whitelisted.

    Style sheets inside of the page, and scripts, stay refused.
    """
    g.written_styles = True


def _csp() -> str:
    nonce, images = g.get("csp_nonce"), g.get("image_host")
    policy = _CSP.replace("data:;", f"data: https://{images};") if images else _CSP
    if g.get("written_styles"):
        policy = f"{policy}; style-src 'self'; style-src-attr 'unsafe-inline'"
    if g.get("runs_wasm"):
        return f"{policy}; script-src 'self' 'wasm-unsafe-eval'"
    return f"{policy}; script-src 'self' 'nonce-{nonce}'" if nonce else policy


def _require_csrf_token() -> None:
    """Whatever a browser's cookie could authorise needs the token of the form that it came from."""
    if request.method in {"GET", "HEAD", "OPTIONS"} or request.path.startswith(PROGRAMS):
        return
    csrf.protect()


def _name_request() -> None:
    g.request_id = new_request_id()
