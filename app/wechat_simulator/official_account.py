"""The official account's far end: the page that asks who you are, and tickets for the JS-SDK."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, jsonify, redirect, request
from markupsafe import escape
from werkzeug.wrappers import Response as AnyResponse

from app.wechat_simulator.login_api import token_refusal
from app.wechat_simulator.world import world

bp = Blueprint("official_account", __name__)
_NAME = re.compile(r"[\w.\-]{1,64}")


@bp.get("/connect/oauth2/authorize")
def authorize() -> AnyResponse | tuple[str, int]:
    """WeChat knows who its user is; here a name says it (``as``), or is asked for."""
    back = request.args.get("redirect_uri", "")
    known = request.args.get("appid", "") in world().settings.appid_secrets
    if not known or urlsplit(back).scheme not in {"http", "https"}:
        return "redirect_uri or appid", 400
    name = request.args.get("as", "")
    if not _NAME.fullmatch(name):
        return _question(request.args.to_dict()), 200
    query = urlencode({"code": f"demo-{name}", "state": request.args.get("state", "")})
    return redirect(f"{back}{'&' if '?' in back else '?'}{query}")


@bp.get("/cgi-bin/ticket/getticket")
def ticket() -> Response:
    if (refusal := token_refusal()) is not None:
        return refusal
    told = hashlib.sha256(request.args.get("access_token", "").encode()).hexdigest()
    return jsonify(errcode=0, errmsg="ok", ticket=f"kgt8ON7y{told}", expires_in=7200)


def _question(asked: dict[str, str]) -> str:
    kept = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in asked.items()
    )
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>模拟微信</title>'
        f"<h1>模拟微信</h1><p>以谁的微信打开？</p><form>{kept}"
        '<input name="as" value="zhangsan" aria-label="名字"><button>打开</button></form>'
    )
