"""Headers that every answer carries, and a request id that logs and answers share."""

from __future__ import annotations

import secrets

from flask import Flask, Response, g, request

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self';"
    " form-action 'self'; frame-ancestors 'none'"
)
_PROGRAMS = ("/api/", "/pos/api/", "/wechat/")


def register_security(app: Flask, *, production: bool) -> None:
    app.before_request(_name_request)

    @app.after_request
    def _protect(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("X-Request-Id", g.request_id)
        if request.path.startswith(_PROGRAMS):
            response.headers.setdefault("Cache-Control", "no-store")
        else:
            response.headers.setdefault("Content-Security-Policy", _CSP)
        if production:
            response.headers.setdefault(
                "Strict-Transport-Security", "max-age=31536000; includeSubDomains"
            )
        return response


def _name_request() -> None:
    g.request_id = secrets.token_hex(8)
