"""From a bearer token to an Actor. It is looked up on every call, so revoking acts at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import g, request

from app.core.actor import TILL_ROLES, Actor
from app.core.keys import token_digest
from app.flows.context import Context
from app.services.people.sessions import actor_of
from app.services.refusals import (
    Forbidden,
    StoreRequired,
    TerminalRequired,
    Unauthenticated,
)
from app.web.context import current_context
from app.web.security import csrf
from app.web.staff_session import session_token

P = ParamSpec("P")
R = TypeVar("R")

_WHO = (
    "SELECT a.member_id, a.staff_id, a.merchant_id, a.store_id, a.role,"
    " a.terminal_id, a.terminal_missing"
    " FROM (SELECT 1) one LEFT JOIN kaquan.authenticate(%s) a ON true"
)
_LONGEST_TOKEN = 200
_BY_COOKIE = "/pos/api/"


def bearer_digest() -> bytes:
    """The digest of the caller's token, which the hot functions look up themselves.

    A till in a browser may send the console's cookie instead, with the CSRF token in a header.

    Raises:
        Unauthenticated: There is none.
    """
    header = request.headers.get("Authorization", "")
    if not header and request.path.startswith(_BY_COOKIE):
        return _cookie_digest()
    token = bearer_token(header)
    if token is None:
        raise Unauthenticated
    return token_digest(token)


def bearer_token(header: str) -> str | None:
    """The token in an Authorization header, if there is one."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN:
        return None
    return token.strip()


def _cookie_digest() -> bytes:
    token = session_token()
    if token is None:
        raise Unauthenticated
    csrf.protect()  # Reading needs none: no other site can see the answer.
    return token_digest(token)


def actor_behind(digest: bytes, *, context: Context | None = None) -> Actor | None:
    """Whom a token stands for now; nobody, when it was revoked, has expired or never was."""
    row = (context or current_context()).database.call(_WHO, (digest,))
    member_id, staff_id, merchant_id, store_id, role, terminal_id, terminal_missing = row
    if member_id is None and staff_id is None:
        return None
    return actor_of(
        member_id=member_id,
        staff_id=staff_id,
        merchant_id=merchant_id,
        store_id=store_id,
        role=role,
        digest=digest,
        terminal_id=terminal_id,
        terminal_missing=bool(terminal_missing),
    )


def staff_of_cookie() -> Actor | None:
    """The member of the staff behind this request's cookie, if there is one."""
    token = session_token()
    actor = None if token is None else actor_behind(token_digest(token))
    return actor if actor is not None and actor.staff_id is not None else None


def current_actor() -> Actor:
    actor: Actor = g.actor
    return actor


def member_required(view: Callable[P, R]) -> Callable[P, R]:
    """Only a signed-in member."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if _authenticate().member_id is None:
            raise Unauthenticated
        return view(*args, **kwargs)

    return guarded


def staff_required(view: Callable[P, R]) -> Callable[P, R]:
    """Only signed-in staff, of whatever role."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if _authenticate().staff_id is None:
            raise Unauthenticated
        return view(*args, **kwargs)

    return guarded


def till_required(view: Callable[P, R]) -> Callable[P, R]:
    """Only the staff of a store, in a role that stands at a till."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        require_till(bearer_digest())
        return view(*args, **kwargs)

    return guarded


def require_till(digest: bytes) -> Actor:
    """The staff of a store behind a token, in a role that stands at a till.

    Raises:
        Unauthenticated, Forbidden, StoreRequired, TerminalRequired
    """
    actor = _authenticate(digest)
    if actor.staff_id is None:
        raise Unauthenticated
    if actor.role not in TILL_ROLES:
        raise Forbidden
    if actor.store_id is None:
        raise StoreRequired
    if actor.terminal_missing:
        raise TerminalRequired
    return actor


def optional_actor() -> Actor | None:
    """The caller where signing in is not needed but makes a difference."""
    if "Authorization" not in request.headers:
        return None
    try:
        return _authenticate()
    except Unauthenticated:
        return None


def _authenticate(digest: bytes | None = None) -> Actor:
    actor = actor_behind(bearer_digest() if digest is None else digest)
    if actor is None:
        raise Unauthenticated
    g.actor = actor
    return actor
