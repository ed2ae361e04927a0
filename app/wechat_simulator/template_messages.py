"""Template messages (模板消息) of the official account, with the refusals that WeChat gives."""

from __future__ import annotations

import json
import secrets

from flask import Blueprint, Response, jsonify, request

from app.wechat_simulator.login_api import token_refusal, wrong_field
from app.wechat_simulator.world import world

bp = Blueprint("template_messages", __name__)

PATH = "/cgi-bin/message/template/send"
_KNOWN = "demo-account-template-"  # What stands before every template's id of this account.
_LIMIT = "template_limit"


@bp.post(PATH)
def send_template() -> Response:
    """To followers only. ``/_scenario`` knows ``template_limit``: today's number is used up."""
    if (refusal := token_refusal()) is not None:
        return refusal
    told = request.get_json(silent=True)
    data = told.get("data") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(data, dict):
        return _error(47001, "data format error")
    here, openid = world().store, str(told.get("touser", ""))
    follower = here.row("SELECT follows FROM followers WHERE openid = ?", openid)
    known = here.row("SELECT 1 FROM openids WHERE openid = ?", openid)
    if follower is None and known is None:
        return _error(40003, "invalid openid")
    if not str(told.get("template_id", "")).startswith(_KNOWN):
        return _error(40037, "invalid template_id")
    if follower is None or not follower["follows"]:
        return _error(43004, "require subscribe")
    if here.scenario(openid, _LIMIT) is not None:
        return _error(45009, "reach max api daily quota limit")
    if (wrong := wrong_field(data)) is not None:
        return _error(47003, f"argument invalid! data.{wrong}.value invalid")
    return jsonify(errcode=0, errmsg="ok", msgid=_keep(openid, str(told.get("client_msg_id", ""))))


def _keep(openid: str, key: str) -> int:
    """One message of a key to a person: a second one is answered as the first, and not sent."""
    here = world().store
    with here.transaction():
        if key:
            before = here.row(
                "SELECT json_extract(body, '$.msgid') AS msgid FROM messages WHERE path = ?"
                " AND json_extract(body, '$.touser') = ?"
                " AND json_extract(body, '$.client_msg_id') = ?",
                *(PATH, openid, key),
            )
            if before is not None:
                return int(before["msgid"])
        number = 2**60 + secrets.randbits(59)  # As long as WeChat's own are.
        here.add_message(PATH, json.dumps({**request.get_json(), "msgid": number}))
    return number


def _error(code: int, message: str) -> Response:
    return jsonify(errcode=code, errmsg=message)
