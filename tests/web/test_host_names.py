"""A request for a host that is not ours: an answer, not a failure, and nothing of theirs in it."""

from __future__ import annotations

import pytest

PATHS = ("/", "/login/", "/console/", "/goods", "/nowhere", "/static/img/mark.svg", "/healthz")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "x" * 300, "a..b", "kaquan.example@evil.example"]
)
def test_a_stranger_name_is_refused_with_a_sentence(app, monkeypatch, host, path):
    monkeypatch.setitem(app.config, "TRUSTED_HOSTS", ["kaquan.example"])
    answer = app.test_client().get(path, headers={"Host": host})
    assert answer.status_code == 400
    assert answer.mimetype == "text/plain"
    assert "没有这个名字的网站" in answer.text
    assert "evil" not in answer.text


def test_a_program_that_asks_for_a_stranger_name_gets_a_problem(app, monkeypatch):
    monkeypatch.setitem(app.config, "TRUSTED_HOSTS", ["kaquan.example"])
    answer = app.test_client().get("/api/v1/stores", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json["code"]) == (400, "bad_request")


@pytest.mark.parametrize("host", ["x" * 300, "x" * 64 + ".example"])
def test_a_name_that_no_host_can_have_is_refused_anywhere(app, host):
    answer = app.test_client().get("/", headers={"Host": host})
    assert answer.status_code == 400


def test_our_own_name_is_answered(app, monkeypatch):
    monkeypatch.setitem(app.config, "TRUSTED_HOSTS", ["kaquan.example"])
    assert app.test_client().get("/", headers={"Host": "kaquan.example"}).status_code == 200
