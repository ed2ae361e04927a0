"""Rate limits in PostgreSQL: buckets per caller and kind of call, all declared here."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import request

from app.flows.context import Context
from app.web.auth import bearer_digest
from app.web.context import current_context
from app.web.errors import TooManyRequests

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Limit:
    """So many calls at once, and so many a second in the long run."""

    name: str
    at_once: float
    per_second: float


READ = Limit("read", at_once=120, per_second=12)
MONEY = Limit("money", at_once=150, per_second=10)
TILL = Limit("till", at_once=200, per_second=20)
SIGN_IN = Limit("sign-in", at_once=200, per_second=5)  # by address
# By account. Whoever goes on guessing waits half a minute, then a quarter of an hour, then an hour.
WRONG_PASSWORD = Limit("wrong-password", at_once=10, per_second=1 / 30)
GUESSING = (
    WRONG_PASSWORD,
    Limit("wrong-password-often", at_once=25, per_second=1 / 900),
    Limit("wrong-password-stubborn", at_once=60, per_second=1 / 3600),
)
LOOK_UP = Limit("look-up", at_once=30, per_second=1 / 10)  # Numbers tried, exports made.
WRONG_CODE = Limit("wrong-code", at_once=60, per_second=1 / 6)  # by caller
OPEN_TO_ALL = Limit("open", at_once=300, per_second=30)  # by address

_TAKE = "SELECT kaquan.take_token(%s, %s, %s)"
_WAIT = "SELECT kaquan.seconds_to_wait(%s, %s, %s)"


def limited(
    limit: Limit, *, by_address: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Hold a view to a limit, per token or per address."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def counted(*args: P.args, **kwargs: P.kwargs) -> R:
            # A call without a token is refused here, before anything it says is looked at.
            whose = client_address() if by_address else bearer_digest()[:12].hex()
            take(limit, whose)
            return view(*args, **kwargs)

        return counted

    return decorate


def take(limit: Limit, whose: str, *, context: Context | None = None) -> None:
    """Count one call. Where Flask is not, the context is named.

    Raises:
        TooManyRequests: With the seconds to wait.
    """
    _refuse_if(_seconds(_TAKE, limit, whose, context))


def require_not_exhausted(limit: Limit, whose: str, *, context: Context | None = None) -> None:
    """For limits that count failures: look before, ``take`` after a failure.

    Raises:
        TooManyRequests
    """
    _refuse_if(_seconds(_WAIT, limit, whose, context))


def client_address() -> str:
    return request.remote_addr or "unknown"


def _seconds(statement: str, limit: Limit, whose: str, context: Context | None) -> float:
    context = context or current_context()
    if not context.settings.rate_limits:
        return 0.0
    name = f"{limit.name}:{whose}"
    row = context.database.call(statement, (name, limit.at_once, limit.per_second))
    return float(row[0])


def _refuse_if(seconds: float) -> None:
    if seconds > 0:
        raise TooManyRequests(seconds=math.ceil(seconds))
