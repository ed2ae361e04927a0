"""The second factor at the door: asked after the password, once a code, counted like passwords."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pyotp
import pytest

from app.core.actor import Role
from app.services.people import second_factors
from app.web.limits import GUESSING
from tests.factories import PASSWORD
from tests.views.conftest import Browser

_SECRET = re.compile(r'class="key">.*?<code>([A-Z2-7 ]+)</code>', re.DOTALL)
_CODES = re.compile(r"<li><code>([a-z0-9-]+)</code></li>")


def enrol(browser: Browser) -> tuple[str, list[str]]:
    """Through the pages: the key is read from the page, as somebody types it into a phone."""
    own = "/console/second-factor/"
    assert browser.post(f"{own}begin/", form=own).location == own
    secret = _SECRET.search(browser.get(own).text).group(1).replace(" ", "")
    answer = browser.post(f"{own}confirm/", {"code": code_of(secret)}, form=own)
    return secret, _CODES.findall(answer.text)


def code_of(secret: str, steps: int = 0) -> str:
    """A code of the present, or of the steps after it (a phone's clock may be a step ahead)."""
    return pyotp.TOTP(secret).at(int(time.time()) + steps * second_factors.STEP_SECONDS)


@pytest.fixture
def enrolled(browser, make):
    person = make.staff(Role.merchant_admin, merchant=make.merchant())
    browser.sign_in(make.username(person))
    secret, codes = enrol(browser)
    return person, secret, codes


def test_the_key_on_the_page_works_and_the_codes_are_shown_once(browser, enrolled):
    _, _, codes = enrolled
    assert len(set(codes)) == second_factors.RECOVERY_CODES
    page = browser.get("/console/second-factor/").text
    assert not any(code in page for code in codes)
    assert not _SECRET.search(page)


def test_recovery_codes_are_made_anew_for_a_code_of_the_phone_only(app, make, browser, enrolled):
    person, secret, old = enrolled
    own = "/console/second-factor/"
    for wrong in ("000000", old[0], ""):
        assert browser.post(f"{own}renew/", {"code": wrong}, form=own).status_code == 422
    answer = browser.post(f"{own}renew/", {"code": code_of(secret, 1)}, form=own)
    fresh = _CODES.findall(answer.text)
    assert len(set(fresh)) == second_factors.RECOVERY_CODES
    assert not set(fresh) & set(old)
    other = Browser(app.test_client())
    other.sign_in(make.username(person))
    assert other.post("/login/code/", {"code": old[1]}).status_code == 422
    assert other.post("/login/code/", {"code": fresh[0]}).status_code == 302


def test_one_turns_ones_own_off_with_the_phone_in_hand(app, make, browser, enrolled):
    person, secret, codes = enrolled
    own = "/console/second-factor/"
    assert browser.post(f"{own}end/", {"code": codes[0]}, form=own).status_code == 422
    assert browser.post(f"{own}end/", {"code": code_of(secret, 1)}, form=own).location == own
    again = browser.post(f"{own}end/", {"code": code_of(secret, 1)}, form=own)
    assert again.status_code in {409, 422}  # Sent twice: it is off, and says so.
    other = Browser(app.test_client())
    assert "/login/code/" not in other.sign_in(make.username(person)).location


def test_the_password_alone_opens_nothing_any_more(app, make, enrolled):
    person, secret, _ = enrolled
    thief = Browser(app.test_client())
    assert thief.sign_in(make.username(person), then="/console/staff/list/").location == (
        "/login/code/?next=/console/staff/list/"
    )
    assert thief.get("/console/").location.startswith("/login/")
    wrong = thief.post("/login/code/", {"code": "123456x"})
    assert wrong.status_code == 422
    right = thief.post("/login/code/?next=/console/staff/list/", {"code": code_of(secret, 1)})
    assert right.location == "/console/staff/list/"
    assert thief.get("/console/").status_code == 200


def test_a_code_that_was_seen_over_the_shoulder_is_worth_nothing(app, make, enrolled):
    person, secret, codes = enrolled
    seen = code_of(secret, 1)
    first, second = Browser(app.test_client()), Browser(app.test_client())
    for browser, status in ((first, 302), (second, 422)):
        browser.sign_in(make.username(person))
        assert browser.post("/login/code/", {"code": seen}).status_code == status
    assert second.post("/login/code/", {"code": codes[0]}).status_code == 302
    third = Browser(app.test_client())
    third.sign_in(make.username(person))
    assert third.post("/login/code/", {"code": codes[0]}).status_code == 422


def test_guessing_codes_is_stopped_also_with_the_right_one(app, make, enrolled):
    person, secret, _ = enrolled
    guesser = Browser(app.test_client())
    guesser.sign_in(make.username(person))
    for _ in range(int(GUESSING[0].at_once)):
        assert guesser.post("/login/code/", {"code": "no-such"}).status_code == 422
    assert guesser.post("/login/code/", {"code": code_of(secret, 1)}).status_code == 422
    assert guesser.get("/console/").location.startswith("/login/")


def test_nobody_comes_to_a_step_without_the_one_before(browser):
    for step in ("code", "password", "second-factor"):
        assert browser.get(f"/login/{step}/").location == "/login/"
        answer = browser.post(f"/login/{step}/", {"code": "1"}, form="/login/")
        assert answer.location == "/login/"


def test_a_ticket_dies_with_the_password_it_was_given_for(app, make, signed_in, enrolled):
    person, secret, _ = enrolled
    waiting = Browser(app.test_client())
    waiting.sign_in(make.username(person))
    admin = signed_in(make.staff())
    path = f"/console/staff/password/{person.id}"
    assert admin.post(path).status_code == 200
    answer = waiting.post("/login/code/", {"code": code_of(secret, 1)}, form="/login/")
    assert answer.status_code in {302, 422}
    assert waiting.get("/console/").location.startswith("/login/")


def test_the_till_is_not_a_way_around(app, make, enrolled):
    person, _, _ = enrolled
    answer = app.test_client().post(
        "/pos/api/sessions", json={"username": make.username(person), "password": PASSWORD}
    )
    assert (answer.status_code, answer.json["code"]) == (403, "sign_in_unfinished")


def test_a_platform_administrator_takes_it_off_for_another_person(app, make, signed_in, enrolled):
    person, _, _ = enrolled
    admin_person = make.staff()
    admin = signed_in(admin_person)
    assert "second-factor/reset" in admin.get(f"/console/staff/show/{person.id}").text
    path = f"/console/staff/second-factor/reset/{person.id}"
    assert admin.post(path, {"reason": ""}).status_code == 422
    assert admin.post(path, {"reason": "手机丢失，已电话核实"}).status_code == 302
    assert Browser(app.test_client()).sign_in(make.username(person)).location == "/console/"
    enrol(admin)
    own = f"/console/staff/second-factor/reset/{admin_person.id}"
    assert admin.post(own, {"reason": "自己"}).status_code == 422


def test_where_it_is_required_nobody_comes_in_without(app, make, monkeypatch):
    context = app.extensions["kaquan"]
    required = replace(context, settings=replace(context.settings, totp_required=True))
    monkeypatch.setitem(app.extensions, "kaquan", required)
    person = make.staff(Role.merchant_finance, merchant=make.merchant())
    browser = Browser(app.test_client())
    step = "/login/second-factor/"
    assert browser.sign_in(make.username(person)).location == step
    assert browser.post(step, {"begin": "1"}).location == step
    secret = _SECRET.search(browser.get(step).text).group(1).replace(" ", "")
    assert browser.post(step, {"code": "000000x"}).status_code == 422
    assert browser.get("/console/").location.startswith("/login/")
    shown = browser.post(step, {"code": code_of(secret)})
    assert len(_CODES.findall(shown.text)) == second_factors.RECOVERY_CODES
    assert browser.get("/console/").status_code == 200
    cashier = Browser(app.test_client())
    assert (
        cashier.sign_in(make.username(make.staff(Role.cashier, make.store()))).location == "/pos/"
    )
