"""How a till's call that changes something is run: once under its key, in the system scope."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, request
from sqlalchemy.orm import Session

from app.flows import once
from app.flows.once import Body, MoneyCall
from app.web.auth import current_actor
from app.web.body import request_hash, request_key
from app.web.context import current_context
from app.web.wire import answered

OPTIONAL_KEY = {
    "parameters": [
        {
            "in": "header",
            "name": "Idempotency-Key",
            "required": False,
            "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            "description": "Sent again with the same key, the call answers as the first time.",
        }
    ]
}


def run_once(effect: Callable[[Session], Body]) -> Response:
    """For calls that move money: the key is a must."""
    actor = current_actor()
    call = MoneyCall(caller=actor.caller, key=request_key(), request_hash=request_hash())
    return answered(once.run_once(current_context(), call, effect))


def run_keyed(effect: Callable[[Session], Body]) -> Response:
    """For calls whose second sending is refused by what they are: the key is welcome."""
    if "Idempotency-Key" in request.headers:
        return run_once(effect)
    return answered(once.run_without_key(current_context(), effect))
