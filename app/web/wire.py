"""How things look on the wire, for both JSON faces: instants, kept answers, OpenAPI."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Flask, Response
from flask.json.provider import DefaultJSONProvider
from flask_smorest import Api, Blueprint
from marshmallow import INCLUDE, Schema, fields

from app.core.clock import rfc3339
from app.flows.once import Answer
from app.web.body import JsonParser

IDEMPOTENT = {
    "parameters": [
        {
            "in": "header",
            "name": "Idempotency-Key",
            "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            "description": "Made by the client; the same key and body have one effect.",
        }
    ]
}


class Instant(fields.AwareDateTime):
    """An instant, in RFC 3339 with the offset +08:00."""

    def _serialize(self, value: datetime | None, *_: Any, **__: Any) -> str | None:
        return None if value is None else rfc3339(value)


class Problem(Schema):
    """A refusal or a failure (RFC 9457). Some carry more, for example when and where."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"description": "the stable name of it"})
    detail = fields.String(required=True, metadata={"description": "what to do, for people"})
    instance = fields.String(required=True)
    errors = fields.Dict(metadata={"description": "what is wrong, by field"})


class JsonBlueprint(Blueprint):  # type: ignore[misc]
    """A blueprint that reads bodies our way."""

    ARGUMENTS_PARSER = JsonParser()

    def arguments(self, schema: type[Schema], **options: Any) -> Any:
        """One instance reads all requests: making one takes longer than reading a body."""
        return super().arguments(schema(), **options)


class DocumentedApi(Api):  # type: ignore[misc]
    """flask-smorest for documentation and parsing; errors are rendered by ``web.errors``."""

    ERROR_SCHEMA = Problem

    def _register_error_handlers(self) -> None:
        pass

    def _register_responses(self) -> None:
        """Every error goes out as ``web.errors`` writes it, and is documented so."""
        for name in ("DEFAULT_ERROR", "UNPROCESSABLE_ENTITY"):
            content = {"application/problem+json": {"schema": Problem}}
            response = {"description": "A problem (RFC 9457)", "content": content}
            self.spec.components.response(name, response, lazy=True)


def answered(answer: Answer) -> Response:
    """An answer that is already JSON: fresh, or kept from the first time."""
    return Response(answer.text, answer.status, content_type="application/json")


def register_json(app: Flask) -> None:
    """Chinese goes out as Chinese, and keys in the order in which they were written."""
    provider = app.json
    assert isinstance(provider, DefaultJSONProvider)
    provider.ensure_ascii = False
    provider.sort_keys = False
