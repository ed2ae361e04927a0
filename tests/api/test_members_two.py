"""The official account beside the mini-program, messages in WeChat, pictures to scan."""

from __future__ import annotations

import hashlib
import io
import json
import uuid
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import zxingcpp
from PIL import Image

from app.core.clock import utc_now

ALL = ["paid", "topped_up", "gift_claimed", "gift_returned", "refunded", "expiring"]


@pytest.fixture
def name():
    return uuid.uuid4().hex[:20]


def _through_official_account(world, name):
    """As the app in WeChat's browser: there and back, then the code for a token."""
    query = "page=pages/signin/index&state=0123456789abcdefXYZ"
    gone = world.stranger.get(f"/api/v1/sessions/official-account?{query}")
    assert gone.status_code == 200, gone.text
    address = gone.json()["url"].partition("#")[0]
    assert parse_qs(urlsplit(address).query)["scope"] == ["snsapi_userinfo"]
    back = requests.get(address, params={"as": name}, allow_redirects=False, timeout=30)
    came = urlsplit(back.headers["Location"])
    assert came.path == "/m/pages/signin/index"
    told = parse_qs(came.query)
    assert told["state"] == ["0123456789abcdefXYZ"]
    signed = world.stranger.post(
        "/api/v1/sessions/official-account", {"code": told["code"][0]}, key=""
    )
    assert signed.status_code == 201, signed.text
    return world.with_token(signed.json()["access_token"]), signed.json()["member"]["id"]


def test_one_person_is_one_member_in_both_apps(world, name):
    _, by_account = _through_official_account(world, name)
    mini = world.sign_in_member(name)
    assert mini.get("/api/v1/me").json()["id"] == by_account


def test_a_code_of_wechat_that_is_none_signs_nobody_in(world):
    told = world.stranger.post("/api/v1/sessions/official-account", {"code": "made-up"}, key="")
    assert (told.status_code, told.json()["code"]) == (422, "login_code_invalid")
    away = world.stranger.get(
        "/api/v1/sessions/official-account?page=//evil.example/x&state=0123456789abcdef"
    )
    assert away.status_code == 422


def test_a_phone_joins_both_accounts_when_the_member_wants_it(world, shop, name):
    """An app without an open platform: WeChat tells no unionid, the number shows who it is."""
    phone = {"code": f"phone-{world.phone()}"}
    mini = world.sign_in_member(f"{name}-x")
    assert mini.post("/api/v1/me/phone", phone).status_code == 200
    member_id = int(mini.get("/api/v1/me").json()["id"])
    world.rows("SELECT 1")
    browser, other_id = _through_official_account(world, f"{name}-x")
    assert int(other_id) != member_id
    member = type("Known", (), {"id": member_id})
    world.make.card(member, shop.program, principal_fen=40_00, bonus_fen=5_00)
    world.make.card(type("Known", (), {"id": int(other_id)}), shop.program, principal_fen=7_00)
    refused = browser.post("/api/v1/me/phone", phone)
    assert (refused.status_code, refused.json()["code"]) == (409, "phone_already_bound")
    assert refused.json()["can_join"] is True
    joined = browser.post("/api/v1/me/phone", {**phone, "join": True})
    assert joined.status_code == 200, joined.text
    assert {world.balance(browser), world.balance(mini)} == {52_00}
    assert browser.get("/api/v1/me").json() == mini.get("/api/v1/me").json()


def _agree(client, kinds):
    offered = client.post("/api/v1/me/notices", {"kinds": kinds}, key="")
    assert offered.status_code == 200, offered.text
    return {one["kind"]: one["remaining"] for one in offered.json()["items"]}


def _messages(world, openid):
    told = requests.get(
        f"{world.context.settings.wechat.api_base}/_state/messages", timeout=30
    ).json()
    bodies = [json.loads(one["body"]) for one in told["items"] if "subscribe" in one["path"]]
    return [body for body in bodies if body["touser"] == openid]


