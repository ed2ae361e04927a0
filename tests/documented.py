"""Whether an answer is what the OpenAPI documents say of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import requests
from flask import Flask
from jsonschema import Draft202012Validator, FormatChecker

ADDRESSES = ("/api/v1/openapi.json", "/pos/api/openapi.json")
PREFIXES = ("/api/v1/", "/pos/api/")
_FORMATS = FormatChecker(formats=[])


@_FORMATS.checks("date-time")
def _instant(value: object) -> bool:
    """RFC 3339 with the offset of Shanghai, as the contract has it."""
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?\+08:00"
    return not isinstance(value, str) or re.fullmatch(pattern, value) is not None


@dataclass(frozen=True)
class Documents:
    """Every documented operation, by the pattern of its address and its method."""

    operations: list[tuple[re.Pattern[str], str, str, dict[str, Any], dict[str, Any]]]

    @staticmethod
    def of(app: Flask) -> Documents:
        operations = []
        for address in ADDRESSES:
            document = app.test_client().get(address).get_json()
            components = _as_json_schema(document["components"])
            for path, item in document["paths"].items():
                pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
                for method, operation in item.items():
                    if method != "parameters":
                        operations.append((pattern, path, method.upper(), operation, components))
        # An exact address goes before one with a parameter in it.
        return Documents(sorted(operations, key=lambda found: "{" in found[1]))

    def check(self, method: str, path: str, answer: requests.Response) -> None:
        if not path.startswith(PREFIXES) or path in ADDRESSES:
            return
        if answer.status_code >= 400:
            _require_problem(answer)
        for pattern, template, verb, operation, components in self.operations:
            if verb == method and pattern.fullmatch(path):
                _require_documented(answer, f"{verb} {template}", operation, components)
                return
        assert answer.status_code in {404, 405, 413}, f"{method} {path} is not documented"


def _require_problem(answer: requests.Response) -> None:
    assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.text
    told = answer.json()
    assert told["status"] == answer.status_code
    assert told["code"]
    assert told["detail"]


def _require_documented(
    answer: requests.Response, name: str, operation: dict[str, Any], components: dict[str, Any]
) -> None:
    responses = operation["responses"]
    found = responses.get(str(answer.status_code))
    if found is None:
        assert answer.status_code >= 400, f"{name} {answer.status_code} is not documented"
        found = responses["default"]
    if "$ref" in found:
        found = components["responses"][found["$ref"].rpartition("/")[2]]
    content = _as_json_schema(found.get("content", {}))
    if not content:
        assert not answer.content, f"{name}: {answer.text}"
        return
    kind = answer.headers["Content-Type"].partition(";")[0]
    assert kind in content, f"{name} {answer.status_code} answers {kind}"
    if kind.startswith("image/"):
        return
    schema = {**content[kind]["schema"], "components": components}
    validator = Draft202012Validator(schema, format_checker=_FORMATS)
    errors = [f"{name} {e.json_path}: {e.message}" for e in validator.iter_errors(answer.json())]
    assert not errors, errors


def _as_json_schema(found: Any) -> Any:
    """OpenAPI 3.0 says ``nullable``, JSON Schema a union with null."""
    if isinstance(found, list):
        return [_as_json_schema(one) for one in found]
    if not isinstance(found, dict):
        return found
    told = {name: _as_json_schema(one) for name, one in found.items()}
    if told.pop("nullable", None) is True:
        return {"anyOf": [told, {"type": "null"}]}
    return told
