"""Refusals and failures as they go out: RFC 9457 problems for programs, a page for people."""

from __future__ import annotations

import io
import json
import logging
from http import HTTPStatus
from urllib.parse import quote

from flask import Flask, Response, g, make_response, render_template, request
from flask.globals import request_ctx
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import BadRequest, HTTPException, NotFound, RequestEntityTooLarge

from app.core.errors import N_, Category, DomainError
from app.db import DatabaseBusy, DatabaseDown
from app.web.field_errors import translate_errors

log = logging.getLogger(__name__)

# Where people bring files: the address, and how many bytes may come at once.
UPLOADS = {
    "/console/media/upload": 64_000_000,
    "/console/voucher-imports/new": 21_000_000,
    "/api/v1/me/avatar": 9_000_000,
}

_DRAINED = "kaquan.drained"
_DRAIN_LIMIT = 64 * 1024 * 1024
_SENTENCES = {
    400: N_("The request could not be understood. Please start again."),
    401: N_("Please sign in again."),
    403: N_("You may not do this."),
    404: N_("There is nothing at this address."),
    405: N_("This address does not take this kind of request."),
    409: N_("This contradicts what has happened meanwhile. Please look again."),
    413: N_("The request is too large."),
    415: N_("Please send JSON (Content-Type: application/json)."),
    429: N_("Too many requests. Please wait a moment."),
    500: N_("Something went wrong on our side. Please try again with the same request key."),
    503: N_("The service is busy. Please try again in a moment; nothing was lost."),
}
_BROKEN_PAGE = N_("Something went wrong on our side. Please go back and try again in a moment.")
_NO_SUCH_HOST = N_("There is no site of this name here. Please check the address.")
_CODES = {413: "body_too_large", 415: "json_required", 500: "internal_error", 503: "busy"}


class InvalidFields(DomainError):
    code = "invalid_fields"
    category = Category.INVALID
    template = N_("Some fields are missing or wrong. Please correct them and send again.")


class InvalidJson(DomainError):
    code = "invalid_json"
    category = Category.MALFORMED
    template = N_("The request is not valid JSON. Please send a JSON object.")


class TooManyRequests(DomainError):
    code = "too_many_requests"
    category = Category.TOO_MANY
    template = N_("Too many requests. Please wait %(seconds)s seconds and try again.")


def register_errors(app: Flask) -> None:
    """Render refusals and failures. Register it after what names the request."""
    app.after_request(_hear_out)
    app.register_error_handler(DomainError, _refuse)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DatabaseBusy, _busy)
    app.register_error_handler(DatabaseDown, _busy)
    app.register_error_handler(PoolTimeout, _busy)
    app.register_error_handler(Exception, _fail)


def problem(
    status: int, code: str, detail: str, *, extra: dict[str, object] | None = None
) -> Response:
    """An RFC 9457 problem. ``code`` is the stable name; ``detail`` says what to do."""
    body = {
        **(extra or {}),
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "instance": quote(request.path),
    }
    text = json.dumps(body, ensure_ascii=False)
    return Response(text, status, content_type="application/problem+json; charset=utf-8")


def _refuse(error: DomainError) -> ResponseReturnValue:
    status = error.category.value
    detail = gettext(error.template) % error.params if error.params else gettext(error.template)
    if not _wants_problem():
        return _page(status, detail)
    extra = error.extra
    if isinstance(error, InvalidFields) and "errors" in extra:
        extra = {**extra, "errors": translate_errors(extra["errors"])}
    response = problem(status, error.code, detail, extra=extra)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.params["seconds"])
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "2"
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:  # A redirect is an HTTPException, too.
        return error
    if isinstance(error, RequestEntityTooLarge):
        _drain()
    detail = gettext(_NO_SUCH_HOST if _is_for_nobody() else _SENTENCES.get(status, _SENTENCES[400]))
    if not _wants_problem():
        return _page(status, detail)
    code = _CODES.get(status, HTTPStatus(status).phrase.lower().replace(" ", "_"))
    response = problem(status, code, detail)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _busy(error: Exception) -> ResponseReturnValue:
    log.warning("database: %s", error.__cause__ or error)
    detail = gettext(_SENTENCES[503])
    response = problem(503, "busy", detail) if _wants_problem() else _page(503, detail)
    response.headers["Retry-After"] = "1"
    return response


def _fail(error: Exception) -> ResponseReturnValue:
    log.error("request %s failed", getattr(g, "request_id", "-"), exc_info=error)
    if _wants_problem():
        return problem(500, "internal_error", gettext(_SENTENCES[500]))
    return _page(500, gettext(_BROKEN_PAGE))


def _page(status: int, detail: str) -> Response:
    if _is_for_nobody():  # No address can be written then, so no page of ours either.
        return Response(f"{detail}\n", status, mimetype="text/plain")
    return make_response(render_template("error.html", status=status, detail=detail), status)


def _is_for_nobody() -> bool:
    """The request's ``Host`` is no name of ours, or no name at all."""
    return request_ctx.url_adapter is None


def _wants_problem() -> bool:
    return request.path.startswith(("/api/", "/pos/api/", "/pos/session", "/wechat/", "/readyz"))


def refuse_monsters() -> None:
    """What no view should think of: a stranger's host, a body beyond the limit, a NUL."""
    if _is_for_nobody():  # Before a guard sends it to a page whose address cannot be written.
        raise BadRequest
    if request.path in UPLOADS:
        request.max_content_length = UPLOADS[request.path]
    limit = request.max_content_length
    assert limit is not None, "the factory sets a limit"
    environ = request.environ
    if "HTTP_TRANSFER_ENCODING" in environ and environ.get("wsgi.input_terminated"):
        _gather_chunks(limit)
    if (request.content_length or 0) > limit:
        raise RequestEntityTooLarge
    if "\x00" in request.path:  # PostgreSQL has no such text, so nothing can be there.
        raise NotFound


def _hear_out(response: Response) -> Response:
    """Read what a refused client is still sending, within the limit, as ``_drain`` does beyond."""
    drained = _DRAINED in request.environ
    if response.status_code >= 400 and request.content_length and not drained:
        try:
            request.stream.read()
        except HTTPException:  # The client has gone.
            pass
    return response


def _gather_chunks(limit: int) -> None:
    """Make a body in chunks an ordinary one: werkzeug would cut it at the limit in silence."""
    environ = request.environ
    body = environ["wsgi.input"].read(limit + 1)
    if len(body) > limit:
        raise RequestEntityTooLarge
    del environ["HTTP_TRANSFER_ENCODING"]
    environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}


def _drain() -> None:
    """Read what the client still sends, or it would see a broken connection and not our answer."""
    request.environ[_DRAINED] = True
    stream = request.environ["wsgi.input"]
    # Without a length it comes in chunks and ends by itself.
    left = min(request.content_length or _DRAIN_LIMIT, _DRAIN_LIMIT)
    while left > 0:
        piece = stream.read(min(left, 65536))
        if not piece:
            return
        left -= len(piece)
