"""Which language an answer is in."""

from __future__ import annotations

from flask import request, session

from app.web.security import PROGRAMS

LOCALES = ("zh_CN", "en")
SESSION_KEY = "locale"
_ASKED_FOR = ("zh", "en")
_STAFF_PATHS = ("/console/", "/login/", "/logout/", "/pos/")


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
