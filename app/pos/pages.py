"""The till's pages: one shell for all its screens, and what makes it an app of its own.

The shell says nothing about anybody, so that a device may keep it and open at once. Who is signed
in, and the CSRF token, are asked for afterwards.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from pathlib import Path

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf.csrf import generate_csrf

from app.core.keys import token_digest
from app.flows.people import signing_in
from app.flows.tills import terminals
from app.pos.terminals import PinSignIn, terminal_token
from app.services.refusals import Unauthenticated
from app.services.tills.terminals import NotOfThisTerminal
from app.web.auth import staff_of_cookie
from app.web.body import parse_object
from app.web.context import current_context
from app.web.errors import InvalidFields
from app.web.limits import SIGN_IN, client_address, take
from app.web.security import allow_wasm
from app.web.staff_session import begin_session, forget_session, session_token

bp = Blueprint("till", __name__, url_prefix="/pos")

STATIC = Path(__file__).resolve().parents[1] / "static"
MODULES = STATIC / "js" / "till"
# Not of the first view: these come when somebody first scans.
_LATER = ("scanner.js", "wechat.js")
_WORKER = "sw.js"
_TEXT = re.compile(r'\bt\(\s*"((?:[^"\\]|\\.)+)"')
_DEVICE = "till_device"  # Says only that this browser was enrolled; the token is not in it.


@bp.get("/")
def show_till() -> ResponseReturnValue:
    """The till. Strangers sign in first; on an enrolled device, by PIN."""
    if staff_of_cookie() is None:
        if request.cookies.get(_DEVICE):
            return redirect(url_for("till.show_terminal"))
        return redirect(url_for("LoginView.login", next="/pos/"))
    return _shell()


@bp.get("/terminal/")
def show_terminal() -> ResponseReturnValue:
    """The same shell for a device that nobody is signed in on: enrol it, or enter a PIN."""
    return _shell()


@bp.get("/session")
def show_session() -> ResponseReturnValue:
    """Whether somebody is signed in, and the token that this browser's requests must carry."""
    return _private({"signed_in": staff_of_cookie() is not None, "csrf_token": generate_csrf()})


@bp.post("/session")
def begin_by_pin() -> ResponseReturnValue:
    """Take over at an enrolled device by PIN; the browser's cookie is this person's from now on."""
    take(SIGN_IN, client_address())
    device = terminal_token()
    if device is None:
        raise Unauthenticated
    body = parse_object(request.get_data())
    wrong = PinSignIn().validate(body)
    if wrong:
        raise InvalidFields(extra={"errors": wrong})
    opened = terminals.sign_in_by_pin(
        current_context(), terminal_token=device, username=body["username"], pin=body["pin"]
    )
    begin_session(opened.token)
    return _private({"signed_in": True}), 201


@bp.post("/session/terminal")
def bind_to_device() -> ResponseReturnValue:
    """Whoever has signed in by password or by WeChat on an enrolled device works on that device.

    Another store's device ends the session: its takings would be in two books.
    """
    device, token = terminal_token(), session_token()
    if device is None or token is None or staff_of_cookie() is None:
        raise Unauthenticated
    try:
        terminals.bind_session(
            current_context(), session_token=token, terminal_token=device, how="browser"
        )
    except NotOfThisTerminal:
        forget_session()
        raise
    return _private({"signed_in": True})


@bp.delete("/session")
def leave() -> ResponseReturnValue:
    """Lock the device: the session ends on the server too. The next person enters a PIN."""
    token = session_token()
    if token is not None:
        signing_in.sign_out(current_context(), token_digest(token))
    forget_session()
    return _private({"signed_in": False})


@bp.get("/manifest.webmanifest")
def show_manifest() -> Response:
    """What a tablet needs to put the till on its home screen."""
    mark = url_for("static", filename="img/mark.svg")
    manifest = {
        "name": gettext("Kaquan till"),
        "short_name": gettext("Till"),
        "start_url": "/pos/",
        "scope": "/pos/",
        "display": "fullscreen",
        "background_color": "#0e1513",
        "theme_color": "#0b6e5b",
        "icons": [{"src": mark, "sizes": "any", "type": "image/svg+xml"}],
    }
    return Response(
        json.dumps(manifest, ensure_ascii=False), content_type="application/manifest+json"
    )


@bp.get("/sw.js")
def show_service_worker() -> Response:
    """The service worker, with the list of what it keeps. Another list is another worker."""
    head = f"const VERSION = {json.dumps(_version())};\nconst KEPT = {json.dumps(_kept())};\n"
    answer = Response(
        head + (MODULES / _WORKER).read_text(), content_type="text/javascript; charset=utf-8"
    )
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def modules() -> list[str]:
    """The scripts of the first view, by name."""
    return sorted(path.name for path in MODULES.glob("*.js") if path.name not in (*_LATER, _WORKER))


@functools.cache
def messages() -> frozenset[str]:
    """Every text that the till's scripts say, in English: what stands in ``t("…")``."""
    found: set[str] = set()
    for path in MODULES.glob("*.js"):
        found.update(json.loads(f'"{text}"') for text in _TEXT.findall(path.read_text()))
    return frozenset(found)


def _shell() -> Response:
    allow_wasm()
    texts = {text: gettext(text) for text in sorted(messages())}
    page = render_template(
        "pos/till.html",
        texts={text: said for text, said in texts.items() if said != text},
        modules=modules(),
    )
    answer = Response(page)
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def _kept() -> list[str]:
    names = [f"js/till/{name}" for name in [*modules(), *_LATER]]
    statics = [url_for("static", filename=name) for name in [*names, "css/till.css"]]
    return ["/pos/terminal/", *statics, url_for("static", filename="img/mark.svg")]


@functools.cache
def _version() -> str:
    """Of all that the shell is made of, so that a new release is fetched as a whole."""
    parts = [*sorted(MODULES.glob("*.js")), STATIC / "css" / "till.css"]
    parts.append(Path(__file__).resolve().parents[1] / "templates" / "pos" / "till.html")
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:16]


def _private(body: dict[str, object]) -> Response:
    answer: Response = jsonify(body)
    answer.headers["Cache-Control"] = "no-store"
    return answer
