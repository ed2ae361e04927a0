"""Template messages of the official account: to followers who have no agreement left."""

from __future__ import annotations

import dataclasses
import json
import time
import uuid

import pytest
import requests
from sqlalchemy import text

from app.core.actor import SYSTEM
from app.core.notice_templates import NoticeTemplate
from app.flows.messaging import notices
from app.services.ports import GatewayRefused
from app.wechat_simulator.login_api import openid_of

PATH = "/cgi-bin/message/template/send"


class Person:
    """A member with money, known to the official account by a name of her own."""

    def __init__(self, world, shop):
        self.world, self.shop, self.name = world, shop, f"t-{uuid.uuid4().hex}"
        self.member, self.client = world.rich(shop, 500_00)
        world.jobs.run()  # What came before she is known to the account is told to nobody.
        self.oa = world.context.settings.wechat.oa_appid
        self.openid = openid_of(self.oa, self.name)
        world.by_superuser(
            "INSERT INTO member_identity (member_id, appid, openid) VALUES (%s, %s, %s)",
            *(self.member.id, self.oa, self.openid),
        )

    def acts(self, event, **more):
        callback = f"{self.world.base_url}/wechat/oa/callback"
        said = self.world.wechat.post(
            "/_user/oa", name=self.name, event=event, callback=callback, **more
        )
        assert said.json()["status"] == 200, said.text
        self.world.jobs.run()

    def pays(self, fen=7_00):
        body = {"pay_point": self.shop.pay_point.token, "amount_fen": fen}
        paid = self.client.post("/api/v1/payments", body)
        assert paid.status_code == 201, paid.text
        self.world.jobs.run()
        return paid.json()

    def notices(self):
        return self.world.rows(
            "SELECT channel, status, tries, reason FROM notice WHERE member_id = :id ORDER BY id",
            id=self.member.id,
        )

    def got(self):
        told = requests.get(f"{self.world.wechat.base_url}/_state/messages", timeout=20).json()
        bodies = [json.loads(one["body"]) for one in told["items"] if one["path"] == PATH]
        return [body for body in bodies if body["touser"] == self.openid]


@pytest.fixture
def person(world, shop):
    return Person(world, shop)


def test_a_follower_without_an_agreement_is_told_by_the_account(world, person):
    person.acts("subscribe")
    paid = person.pays()
    assert person.notices() == [("official_account", "sent", 1, "")]
    [told] = person.got()
    assert told["template_id"] == "demo-account-template-paid"
    assert told["data"]["thing1"] == {"value": "付款成功"}
    assert told["data"]["amount2"] == {"value": "7.00元"}
    assert told["url"] == f"{world.context.settings.public_base_url}/m/pages/records/index"
    assert paid["status"] == "paid"


def test_whoever_agreed_is_told_by_the_mini_program_and_then_by_the_account(world, person):
    person.acts("subscribe")
    mini = world.context.settings.wechat.mini_appid
    world.by_superuser(
        "INSERT INTO member_identity (member_id, appid, openid) VALUES (%s, %s, %s)",
        *(person.member.id, mini, f"o{uuid.uuid4().hex}"),
    )
    offered = person.client.post("/api/v1/me/notices", {"kinds": ["paid"]}, key="").json()
    assert offered["follows"] is True
    assert "paid" in offered["account_kinds"]
    person.pays()
    person.pays()
    assert [(told[0], told[1]) for told in person.notices()] == [
        ("mini_program", "sent"),
        ("official_account", "sent"),
    ]


def test_an_agreement_that_cannot_be_used_leaves_it_to_the_account(person):
    """She agreed in the mini-program, and is not known there any more: H5 is all she has."""
    person.acts("subscribe")
    person.client.post("/api/v1/me/notices", {"kinds": ["paid"]}, key="")
    person.world.by_superuser(
        "DELETE FROM member_identity WHERE member_id = %s AND appid <> %s",
        *(person.member.id, person.oa),
    )
    person.pays()
    assert person.notices() == [
        ("mini_program", "refused", 1, "no_openid"),
        ("official_account", "sent", 1, ""),
    ]
    assert len(person.got()) == 1


def test_whoever_never_followed_has_no_notice(person):
    person.pays()
    assert person.notices() == []
    assert person.client.get("/api/v1/me/notices").json()["follows"] is False


def test_whoever_follows_no_longer_is_not_told_and_the_log_says_so(person):
    person.acts("subscribe")
    person.acts("unsubscribe")
    person.pays()
    assert person.notices() == [("official_account", "refused", 0, "unfollowed")]
    assert person.got() == []


