"""Both documents name every route under their prefix, and say of it what is so."""

from __future__ import annotations

import re

import pytest
from jsonschema import Draft202012Validator

from tests.documented import ADDRESSES

# Their second sending is refused by what they are; a key only gives the first answer again.
OPTIONAL = {
    *("/shifts/open", "/shifts/close", "/shifts/hand-over"),
    *("/approvals", "/approvals/{approval_id}/withdraw"),
}


@pytest.fixture(params=ADDRESSES)
def address(request):
    return request.param


@pytest.fixture
def document(world, address):
    answer = world.stranger.get(address)
    assert answer.status_code == 200
    return answer.json()


def test_every_route_is_documented_and_nothing_else_is(world, address, document):
    prefix = address.removesuffix("openapi.json")
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in world.app.url_map.iter_rules()
        if rule.rule.startswith(prefix) and rule.rule != address
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    documented = {
        (path, method.upper())
        for path, item in document["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert routes == documented


def test_every_operation_says_what_it_does_takes_and_answers(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            name = f"{method} {path}"
            assert operation["summary"], name
            good = [status for status in operation["responses"] if status.startswith("2")]
            assert len(good) == 1, name
            assert "default" in operation["responses"], name


def test_every_parameter_of_an_address_is_declared(document):
    for path, item in document["paths"].items():
        declared = {one["name"] for one in item.get("parameters", []) if one["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", path)), path


def test_money_calls_ask_for_a_key_and_no_other_call_does(document):
    without = {
        "/sessions", "/me/phone", "/me/payment-code", "/payments/quote", "/vouchers/lookup",
        "/payments/{payment_id}/close", "/feed/tickets", "/voucher-sales/{sale_no}/close",
        "/sessions/pin", "/terminals/enrol",
        "/payments/{payment_id}/refund-requests",
        "/me/cards/{card_id}/report-lost", "/me/erasure", "/recipients/lookup",
        "/demo/wechat-sheet", "/top-ups/lookup", "/voucher-sales/quote", "/me/notices",
        "/page-views", "/sessions/official-account", "/me/avatar",
    }  # fmt: skip
    for path, item in document["paths"].items():
        if "post" not in item:
            continue
        names = [one.get("name") for one in item["post"].get("parameters", [])]
        short = re.sub(r"^(/api/v1|/pos/api)", "", path)
        assert ("Idempotency-Key" in names) == (short not in without), path
        keys = [one for one in item["post"].get("parameters", []) if one["in"] == "header"]
        must = [one["required"] for one in keys if one["name"] == "Idempotency-Key"]
        assert must in ([], [short not in OPTIONAL]), path


def test_every_reference_leads_somewhere(document):
    def walk(found):
        if isinstance(found, dict):
            for name, one in found.items():
                if name == "$ref":
                    _, _, kind, target = one.split("/")
                    assert target in document["components"][kind], one
                else:
                    walk(one)
        elif isinstance(found, list):
            for one in found:
                walk(one)

    walk(document)


def test_every_schema_is_one(document):
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_a_problem_is_documented_as_it_is_sent(document):
    [content] = document["components"]["responses"]["DEFAULT_ERROR"]["content"].items()
    assert content[0] == "application/problem+json"
    problem = document["components"]["schemas"]["Problem"]
    assert {"code", "detail", "status", "title", "type"} <= set(problem["required"])
    assert problem["properties"]["code"]["type"] == "string"


def test_whoever_needs_no_token_is_said_to_need_none(world, document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            filled = re.sub(r"\{\w+\}", "1", path)
            answer = world.stranger.send(
                method.upper(), filled, headers={"Idempotency-Key": "k"}, json={}
            )
            is_open = operation.get("security") == []
            unauthenticated = (
                answer.status_code == 401 and answer.json()["code"] == "unauthenticated"
            )
            assert unauthenticated == (not is_open), (method, path, answer.text)
