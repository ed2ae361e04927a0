"""Staff open the till from the official account's menu: bound once, without a password."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import requests

from app.core.actor import SYSTEM, Role
from app.core.clock import utc_now
from app.flows.people import staff_wechat
from app.flows.people.staff_wechat import WeChatReturnInvalid
from app.services.people import appointments, second_factors
from app.services.people.sessions import SignInUnfinished
from tests.factories import PASSWORD


class Phone:
    """A browser inside WeChat: it keeps cookies, and WeChat knows whose it is."""

    def __init__(self, world, name):
        self.world, self.name, self.http = world, name, requests.Session()
        self.http.trust_env = False

    def get(self, path, **query):
        url = path if path.startswith("http") else self.world.base_url + path
        return self.http.get(url, params=query, allow_redirects=False, timeout=30)

    def post(self, path, page, **form):
        html = self.get(page).text
        form["csrf_token"] = re.search(r'name="csrf_token" value="([^"]+)"', html)[1]
        return self.http.post(
            self.world.base_url + path, data=form, allow_redirects=False, timeout=30
        )

    def sign_in(self, staff):
        answer = self.post("/login/", "/login/", username=staff.name, password=PASSWORD)
        assert answer.status_code == 302, answer.text

    def through_wechat(self, departed):
        """WeChat asks nothing and sends the browser back; gives the address that it comes to."""
        there = departed.headers.get("Location")
        if there is None:  # A form leads nowhere else by itself: a page does.
            assert departed.status_code == 200, departed.text
            there = departed.headers["Refresh"].partition("url=")[2]
        back = self.get(there.partition("#")[0], **{"as": self.name})
        assert back.status_code == 302, back.text
        return back.headers["Location"]

    def bind(self):
        departed = self.post("/console/own-wechat/bind", "/console/own-wechat/")
        return self.get(self.through_wechat(departed))

    def open_till(self):
        return self.get(self.through_wechat(self.get("/pos/wechat/")))

    def me(self):
        return self.get("/pos/api/me")


@pytest.fixture
def person(world, shop):
    return shop.staff[0]


def _bound(world, person):
    first = Phone(world, f"p{person.id}")
    first.sign_in(person)
    assert first.bind().headers["Location"] == "/console/own-wechat/"
    return first


def test_bound_once_the_menu_opens_the_till_without_a_password(world, person):
    _bound(world, person)
    fresh = Phone(world, f"p{person.id}")
    opened = fresh.open_till()
    assert (opened.status_code, opened.headers["Location"]) == (302, "/pos/")
    assert fresh.me().json()["username"] == person.name


def test_a_wechat_that_nobody_has_bound_opens_nothing(world):
    stranger = Phone(world, "nobody-at-all")
    assert stranger.open_till().status_code == 403
    assert stranger.me().status_code == 401


def test_a_way_back_is_good_once_and_in_its_own_browser_only(world, person):
    _bound(world, person)
    mine, other = Phone(world, f"p{person.id}"), Phone(world, "somebody")
    back = mine.through_wechat(mine.get("/pos/wechat/"))
    assert other.get(back).status_code == 422, "a link that somebody else began"
    assert mine.get(back).status_code == 302
    assert mine.get(back).status_code == 422


def test_a_binding_is_not_begun_by_one_and_ended_by_another(world, shop):
    one, other = (world.make.actor(person) for person in shop.staff)
    gone = staff_wechat.depart(world.context, one)
    with pytest.raises(WeChatReturnInvalid):
        staff_wechat.bind(world.context, other, code="demo-x", state=gone.state)
    with pytest.raises(WeChatReturnInvalid):
        staff_wechat.sign_in(world.context, code="demo-x", state=gone.state)
    assert world.rows("SELECT 1 FROM staff_wechat WHERE staff_id = :id", id=other.staff_id) == []


def test_one_wechat_is_one_person(world, shop):
    one, other = shop.staff
    _bound(world, one)
    thief = Phone(world, f"p{one.id}")
    thief.sign_in(other)
    assert thief.bind().status_code == 409


@pytest.mark.parametrize("end", ["unbind", "suspend"])
def test_unbound_or_suspended_it_opens_nothing_any_more(world, person, end):
    first = _bound(world, person)
    fresh = Phone(world, f"p{person.id}")
    assert fresh.open_till().status_code == 302
    if end == "unbind":
        page = "/console/own-wechat/"
        assert first.post("/console/own-wechat/unbind", page).status_code == 302
    else:
        world.by_superuser("UPDATE staff SET status = 'frozen' WHERE id = %s", person.id)
        assert fresh.me().status_code == 401, "who is in is out at once"
    assert Phone(world, f"p{person.id}").open_till().status_code == 403


def test_a_page_is_signed_for_the_scanner_and_the_ticket_is_fetched_once(world, shop):
    url = f"{world.base_url}/pos/?a=1"
    told = shop.cashier.get("/pos/api/wechat/js-config", url=url + "#redeem").json()
    store = world.context.wechat_account._store
    ticket = store.get(f"wechat-jsapi-ticket:{told['appId']}")
    text = (
        f"jsapi_ticket={ticket}&noncestr={told['nonceStr']}&timestamp={told['timestamp']}&url={url}"
    )
    assert told["signature"] == hashlib.sha1(text.encode()).hexdigest()
    foreign = shop.cashier.get("/pos/api/wechat/js-config", url="https://evil.example/")
    assert foreign.json()["code"] == "foreign_page"


def test_the_way_there_says_whom_it_is_for(world):
    departed = Phone(world, "x").get("/pos/wechat/").headers["Location"]
    asked = parse_qs(urlsplit(departed).query)
    assert asked["appid"] == [world.context.settings.wechat.oa_appid]
    assert asked["redirect_uri"] == [f"{world.base_url}/pos/wechat/return"]
    assert len(asked["state"][0]) > 30


def _refused(world, person):
    """What the menu opens: no session."""
    phone = Phone(world, f"p{person.id}")
    answer = phone.open_till()
    assert phone.me().status_code == 401
    return answer.status_code


def test_a_password_that_was_handed_over_is_changed_first(world, person):
    _bound(world, person)
    world.by_superuser("UPDATE staff SET must_change_password = true WHERE id = %s", person.id)
    assert _refused(world, person) == 403
    world.by_superuser("UPDATE staff SET must_change_password = false WHERE id = %s", person.id)
    assert Phone(world, f"p{person.id}").open_till().status_code == 302


def test_wechat_stands_for_the_password_and_not_for_the_second_factor(world, person):
    _bound(world, person)
    with world.database.unit_of_work(SYSTEM) as session:
        keys = world.context.keys
        secret = second_factors.begin_enrolment(session, staff_id=person.id, keys=keys)
        second_factors.confirm_enrolment(
            session, staff_id=person.id, code=pyotp.TOTP(secret).now(), keys=keys,
            actor=world.make.actor(person), now=utc_now(),
        )  # fmt: skip
    assert _refused(world, person) == 403


def test_who_has_to_set_up_a_second_factor_does_not_come_in_by_wechat(world, shop):
    head = world.make.staff(Role.merchant_admin, merchant=shop.merchant)
    _bound(world, head)
    strict = replace(world.context, settings=replace(world.context.settings, totp_required=True))
    phone = Phone(world, f"p{head.id}")
    back = phone.through_wechat(phone.get("/pos/wechat/"))
    brought = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    with pytest.raises(SignInUnfinished):
        staff_wechat.sign_in(strict, code=brought["code"], state=brought["state"])


def test_a_password_reset_unbinds_the_wechat(world, shop, person):
    _bound(world, person)
    with world.database.unit_of_work(SYSTEM) as session:
        appointments.reset_password(
            session, staff_id=person.id, actor=world.make.actor(shop.staff[1]), now=utc_now()
        )
    assert Phone(world, f"p{person.id}").open_till().status_code == 403
    assert world.rows("SELECT 1 FROM staff_wechat WHERE staff_id = :id", id=person.id) == []
    noted = "SELECT count(*) FROM audit_record WHERE action = 'staff.wechat_unbound'"
    assert world.one(f"{noted} AND subject_id = :id", id=person.id) == 1
