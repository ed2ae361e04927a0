"""The members' app in a browser, under ``/m/``: built from ``miniprogram/`` and served as files.

Every address below ``/m/`` that is no file is the app itself, which reads the address. Files have
their content's hash in their name and are kept by browsers for a year; the page is never kept.
"""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, current_app, render_template, request, send_from_directory
from flask.typing import ResponseReturnValue
from werkzeug.utils import safe_join

from app.web.context import current_context
from config import ROOT

bp = Blueprint("members_app", __name__, url_prefix="/m")

BUILT = ROOT / "miniprogram" / "dist" / "build" / "h5"
_YEAR = 31536000
_DEMO = '<meta name="kaquan-demo" content="">'
# The scanner compiles its wasm, and the framework sets styles on elements. No script but ours runs.
_CSP = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; media-src 'self' blob: mediastream:; connect-src 'self';"
    " object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


@bp.get("/")
@bp.get("/<path:rest>")
def show_app(rest: str = "") -> ResponseReturnValue:
    """A file of the app, or the app itself for every address of its own."""
    built = Path(current_app.config.get("MEMBERS_APP", BUILT))
    if rest.startswith(("assets/", "static/")):
        return _file(built, rest)
    page = built / "index.html"
    if not page.is_file():
        return render_template("site/app_missing.html"), 503
    text = page.read_text(encoding="utf-8")
    if current_context().settings.demo:
        text = text.replace(_DEMO, _DEMO.replace('""', '"1"'))
    response = Response(text, mimetype="text/html")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Content-Security-Policy"] = _CSP
    # An address of the app may name a code or a gift: it is nobody's to read in a log.
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Permissions-Policy"] = "camera=(self), geolocation=(self), microphone=()"
    return response


def _file(built: Path, name: str) -> Response:
    """Packed at build time for whoever takes it so."""
    path = safe_join(str(built), name)
    packed = path is not None and Path(f"{path}.gz").is_file()
    if packed and "gzip" in request.headers.get("Accept-Encoding", ""):
        response = send_from_directory(built, f"{name}.gz", mimetype=_kind(name), max_age=_YEAR)
        response.headers["Content-Encoding"] = "gzip"
    else:
        response = send_from_directory(built, name, mimetype=_kind(name), max_age=_YEAR)
    response.headers["Vary"] = "Accept-Encoding"
    if name.startswith("assets/"):
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
    return response


_KINDS = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


def _kind(name: str) -> str:
    return _KINDS.get(Path(name).suffix, "application/octet-stream")
