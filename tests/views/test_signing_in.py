"""Signing in and out at the consoles, and what a session is worth afterwards."""

from __future__ import annotations

import re
import time
from functools import partial
from statistics import median

import pytest

from app.core.actor import SYSTEM, Role
from app.flows.people import signing_in
from app.models.people import StaffStatus
from app.models.tenants import MerchantStatus
from app.services.people.staff import set_staff_status
from app.services.tenants.merchants import set_merchant_status
from app.web.limits import GUESSING
from tests.factories import PASSWORD
from tests.views.conftest import Browser, csrf_token

NEW = "another-horse-2027"


def test_somebody_signs_in_and_lands_on_the_first_page(browser, make):
    answer = browser.sign_in(make.username(make.staff()))
    assert (answer.status_code, answer.location) == (302, "/console/")
    assert browser.get("/console/").status_code == 200


def test_a_cashier_is_sent_to_the_till(browser, make):
    answer = browser.sign_in(make.username(make.staff(Role.cashier, make.store())))
    assert answer.location == "/pos/"
    assert browser.get("/console/").location == "/pos/"


def test_the_cookie_is_for_this_host_and_not_for_scripts(browser, make):
    cookie = browser.sign_in(make.username(make.staff())).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize("password", ["", "wrong-password", PASSWORD + "x"])
def test_a_wrong_password_is_refused_and_says_not_which_was_wrong(browser, make, password):
    known = browser.sign_in(make.username(make.staff()), password or "x")
    unknown = browser.sign_in("nobody-has-this-name", password or "x")
    assert known.status_code == unknown.status_code == 401
    problems = [re.search(r'role="alert">([^<]+)<', page.text) for page in (known, unknown)]
    said = {problem.group(1) for problem in problems if problem is not None}
    assert len(said) == 1


def test_an_unknown_name_takes_as_long_as_a_known_one(app, make):
    known = make.username(make.staff())
    context = app.extensions["kaquan"]

    def took(username: str) -> float:
        """This thread's own work, hashing above all: other programs' load is none of it."""
        times = []
        for _ in range(5):
            began = time.thread_time()
            with pytest.raises(signing_in.sessions.SignInRefused):
                signing_in.sign_in_staff(context, username=username, password="wrong-password")
            times.append(time.thread_time() - began)
        return median(times)

    assert took("nobody-at-all") > took(known) / 2


def test_guessing_is_stopped_also_with_the_right_password_and_for_names_that_nobody_has(app, make):
    for name in (make.username(make.staff()), "nobody-known-here"):
        browser = Browser(app.test_client())
        at_once = int(GUESSING[0].at_once)
        answers = [browser.sign_in(name, "wrong-password") for _ in range(at_once)]
        assert {answer.status_code for answer in answers} == {401}
        while browser.sign_in(name, "wrong-password").status_code != 429:
            at_once += 1  # A slow machine takes so long that one more guess was free.
            assert at_once < 20
        refused = browser.sign_in(name)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["Retry-After"]) <= 30


def test_the_wait_grows_with_the_guesses():
    waits = [1 / limit.per_second for limit in GUESSING]
    allowed = [limit.at_once for limit in GUESSING]
    assert waits == sorted(waits)
    assert allowed == sorted(allowed)
    assert waits[-1] >= 3600


def test_signing_out_ends_the_session_on_the_server(app, browser, make):
    browser.sign_in(make.username(make.staff()))
    kept = browser.client.get_cookie("kaquan")
    assert kept is not None
    assert browser.post("/logout/", form="/console/password/").location == "/login/"
    thief = app.test_client()
    thief.set_cookie("kaquan", kept.value)
    assert thief.get("/console/").location.startswith("/login/")


def test_a_new_password_ends_all_sessions(app, browser, make):
    name = make.username(make.staff(Role.merchant_admin, merchant=make.merchant()))
    elsewhere = Browser(app.test_client())
    for one in (browser, elsewhere):
        one.sign_in(name)
    fields = {"present": PASSWORD, "wanted": NEW, "again": NEW}
    assert browser.post("/console/password/", fields).location == "/login/"
    for one in (browser, elsewhere):
        assert one.get("/console/").location.startswith("/login/")
    assert browser.sign_in(name).status_code == 401
    assert browser.sign_in(name, NEW).status_code == 302


