"""The cookie of somebody on the staff, for consoles and till: it holds a token, as a till's header.

The database keeps a digest of the token and is asked on every request, so signing out, a new
password or a frozen account act at once and everywhere.
"""

from __future__ import annotations

import time

from flask import session

from app.web.language import SESSION_KEY

_TOKEN = "staff_token"  # noqa: S105 - the name of the key in the session
_TICKET = "sign_in"
TICKET_SECONDS = 600


def session_token() -> str | None:
    """The token in this request's cookie."""
    token = session.get(_TOKEN)
    return token if isinstance(token, str) else None


def begin_session(token: str) -> None:
    """Put a fresh token into a fresh session, with a CSRF secret of its own."""
    forget_session()
    session[_TOKEN] = token


def forget_session() -> None:
    """Empty the session but for the language."""
    language = session.get(SESSION_KEY)
    session.clear()
    if language is not None:
        session[SESSION_KEY] = language


def keep_ticket(staff_id: int, fingerprint: str, *, code_shown: bool) -> None:
    """Remember in the cookie how far a sign-in has come. It is signed; nobody can make one."""
    session[_TICKET] = [staff_id, fingerprint, code_shown, int(time.time())]


def kept_ticket() -> tuple[int, str, bool] | None:
    """How far this browser's sign-in has come, unless that was too long ago."""
    found = session.get(_TICKET)
    if not isinstance(found, list) or time.time() - found[3] > TICKET_SECONDS:
        return None
    return found[0], found[1], found[2]


def forget_ticket() -> None:
    session.pop(_TICKET, None)
