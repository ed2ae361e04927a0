"""The official account end to end: the simulator speaks over HTTP, by another implementation."""

from __future__ import annotations

import dataclasses
import secrets
import time

import pytest
from sqlalchemy import func, select, text

from app.core.actor import SYSTEM, Role
from app.core.clock import utc_now
from app.factory import create_app
from app.flows.messaging import official_account
from app.gateways.wechat.oa_messages import sign
from app.models.official_account import OaFollower, OaReply, OaReplyKind
from app.models.people import MemberIdentity
from app.models.plumbing import OutboxMessage
from app.models.searching import SearchWord
from app.services.messaging.oa_replies import ReplyWordTaken, drop_reply, keep_reply
from app.services.messaging.official_accounts import MenuInvalid, keep_menu, read_menu, write_menu
from app.services.people.erasures import erase_member
from app.services.publishing.search_index import index_store
from app.wechat_simulator.login_api import openid_of, unionid_of
from tests.wechat_far_end import far_end, serving


@pytest.fixture(scope="module")
def account(test_database, tmp_path_factory):
    """The program and WeChat, each listening; ``speak`` is somebody acting in WeChat."""
    with far_end(tmp_path_factory.mktemp("oa")) as wechat:
        settings = dataclasses.replace(
            wechat.settings, database_url=test_database.database_url, home=wechat.settings.home
        )
        app = create_app(settings)
        with serving(app) as base_url:

            def speak(**told):
                callback = f"{base_url}/wechat/oa/callback"
                return wechat.post("/_user/oa", callback=callback, **told).json()

            yield app, speak, settings.wechat
        app.extensions["kaquan"].database.dispose()


def follower(database, name: str, oa) -> OaFollower:
    with database.unit_of_work(SYSTEM) as session:
        return session.scalars(
            select(OaFollower).where(OaFollower.openid == openid_of(oa.oa_appid, name))
        ).one()


def test_following_links_the_member_with_the_same_unionid(account, database, make):
    app, speak, oa = account
    member = make.member()
    with database.unit_of_work(SYSTEM) as session:
        session.add(
            MemberIdentity(
                member_id=member.id, appid="wx-other", openid="o1", unionid=unionid_of("oa-anna")
            )
        )
    told = speak(name="oa-anna", event="subscribe", scene="qrscene_12")
    assert (told["status"], told["answer"][:4]) == (200, "欢迎关注")
    found = follower(database, "oa-anna", oa)
    official_account.link(app.extensions["kaquan"], found.id)
    official_account.link(app.extensions["kaquan"], found.id)
    linked = follower(database, "oa-anna", oa)
    assert (linked.member_id, linked.scene) == (member.id, "qrscene_12")
    speak(name="oa-anna", event="unsubscribe")
    assert follower(database, "oa-anna", oa).unfollowed_at is not None
    speak(name="oa-anna", event="subscribe", at=int(time.time()) + 5)
    assert follower(database, "oa-anna", oa).unfollowed_at is None


def test_whoever_follows_first_and_signs_in_later_is_known_until_erased(account, database):
    app, speak, oa = account
    name = f"oa-late-{secrets.token_hex(6)}"
    speak(name=name, event="subscribe")
    official_account.link(app.extensions["kaquan"], follower(database, name, oa).id)
    assert follower(database, name, oa).member_id is None
    signed_in = app.test_client().post("/api/v1/sessions", json={"code": f"demo-{name}"})
    member_id = int(signed_in.json["member"]["id"])
    follower_id = follower(database, name, oa).id
    with database.unit_of_work(SYSTEM) as session:
        asked = select(func.count()).where(
            OutboxMessage.topic == "oa.followed", OutboxMessage.subject_id == follower_id
        )
        assert session.scalar(asked) == 2, "once for following, once for signing in"
    official_account.link(app.extensions["kaquan"], follower_id)
    assert follower(database, name, oa).member_id == member_id
    with database.unit_of_work(SYSTEM) as session:
        erase_member(session, member_id=member_id, actor=SYSTEM, now=utc_now())
    gone = follower(database, name, oa)
    assert (gone.member_id, gone.unionid) == (None, None)


def test_words_are_answered_from_what_is_published(account, database, make):
    _, speak, _ = account
    store = make.store(name="琉璃厂独角兽店")
    with database.unit_of_work(SYSTEM) as session:
        index_store(session, store_id=store.id)
    assert f"/stores/{store.id}" in speak(name="bob", text="独角兽")["answer"]
    assert "/search" in speak(name="bob", text="<火星>&基地")["answer"]
    assert speak(name="bob", text="火星蘑菇汤")["status"] == 200
    with database.unit_of_work(SYSTEM) as session:
        counted = session.scalars(
            select(SearchWord.found_none).where(SearchWord.word == "火星蘑菇汤")
        )
        assert sum(counted) == 1, "what followers ask for is counted for the operator"


def test_the_same_message_counts_once(account, database):
    _, speak, _ = account
    for _ in range(3):
        assert speak(name="bob", text="你好", msg_id=424242)["status"] == 200
    with database.unit_of_work(SYSTEM) as session:
        counted = session.scalar(
            text("SELECT count(*) FROM oa_message WHERE message_key = '424242'")
        )
    assert counted == 1