def test_a_member_hears_once_of_what_she_agreed_to(world, shop):
    member, client = world.rich(shop, 100_00)
    openid = world.one("SELECT openid FROM member_identity WHERE member_id = :id", id=member.id)
    appid = world.context.settings.wechat.mini_appid
    world.by_superuser("UPDATE member_identity SET appid = %s WHERE openid = %s", appid, openid)
    assert _agree(client, ["paid"])["paid"] == 1
    paying = {"pay_point": shop.pay_point.token, "amount_fen": 12_50}
    for _ in range(2):
        assert client.post("/api/v1/payments", paying).status_code == 201
    world.jobs.run()
    [message] = _messages(world, openid)
    assert message["data"]["thing1"] == {"value": "付款成功"}
    assert message["data"]["amount2"] == {"value": "12.50元"}
    assert message["page"] == "pages/records/index"
    seen = world.rows("SELECT status, tries FROM notice WHERE member_id = :id", id=member.id)
    assert seen == [("sent", 1)]
    assert _agree(client, ["refunded"]) == dict.fromkeys(ALL, 0) | {"refunded": 1}


def test_a_gift_that_comes_back_and_value_that_expires_are_told(world, shop):
    member, client = world.rich(shop, 50_00)
    openid = world.one("SELECT openid FROM member_identity WHERE member_id = :id", id=member.id)
    appid = world.context.settings.wechat.mini_appid
    world.by_superuser("UPDATE member_identity SET appid = %s WHERE openid = %s", appid, openid)
    world.jobs.run()  # The top-up that made her rich is old news.
    _agree(client, ALL)
    sent = client.post("/api/v1/gifts", {"amount_fen": 20_00, "message": "生日快乐"}).json()
    world.by_superuser(
        "UPDATE gift SET expires_at = now() - interval '1 second' WHERE id = %s", int(sent["id"])
    )
    soon = utc_now() + timedelta(days=3)
    world.by_superuser(
        "UPDATE lot SET expires_at = %s WHERE card_id IN"
        " (SELECT id FROM card WHERE member_id = %s)", soon, member.id,
    )  # fmt: skip
    world.jobs.run_task("return_expired_gifts")
    world.jobs.run_task("tell_of_expiry")
    world.jobs.run()
    titles = {body["data"]["thing1"]["value"] for body in _messages(world, openid)}
    assert titles == {"赠礼已退回您的卡", "卡内金额即将到期"}
    world.jobs.run_task("tell_of_expiry")
    world.jobs.run()
    assert len(_messages(world, openid)) == 2


def test_pictures_open_the_gift_and_the_payment(world, shop):
    _, client = world.rich(shop, 50_00)
    gift = client.post("/api/v1/gifts", {"amount_fen": 20_00, "message": ""}).json()
    ways = {"g": f"/api/v1/gifts/{gift['claim_token']}/code"}
    ways["q"] = f"/api/v1/pay-points/{shop.pay_point.token}/code"
    for letter, path in ways.items():
        token = path.split("/")[-2]
        assert _scanned(client.get(path)) == f"{world.base_url}/{letter}/{token}"
        round_code = _scanned(client.get(f"{path}?form=mini-program"))
        assert round_code == f"simulated-mini-program:pages/landing/index?scene={letter}={token}"
    client.post(f"/api/v1/gifts/{gift['id']}/revoke")
    assert client.get(ways["g"]).status_code == 409
    assert client.get("/api/v1/pay-points/nobody/code").status_code == 404


def _scanned(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("image/")
    picture = Image.open(io.BytesIO(answer.content)).convert("L")
    [seen] = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    return seen.text


def test_a_page_of_the_app_is_signed_and_no_other(world):
    url = f"{world.base_url}/m/pages/scan/index"
    told = world.stranger.get(f"/api/v1/wechat/js-config?url={url}").json()
    ticket = world.context.wechat_account._store.get(f"wechat-jsapi-ticket:{told['appId']}")
    text = (
        f"jsapi_ticket={ticket}&noncestr={told['nonceStr']}&timestamp={told['timestamp']}&url={url}"
    )
    assert told["signature"] == hashlib.sha1(text.encode()).hexdigest()
    foreign = world.stranger.get("/api/v1/wechat/js-config?url=https://evil.example/")
    assert foreign.json()["code"] == "foreign_page"
