"""The express lane: the calls that people at a counter wait for, without Flask's dispatch.

Flask's context, session, hooks and parser take two thirds of such a call's time in the web process
(docs/benchmarks.md). A lane takes only what is beyond doubt: a token, a key and a small JSON body
that its schema accepts. Anything else goes in by the ordinary door, to the same function, and is
refused or served there. What the lane's own function refuses is rendered there, too.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Flask, request
from marshmallow import EXCLUDE, Schema, ValidationError
from werkzeug.sansio.utils import host_is_trusted

from app.core.keys import token_digest
from app.flows.context import Context
from app.flows.once import Answer, hash_request
from app.web.auth import bearer_digest, bearer_token
from app.web.body import InvalidJson, is_key, parse_object, request_hash, request_key
from app.web.limits import Limit, take
from app.web.security import new_request_id, program_headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_LONGEST_BODY = 4096
_REFUSED = "kaquan.refused"
_EXTENSION = "kaquan.express"


@dataclass(frozen=True)
class MoneyRequest:
    """A call that moves money: whose token, under which key, a hash of the request, its fields."""

    token_digest: bytes
    key: str
    request_hash: bytes
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Lane:
    """One address, and what answers it both here and behind the ordinary door."""

    path: str
    limit: Limit
    schema: Schema
    run: Callable[[Context, MoneyRequest], Answer]


def money_request(body: Mapping[str, Any]) -> MoneyRequest:
    """The call that Flask is at, for a lane's function.

    Raises:
        Unauthenticated, IdempotencyKeyRequired, IdempotencyKeyInvalid, InvalidJson
    """
    return MoneyRequest(bearer_digest(), request_key(), request_hash(), body)


def open_lanes(app: Flask, *lanes: Lane) -> None:
    """Serve these addresses by the lane. What comes in front of Flask goes in front of it later."""
    if _EXTENSION not in app.extensions:
        express = ExpressLane(app)
        app.extensions[_EXTENSION] = express
        app.wsgi_app = express  # type: ignore[method-assign]
        app.before_request(_raise_refusal)
    app.extensions[_EXTENSION].lanes.update({lane.path: lane for lane in lanes})


class ExpressLane:
    """WSGI: answers what a lane is sure of, and passes on the rest."""

    def __init__(self, app: Flask) -> None:
        self.lanes: dict[str, Lane] = {}
        self._ordinary: WSGIApplication = app.wsgi_app
        self._app = app
        self._headers = program_headers(app)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        lane = self.lanes.get(environ["PATH_INFO"])
        answer = None if lane is None else self._answer(lane, environ)
        if answer is None:
            return self._ordinary(environ, start_response)
        content = answer.text.encode()
        headers = [
            *self._headers,
            ("X-Request-Id", new_request_id()),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(content))),
        ]
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
        return [content]

    def _answer(self, lane: Lane, environ: WSGIEnvironment) -> Answer | None:
        asked = self._read(lane, environ)
        if asked is None:
            return None
        context = self._app.extensions["kaquan"]
        try:
            take(lane.limit, asked.token_digest[:12].hex(), context=context)
            return lane.run(context, asked)
        except Exception as error:  # noqa: BLE001 - Whatever it is, Flask's handlers render it.
            environ[_REFUSED] = error
            return None

    def _read(self, lane: Lane, environ: WSGIEnvironment) -> MoneyRequest | None:
        """The request, when nothing about it needs a second look."""
        token = bearer_token(environ.get("HTTP_AUTHORIZATION", ""))
        key = environ.get("HTTP_IDEMPOTENCY_KEY", "")
        raw = _read_body(environ)
        if token is None or raw is None or not is_key(key) or not self._is_for_us(environ):
            return None
        try:
            sent = parse_object(raw)
            body = lane.schema.load(sent, unknown=EXCLUDE)
            asked_hash = hash_request("POST", lane.path, sent)
        except (InvalidJson, ValidationError, RecursionError):
            return None
        return MoneyRequest(token_digest(token), key, asked_hash, body)

    def _is_for_us(self, environ: WSGIEnvironment) -> bool:
        trusted = self._app.config["TRUSTED_HOSTS"]
        return trusted is None or host_is_trusted(environ.get("HTTP_HOST"), trusted)


def _read_body(environ: WSGIEnvironment) -> bytes | None:
    """A small JSON body, which whoever comes after may read again."""
    length = environ.get("CONTENT_LENGTH", "")
    kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if environ["REQUEST_METHOD"] != "POST" or kind != "application/json":
        return None
    if not (length.isdecimal() and int(length) <= _LONGEST_BODY):
        return None
    raw: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(raw)
    return raw


def _raise_refusal() -> None:
    error = request.environ.get(_REFUSED)
    if error is not None:
        raise error