@pytest.mark.parametrize(
    "forged", [{"signature": "0" * 40}, {"timestamp": int(time.time()) - 3600}]
)
def test_forged_and_stale_messages_are_refused(account, forged):
    _, speak, _ = account
    assert speak(name="eve", text="hi", **forged)["status"] == 403


def test_rubbish_is_refused_and_the_proof_is_answered(account):
    app, _, oa = account
    client, now = app.test_client(), str(int(time.time()))
    for body in (b"", b"<xml>", b"<!DOCTYPE x><xml/>", b"<xml><Encrypt>AAAA</Encrypt></xml>"):
        assert client.post("/wechat/oa/callback", data=body).status_code == 403
    query = {"timestamp": now, "nonce": "n", "echostr": "echo-1"}
    good = {**query, "signature": sign(oa.oa_token, now, "n")}
    assert client.get("/wechat/oa/callback", query_string=good).text == "echo-1"
    assert client.get("/wechat/oa/callback", query_string=query).status_code == 403


def test_a_menu_is_published(account, database, make):
    app, _, _ = account
    lines = "门店 | https://a.example/stores/\n更多\n- 商品 | https://a.example/goods/"
    staff = make.staff()
    with database.unit_of_work(SYSTEM) as session:
        actor = dataclasses.replace(SYSTEM, staff_id=staff.id)
        menu = keep_menu(session, lines=lines, actor=actor)
    official_account.publish_menu(app.extensions["kaquan"], menu.id)
    with database.unit_of_work(SYSTEM) as session:
        published = session.scalar(
            text("SELECT published_at FROM oa_menu ORDER BY id DESC LIMIT 1")
        )
    assert published is not None
    assert write_menu(read_menu(lines)) == lines


@pytest.mark.parametrize(
    "lines",
    ["", "- 先有下级 | https://a.example", "太长太长太长太长 | https://a.example", "没有网址",
     "脚本 | javascript:alert(1)", "\n".join(f"第{n} | https://a.example" for n in range(4))],
)  # fmt: skip
def test_a_menu_that_wechat_would_refuse_is_refused_here(lines):
    with pytest.raises(MenuInvalid):
        read_menu(lines)


def test_words_are_answered_as_the_platform_wrote(account, make, database):
    _, speak, _ = account
    with database.unit_of_work(SYSTEM) as session:
        for reply in session.scalars(select(OaReply)):
            session.delete(reply)
    written = [
        (OaReplyKind.keyword, ["营业时间", "几点开门"], False, "每天 9:00–21:30"),
        (OaReplyKind.keyword, ["退卡"], True, "请到任一门店办理退卡。"),
        (OaReplyKind.welcome, [], False, "终于等到您！"),
        (OaReplyKind.nothing, [], False, "这个我还不会。"),
    ]
    with database.unit_of_work(SYSTEM) as session:
        for kind, words, anywhere, answer in written:
            keep_reply(session, reply_id=None, kind=kind, words=words, anywhere=anywhere,
                       answer=answer, actor=SYSTEM)  # fmt: skip
    assert speak(name="oa-kim", text=" 几点开门 ")["answer"] == "每天 9:00–21:30"
    assert speak(name="oa-kim", text="请问怎么退卡呢？")["answer"] == "请到任一门店办理退卡。"
    assert speak(name="oa-kim", event="subscribe")["answer"] == "终于等到您！"
    assert speak(name="oa-kim", text="完全没有的东西嗯嗯")["answer"] == "这个我还不会。"
    with database.unit_of_work(SYSTEM) as session, pytest.raises(ReplyWordTaken):
        keep_reply(session, reply_id=None, kind=OaReplyKind.keyword, words=["退卡"],
                   anywhere=False, answer="x", actor=SYSTEM)  # fmt: skip
    with database.unit_of_work(SYSTEM) as session:
        for reply in session.scalars(select(OaReply)):
            drop_reply(session, reply_id=reply.id, actor=SYSTEM)
    assert speak(name="oa-kim", text="几点开门呀呀")["answer"] != "每天 9:00–21:30"


def test_answers_are_kept_at_the_console(app, make, signed_in, database):
    browser = signed_in(make.staff(Role.content_editor))
    path = "/console/official-account/replies/add"
    fields = {"kind": "keyword", "words": "", "answer": "好的"}
    refused = browser.post(path, fields)
    assert refused.status_code == 422
    assert "好的" in refused.text
    done = browser.post(path, {**fields, "words": "怎么走，地址在哪"}, follow_redirects=True)
    assert "怎么走、地址在哪" in done.text
    with database.unit_of_work(SYSTEM) as session:
        reply = session.scalars(select(OaReply).where(OaReply.answer == "好的")).one()
    path = f"/console/official-account/replies/{reply.id}"
    changed = {"kind": "keyword", "words": "怎么走", "answer": "往东走"}
    assert "往东走" in browser.post(f"{path}/edit", changed, follow_redirects=True).text
    assert "往东走" not in browser.post(f"{path}/drop", follow_redirects=True).text