@pytest.mark.parametrize(
    ("present", "wanted", "again"),
    [
        ("not-the-present-one", NEW, NEW),
        (PASSWORD, NEW, NEW + "x"),
        (PASSWORD, "short", "short"),
        (PASSWORD, "1234567890", "1234567890"),
        (PASSWORD, "aaaaaaaaaaaa", "aaaaaaaaaaaa"),
    ],
)
def test_a_password_that_will_not_do_changes_nothing(signed_in, make, present, wanted, again):
    browser = signed_in(make.staff())
    fields = {"present": present, "wanted": wanted, "again": again}
    answer = browser.post("/console/password/", fields)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert browser.get("/console/").status_code == 200


def test_somebody_frozen_is_out_at_once(browser, make, database):
    staff = make.staff(Role.merchant_admin, merchant=make.merchant())
    browser.sign_in(make.username(staff))
    admin = make.actor(make.staff())
    with database.unit_of_work(SYSTEM) as work:
        set_staff_status(
            work, staff_id=staff.id, status=StaffStatus.frozen, reason="left", actor=admin
        )
    assert browser.get("/console/").location.startswith("/login/")
    assert browser.sign_in(make.username(staff)).status_code == 401


def test_a_frozen_merchants_staff_do_not_come_in(browser, make, database):
    merchant = make.merchant()
    staff = make.staff(Role.merchant_admin, merchant=merchant)
    with database.unit_of_work(SYSTEM) as work:
        set_merchant_status(
            work,
            merchant_id=merchant.id,
            status=MerchantStatus.frozen,
            reason="a test",
            actor=SYSTEM,
        )
    assert browser.sign_in(make.username(staff)).status_code == 401


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/",
        "/\\evil.example",
        "https://evil.example/console/",
        "http:///evil.example",
        "javascript:alert(1)",
        "/\tevil",
        "https:evil.example",
        "evil.example",
    ],
)
def test_nobody_is_sent_to_another_host(browser, make, target):
    name = make.username(make.staff())
    page = browser.client.get("/login/", query_string={"next": target})
    answer = browser.client.post(
        "/login/",
        query_string={"next": target},
        data={"username": name, "password": PASSWORD, "csrf_token": csrf_token(page.text)},
    )
    assert (answer.status_code, answer.location) == (302, "/console/")


def test_one_comes_back_to_where_one_wanted_to_go(browser, make):
    asked = browser.get("/console/payments/list/?status=paid&period=today")
    name = make.username(make.staff())
    answer = browser.post(asked.location, {"username": name, "password": PASSWORD})
    assert answer.location == "/console/payments/list/?status=paid&period=today"


def test_the_language_is_chosen_and_kept(browser, make):
    assert 'lang="zh-CN"' in browser.get("/login/").text
    english = {"Accept-Language": "en"}
    assert 'lang="zh-CN"' in browser.get("/login/", headers=english).text
    browser.get("/console/lang/en", headers={"Referer": "http://localhost/login/"})
    assert 'lang="en"' in browser.get("/login/").text
    browser.sign_in(make.username(make.staff()))
    assert 'lang="en"' in browser.get("/console/").text
    assert browser.get("/console/lang/fr").status_code == 404


def test_pages_are_kept_in_no_cache_and_run_no_foreign_script(signed_in, make):
    answer = signed_in(make.staff()).get("/console/")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', answer.text)
    assert "<script>" not in answer.text
    assert " onclick=" not in answer.text
    assert " style=" not in answer.text


def test_the_json_faces_know_nothing_of_consoles(app):
    """Their answers depend on no cookie, and none of the consoles' hooks looks at the database."""
    for path in ("/api/v1/stores", "/api/v1/me", "/healthz"):
        answer = app.test_client().get(path)
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers.get("Vary", "")
    assert app.test_client().post("/api/v1/me/phone", json={}).status_code == 401


def test_a_till_in_the_browser_works_with_the_consoles_cookie_and_its_token(browser, make):
    browser.sign_in(make.username(make.staff(Role.cashier, make.store())))
    assert browser.get("/pos/api/me").status_code == 200
    lookup = partial(browser.client.post, "/pos/api/vouchers/lookup", json={"code": "typo"})
    assert lookup().status_code == 400
    token = csrf_token(browser.get("/console/password/").text)
    assert lookup(headers={"X-CSRF-Token": token}).status_code == 422
    assert browser.get("/api/v1/me").status_code == 401
