"""Devices of a store: enrolled by a code, signed in on by PIN."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import request
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from app.flows.tills import terminals
from app.pos.blueprint import bp
from app.pos.schemas import SignedIn
from app.services.refusals import Unauthenticated
from app.services.tills.terminals import EnrolmentCodeInvalid
from app.web.auth import current_actor, staff_required
from app.web.body import Words
from app.web.context import current_context
from app.web.limits import (
    SIGN_IN,
    WRONG_CODE,
    client_address,
    limited,
    require_not_exhausted,
    take,
)
from app.web.shapes import Code, StoreName

P = ParamSpec("P")
R = TypeVar("R")

HEADER = "Terminal-Token"
TERMINAL_TOKEN = {
    "in": "header",
    "name": HEADER,
    "schema": {"type": "string", "maxLength": 200},
    "description": "the device's own token, from POST /terminals/enrol",
}


class TerminalName(Schema):
    id = fields.String()
    name = fields.String()


class EnrolledTerminal(Schema):
    terminal = fields.Nested(TerminalName)
    store = fields.Nested(StoreName)
    terminal_token = fields.String(metadata={"description": "told once; keep it on the device"})


class Colleague(Schema):
    username = fields.String()
    name = fields.String()
    role = fields.String()
    has_pin = fields.Boolean()


class Terminal(Schema):
    terminal = fields.Nested(TerminalName)
    store = fields.Nested(StoreName)
    staff = fields.List(fields.Nested(Colleague))


class PinSignIn(Schema):
    username = Words(required=True, shortest=1, longest=64)
    pin = Words(required=True, shortest=1, longest=12)


class NewPin(Schema):
    password = Words(required=True, shortest=1, longest=200)
    pin = Words(required=True, shortest=1, longest=12, metadata={"description": "4 to 6 digits"})


def device_required(view: Callable[P, R]) -> Callable[P, R]:
    """Only a device that says which one it is; whether it is still enrolled is looked up after."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if terminal_token() is None:
            raise Unauthenticated
        return view(*args, **kwargs)

    return guarded


@bp.post("/terminals/enrol")
@bp.doc(security=[])
@limited(SIGN_IN, by_address=True)
@bp.arguments(Code)
@bp.response(201, EnrolledTerminal)
def enrol_terminal(body: dict[str, Any]) -> dict[str, Any]:
    """Make this device one of the store's, by the code that a manager's console shows."""
    require_not_exhausted(WRONG_CODE, f"enrol:{client_address()}")
    try:
        terminal, store, token = terminals.enrol(current_context(), code=body["code"])
    except EnrolmentCodeInvalid:
        take(WRONG_CODE, f"enrol:{client_address()}")
        raise
    return {
        "terminal": {"id": str(terminal.id), "name": terminal.name},
        "store": {"id": str(store.id), "name": store.name},
        "terminal_token": token,
    }


@bp.get("/terminals/current")
@bp.doc(parameters=[TERMINAL_TOKEN], security=[{"terminal": []}])
@limited(SIGN_IN, by_address=True)
@device_required
@bp.response(200, Terminal)
def show_terminal() -> dict[str, Any]:
    """This device, its store, and who may sign in on it. 401 ``terminal_unknown``: revoked."""
    seen = terminals.describe(current_context(), terminal_token=terminal_token() or "")
    return {
        "terminal": {"id": str(seen.terminal.id), "name": seen.terminal.name},
        "store": {"id": str(seen.store.id), "name": seen.store.name},
        "staff": seen.staff,
    }


@bp.post("/sessions/pin")
@bp.doc(parameters=[TERMINAL_TOKEN], security=[{"terminal": []}])
@limited(SIGN_IN, by_address=True)
@device_required
@bp.arguments(PinSignIn)
@bp.response(201, SignedIn)
def create_pin_session(body: dict[str, Any]) -> dict[str, Any]:
    """Take over at an enrolled terminal. Five wrong PINs, and it wants the password once."""
    opened = terminals.sign_in_by_pin(
        current_context(), terminal_token=terminal_token() or "", **body
    )
    return {"access_token": opened.token, "expires_at": opened.expires_at}


@bp.put("/me/pin")
@limited(SIGN_IN)
@staff_required
@bp.arguments(NewPin)
@bp.response(204)
def change_pin(body: dict[str, Any]) -> ResponseReturnValue:
    """Set one's own PIN, with the password once more."""
    terminals.set_pin(current_context(), current_actor(), **body)
    return ""


def terminal_token() -> str | None:
    """The device's own token, when it has sent one."""
    return request.headers.get(HEADER) or None
