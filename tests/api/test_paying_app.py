"""An order is paid in the app where its payer is signed in: mini-program or official account."""

from __future__ import annotations

import uuid

import pytest
import requests


@pytest.fixture
def apps(world):
    wechat = world.context.settings.wechat
    return wechat.mini_appid, wechat.oa_appid


def test_in_the_official_account_the_order_is_that_apps(world, shop, apps):
    """The simulator refuses an openid of another app, as WeChat does."""
    member = _in_official_account(world, f"paying-{uuid.uuid4().hex}")
    begun = _pay(member, shop)
    assert begun["wechat_pay"]["appId"] == apps[1]
    assert _order(world, begun["payment_no"])["appid"] == apps[1]
    world.confirm_in_wechat(begun)
    world.jobs.run_until(lambda: _status(member, begun) == "paid")
    assert not _delivered(world, begun["payment_no"])


def test_the_same_person_pays_in_either_app(world, shop, apps):
    name = f"paying-{uuid.uuid4().hex}"
    in_account, in_mini = _in_official_account(world, name), world.sign_in_member(name)
    for client, appid in ((in_account, apps[1]), (in_mini, None), (in_account, apps[1])):
        begun = _pay(client, shop)
        assert begun["wechat_pay"].get("appId") == appid
        seen = client.get(f"/api/v1/payments/{begun['id']}").json()
        assert seen["wechat_pay"].get("appId") == appid
        client.post(f"/api/v1/payments/{begun['id']}/close", {})


def test_a_top_up_is_paid_where_it_was_begun(world, shop, apps):
    member = _in_official_account(world, f"paying-{uuid.uuid4().hex}")
    body = {"amount_fen": 100_00, "program_id": str(shop.program.id)}
    begun = member.post("/api/v1/top-ups", body).json()
    assert begun["wechat_pay"]["appId"] == apps[1]
    assert _order(world, begun["top_up_no"])["appid"] == apps[1]
    world.confirm_in_wechat(begun)
    path = f"/api/v1/top-ups/{begun['id']}"
    world.jobs.run_until(lambda: member.get(path).json()["status"] == "credited")


def test_what_a_cashier_starts_is_paid_where_the_member_is(world, shop, apps):
    member = _in_official_account(world, f"paying-{uuid.uuid4().hex}")
    code = member.post("/api/v1/me/payment-code", {}).json()["code"]
    charged = shop.cashier.post("/pos/api/payments", {"payment_code": code, "amount_fen": 900})
    assert charged.status_code == 201, charged.text
    [waiting] = member.get("/api/v1/me/payments", status="pending").json()["items"]
    assert waiting["wechat_pay"]["appId"] == apps[1]
    world.confirm_in_wechat(waiting)
    world.jobs.run_until(lambda: _status(member, waiting) == "paid")


def test_the_mini_programs_orders_are_told_as_delivered(world, shop, apps):
    member = world.sign_in_member()
    begun = _pay(member, shop)
    world.confirm_in_wechat(begun)
    world.jobs.run_until(lambda: _status(member, begun) == "paid")
    world.jobs.run_until(lambda: _delivered(world, begun["payment_no"]))


def _in_official_account(world, name):
    answer = world.stranger.post(
        "/api/v1/sessions/official-account", {"code": f"demo-{name}"}, key=""
    )
    assert answer.status_code == 201, answer.text
    return world.with_token(answer.json()["access_token"])


def _pay(client, shop):
    body = {"pay_point": shop.pay_point.token, "amount_fen": 12_00}
    answer = client.post("/api/v1/payments", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def _status(client, payment):
    return client.get(f"/api/v1/payments/{payment['id']}").json()["status"]


def _order(world, order_no):
    return world.wechat.state(order_no)["order"]


def _delivered(world, order_no):
    told = requests.get(f"{world.wechat.base_url}/_state/messages", timeout=20).json()["items"]
    return any(order_no in one["body"] for one in told if "shipping" in one["path"])
