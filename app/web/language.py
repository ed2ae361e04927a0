"""Which language an answer is in."""

from __future__ import annotations

import os

from flask import Flask, request, session
from flask_babel import Babel

from app.web.security import PROGRAMS

LOCALES = ("zh_CN", "en")
SESSION_KEY = "locale"
_ASKED_FOR = ("zh", "en")
_STAFF_PATHS = ("/console/", "/login/", "/logout/", "/pos/")


def register_language(app: Flask) -> None:
    """Have the program's texts at hand, in the language that ``choose_language`` chooses."""
    ours = os.path.join(os.path.dirname(app.root_path), "translations")
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", ours)
    Babel(app, default_locale=LOCALES[0], locale_selector=choose_language)


def choose_language() -> str:
    """Staff read Chinese until they choose English; others get English when their client asks.

    What was chosen is kept in the session, for the public pages, too. Programs have no session.
    """
    if not request:
        return LOCALES[0]
    if not request.path.startswith(PROGRAMS):
        chosen = session.get(SESSION_KEY)
        if chosen in LOCALES:
            return str(chosen)
        if request.path.startswith(_STAFF_PATHS):
            return LOCALES[0]
    best = request.accept_languages.best_match(_ASKED_FOR)
    return "en" if best == "en" else "zh_CN"
