"""Reading a JSON body strictly, and the fields that money needs."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from flask import Request, request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from app.core import codes, money
from app.core.errors import N_, Category, DomainError
from app.flows.once import hash_request
from app.web.errors import InvalidFields, InvalidJson

_PHONE = re.compile(r"1[3-9][0-9]{9}")
_COUNTRY = re.compile(r"(\+|00)?86(?=1[0-9]{10}$)")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class IdempotencyKeyRequired(DomainError):
    code = "idempotency_key_required"
    category = Category.MALFORMED
    template = N_("A request that moves money needs an Idempotency-Key header.")


class IdempotencyKeyInvalid(DomainError):
    code = "idempotency_key_invalid"
    category = Category.MALFORMED
    template = N_("The Idempotency-Key must be 1 to 200 visible ASCII characters.")


class Fen(fields.Integer):
    """A positive amount in fen. Only a JSON integer is one: no strings, fractions or booleans."""

    default_error_messages = {  # noqa: RUF012 - marshmallow's own way
        "fen": N_("An amount is a whole number of fen, for example 2850 for 28.50 yuan.")
    }

    def __init__(self, *, maximum: int = money.MAX_FEN, **kwargs: Any) -> None:
        super().__init__(
            strict=True,
            validate=validate.Range(1, maximum),
            metadata={"description": "fen"},
            **kwargs,
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("fen")
        return value


class Words(fields.String):
    """A text of people, without control characters, of a length that a screen can show."""

    def __init__(self, *, longest: int, shortest: int = 0, **kwargs: Any) -> None:
        super().__init__(validate=[validate.Length(shortest, longest), _no_control], **kwargs)


class RowId(fields.String):
    """An id on the wire: a string of digits. It is an int inside."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:  # type: ignore[override]
        text = value if isinstance(value, str) else ""
        if not (text.isascii() and text.isdecimal() and len(text) <= 18):
            raise self.make_error("invalid")
        return int(text)


class Digits(Words):
    """A number that is read off and typed: width, spaces and dashes of its groups do not matter."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        return codes.without_gaps(text) if isinstance(text, str) else text


class Phone(Digits):
    """A mainland mobile number, also as address books write it: ``+86 138 0000 0000``. One line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(longest=40, **kwargs)
        self.validators.append(_check_phone)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if isinstance(text, str):
            _check_line(value)
            text = _COUNTRY.sub("", text)
        return text


class JsonParser(FlaskParser):
    """webargs' parser, with our refusals and without its leniency about what a body is."""

    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012 - webargs' own way
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "json": EXCLUDE,
    }

    def load_json(self, req: Request, schema: Schema) -> Any:
        return read_object()

    def handle_error(
        self, error: ValidationError, req: Request, schema: Schema, **_: Any
    ) -> NoReturn:
        messages = error.messages
        # webargs nests them under the location; the client knows where it put its fields.
        errors = next(iter(messages.values())) if isinstance(messages, dict) else messages
        raise InvalidFields(extra={"errors": errors})


def read_object() -> dict[str, Any]:
    """The request's JSON object.

    Raises:
        InvalidJson: Not JSON, not an object, not UTF-8 (nor could it be: half a surrogate pair),
            numbers that JSON does not have, or nested without end.
    """
    kept: dict[str, Any] | None = request.environ.get("kaquan.body")
    if kept is not None:
        return kept
    raw = request.get_data(cache=False)
    if raw and not request.is_json:
        raise UnsupportedMediaType
    body = parse_object(raw)
    request.environ["kaquan.body"] = body
    return body


def parse_object(raw: bytes) -> dict[str, Any]:
    """The JSON object that a body is; an empty body is an empty one.

    Raises:
        InvalidJson: As ``read_object``.
    """
    try:
        body = _JSON.decode(raw.decode()) if raw else {}
        if b"\\u" in raw:  # Only so can half a pair be written.
            json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise InvalidJson from None
    if not isinstance(body, dict):
        raise InvalidJson
    return body


def request_key() -> str:
    """The caller's Idempotency-Key.

    Raises:
        IdempotencyKeyRequired, IdempotencyKeyInvalid
    """
    key = request.headers.get("Idempotency-Key")
    if not key:
        raise IdempotencyKeyRequired
    if not is_key(key):
        raise IdempotencyKeyInvalid
    return key


def is_key(text: str) -> bool:
    """Whether a client may use this as an Idempotency-Key."""
    return _KEY.fullmatch(text) is not None


def request_hash() -> bytes:
    """What this call asks for: method, address and body. The same key must mean the same.

    Raises:
        InvalidJson: Nested just so deep that it can be read but not be written.
    """
    try:
        return hash_request(request.method, request.path, read_object())
    except RecursionError:
        raise InvalidJson from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)


def _no_control(text: str) -> None:
    if any(ord(letter) < 32 and letter not in "\n\t" for letter in text) or "\x7f" in text:
        raise ValidationError(N_("Control characters are not allowed."))


def _check_line(text: str) -> None:
    if any(letter in text for letter in "\r\n\t"):
        raise ValidationError(N_("Control characters are not allowed."))


def _check_phone(text: str) -> None:
    if not _PHONE.fullmatch(text):
        raise ValidationError(N_("A mainland mobile number has 11 digits."))