def test_wechat_knows_better_who_follows(world, person):
    """The event of unfollowing was lost: WeChat refuses with 43004, and we know it from then on."""
    person.acts("subscribe")
    lost = f"{world.wechat.ear.url}"
    world.wechat.post("/_user/oa", name=person.name, event="unsubscribe", callback=lost)
    person.pays()
    person.pays()
    assert person.notices() == [
        ("official_account", "refused", 1, "43004"),
        ("official_account", "refused", 0, "unfollowed"),
    ]


@pytest.mark.parametrize("answer", ["expired", "unknown"])
def test_a_token_that_ended_early_is_fetched_anew(world, person, answer):
    person.acts("subscribe")
    if answer == "expired":
        world.wechat.post("/_user/expire-tokens")
    else:
        store = world.context.wechat_account._store
        store.set(f"wechat-access-token:{person.oa}", "nonsense", 3600)
    person.pays()
    assert person.notices() == [("official_account", "sent", 1, "")]


def test_todays_limit_is_waited_for_and_said_meanwhile(world, person):
    person.acts("subscribe")
    world.wish("template_limit", order_no=person.openid, times=1)
    person.pays()
    assert person.notices() == [("official_account", "waiting", 1, "45009")]
    world.by_superuser(
        "UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE task_name = 'send_notice'"
        " AND status = 'todo'"
    )
    world.jobs.run()
    assert person.notices() == [("official_account", "sent", 2, "")]
    assert len(person.got()) == 1


def test_a_message_that_wechat_could_not_deliver_is_noted_as_such(person):
    person.acts("subscribe")
    person.pays()
    [told] = person.got()
    later = int(time.time()) + 5
    outcome = "TEMPLATESENDJOBFINISH"
    person.acts(outcome, msgid=told["msgid"], status="failed:user block", at=later)
    assert person.notices() == [("official_account", "refused", 1, "user_block")]
    person.acts(outcome, msgid=told["msgid"] + 1, status="success", at=later)
    assert person.notices() == [("official_account", "refused", 1, "user_block")]


def test_value_that_ends_soon_is_told_of_once(world, shop, person):
    person.acts("subscribe")
    lot = world.one("SELECT l.id FROM lot l JOIN card c ON c.id = l.card_id"
                    " WHERE c.member_id = :id LIMIT 1", id=person.member.id)  # fmt: skip
    world.by_superuser("UPDATE lot SET expires_at = now() + interval '2 days' WHERE id = %s", lot)
    world.jobs.run_task("tell_of_expiry")
    world.jobs.run_task("tell_of_expiry")
    assert person.notices() == [("official_account", "sent", 1, "")]
    [told] = person.got()
    assert told["template_id"] == "demo-account-template-expiring"


def test_the_far_end_answers_like_wechat(world, person):
    """Errors that our side provokes only when it is set up wrongly."""
    client, key = world.context.official_account, uuid.uuid4().hex
    told = {"url": "https://a.example", "fields": {"thing1": "付款成功"}, "key": key}
    person.acts("subscribe")
    refused = {
        "40003": {"openid": "nobody", "template_id": "demo-account-template-paid"},
        "40037": {"openid": person.openid, "template_id": "of-another-account"},
        "47003": {"openid": person.openid, "template_id": "demo-account-template-paid",
                  "fields": {"thing1": "字" * 21}},
    }  # fmt: skip
    for code, wrong in refused.items():
        with pytest.raises(GatewayRefused, match=code):
            client.tell_follower(**{**told, **wrong})
    right = {"openid": person.openid, "template_id": "demo-account-template-paid"}
    assert client.tell_follower(**told, **right) == client.tell_follower(**told, **right)
    assert len(person.got()) == 1


def test_a_template_that_wechat_does_not_know_is_refused_for_good(world, person):
    wrong = NoticeTemplate(template_id="of-another-account", fields={"thing1": "title"})
    settings = dataclasses.replace(world.context.settings, account_templates={"paid": wrong})
    person.acts("subscribe")
    paid = person.pays()
    with world.database.unit_of_work(SYSTEM) as session:
        session.execute(
            text("UPDATE notice SET status = 'waiting' WHERE member_id = :id"),
            {"id": person.member.id},
        )
        notice_id = session.scalar(
            text("SELECT id FROM notice WHERE member_id = :id AND subject_id = :paid"),
            {"id": person.member.id, "paid": int(paid["id"])},
        )
    notices.send(dataclasses.replace(world.context, settings=settings), notice_id)
    assert person.notices() == [("official_account", "refused", 2, "40037")]
