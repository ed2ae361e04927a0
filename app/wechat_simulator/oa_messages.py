"""The official account as WeChat plays it: who somebody is, the menu, what is sent to us."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from xml.sax.saxutils import escape, unescape

import requests
from flask import Blueprint, Response, jsonify, request
from wechatpy.crypto import WeChatCrypto

from app.wechat_simulator.login_api import openid_of, token_refusal, unionid_of
from app.wechat_simulator.world import world

bp = Blueprint("oa_messages", __name__)


@bp.get("/cgi-bin/user/info")
def user_info() -> Response:
    if (refusal := token_refusal()) is not None:
        return refusal
    openid = request.args.get("openid", "")
    row = world().store.row("SELECT * FROM followers WHERE openid = ?", openid)
    if row is None:
        return jsonify(errcode=40003, errmsg="invalid openid")
    if not row["follows"]:
        return jsonify(subscribe=0, openid=openid)
    name = str(row["name"])
    person = {} if name.endswith("-x") else {"unionid": unionid_of(name)}
    return jsonify(subscribe=1, openid=openid, **person)


@bp.post("/cgi-bin/menu/create")
def create_menu() -> Response:
    if (refusal := token_refusal()) is not None:
        return refusal
    told = request.get_json(silent=True)
    if not isinstance(told, dict) or not 1 <= len(told.get("button", [])) <= 3:
        return jsonify(errcode=40016, errmsg="invalid button size")
    world().store.add_message(request.path, request.get_data(as_text=True))
    return jsonify(errcode=0, errmsg="ok")


@bp.post("/_user/oa")
def speak() -> tuple[Response, int]:
    """``{"name", "event": subscribe|unsubscribe|SCAN | "text", "callback"}``: somebody acts."""
    told = request.get_json(silent=True) or {}
    here = world()
    keys = here.settings.official_account
    assert keys is not None, "a simulator with an official account"
    openid = openid_of(keys.appid, str(told.get("name", "alice")))
    follows = str(told.get("event", "")).lower() != "unsubscribe"
    here.store.keep_follower(openid, str(told.get("name", "alice")), follows=follows)
    crypto = WeChatCrypto(keys.token, keys.aes_key, keys.appid)
    nonce, timestamp = secrets.token_hex(8), str(told.get("timestamp") or int(time.time()))
    sealed = crypto.encrypt_message(_message(openid, told), nonce, timestamp)
    query = {
        "timestamp": timestamp,
        "nonce": nonce,
        "msg_signature": str(told.get("signature") or _part(sealed, "MsgSignature")),
    }
    callback = str(told.get("callback") or here.settings.oa_callback)
    answer = requests.post(callback, params=query, data=sealed.encode(), timeout=5)
    said = answer.text
    if said.startswith("<xml>"):
        plain = crypto.decrypt_message(
            said, _part(said, "MsgSignature"), _part(said, "TimeStamp"), _part(said, "Nonce")
        )
        said = unescape(_part(plain, "Content"))
    return jsonify(status=answer.status_code, answer=said), 200


def _message(openid: str, told: dict[str, object]) -> str:
    common = (
        f"<ToUserName>gh_demo</ToUserName><FromUserName>{openid}</FromUserName>"
        f"<CreateTime>{told.get('at') or int(time.time())}</CreateTime>"
    )
    if told.get("text") is not None:
        number = told.get("msg_id") or secrets.randbits(60)
        return (
            f"<xml>{common}<MsgType>text</MsgType><MsgId>{number}</MsgId>"
            f"<Content>{escape(str(told['text']))}</Content></xml>"
        )
    return (
        f"<xml>{common}<MsgType>event</MsgType><Event>{escape(str(told.get('event')))}</Event>"
        f"<EventKey>{escape(str(told.get('scene', '')))}</EventKey>{_outcome(told)}</xml>"
    )


def _outcome(told: Mapping[str, object]) -> str:
    """What became of a template message, as its event tells."""
    if "msgid" not in told:
        return ""
    status = escape(str(told.get("status", "success")))
    return f"<MsgID>{told['msgid']}</MsgID><Status>{status}</Status>"


def _part(xml: str, name: str) -> str:
    """The text of one element, as WeChat's own examples write it or without CDATA."""
    text = xml.split(f"<{name}>")[1].split(f"</{name}>")[0]
    return text.removeprefix("<![CDATA[").removesuffix("]]>")
