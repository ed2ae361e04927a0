"""api.weixin.qq.com: sign-in, phone numbers, tokens and messages. Errors are errcodes under 200."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import re
import time
from collections.abc import Mapping

import zxingcpp
from flask import Blueprint, Response, jsonify, request
from PIL import Image

from app.wechat_simulator.world import world

bp = Blueprint("login_api", __name__)

_LOGIN_CODE = re.compile(r"demo-([\w.\-]{1,64})")
_PHONE_CODE = re.compile(r"phone-(1[0-9]{10})", re.ASCII)
_SCENE = re.compile(r"[A-Za-z0-9!#$&'()*+,/:;=?@\-._~]{1,32}", re.ASCII)
_TOKEN_SECONDS = 7200


def openid_of(appid: str, name: str) -> str:
    """The same person has another openid in each app."""
    return "o" + _digest(f"{appid}:{name}")


def unionid_of(name: str) -> str:
    return "u" + _digest(f"union:{name}")


@bp.get("/sns/jscode2session")
def jscode2session() -> Response:
    appid = request.args.get("appid", "")
    name = _LOGIN_CODE.fullmatch(request.args.get("js_code", ""))
    if not _is_app(appid, request.args.get("secret", "")):
        return _error(40125, "invalid appsecret")
    if name is None:
        return _error(40029, "invalid code")
    return jsonify(
        openid=_known(appid, name[1]),
        **({} if name[1].endswith("-x") else {"unionid": unionid_of(name[1])}),
        session_key=base64.b64encode(hashlib.md5(name[1].encode()).digest()).decode(),  # noqa: S324 - any 16 bytes
    )


@bp.get("/sns/oauth2/access_token")
def oauth_access_token() -> Response:
    appid = request.args.get("appid", "")
    name = _LOGIN_CODE.fullmatch(request.args.get("code", ""))
    if not _is_app(appid, request.args.get("secret", "")):
        return _error(40125, "invalid appsecret")
    if name is None:
        return _error(40029, "invalid code")
    return jsonify(
        access_token=f"user-{name[1]}",
        expires_in=_TOKEN_SECONDS,
        refresh_token=f"refresh-{name[1]}",
        openid=_known(appid, name[1]),
        scope="snsapi_base",
        # As WeChat: only for who was asked. A "-x" at the end is an app without an open platform.
        **({} if name[1].endswith("-x") else {"unionid": unionid_of(name[1])}),
    )


@bp.get("/cgi-bin/token")
def token() -> Response:
    return _token(request.args.to_dict())


@bp.post("/cgi-bin/stable_token")
def stable_token() -> Response:
    return _token(request.get_json(silent=True) or {})


@bp.post("/wxa/business/getuserphonenumber")
def phone_number() -> Response:
    if (refusal := token_refusal()) is not None:
        return refusal
    code = str((request.get_json(silent=True) or {}).get("code", ""))
    if code == "phone-quota":
        return _error(1400001, "功能额度不足")
    number = _PHONE_CODE.fullmatch(code)
    if number is None:
        return _error(40029, "invalid code")
    return jsonify(
        errcode=0,
        errmsg="ok",
        phone_info={
            "phoneNumber": number[1],
            "purePhoneNumber": number[1],
            "countryCode": "86",
            "watermark": {"timestamp": int(time.time()), "appid": ""},
        },
    )


@bp.post("/cgi-bin/message/subscribe/send")
def send_message() -> Response:
    """Refused as WeChat does for who does not want it: a template whose id ends in ``-refused``."""
    if (refusal := token_refusal()) is not None:
        return refusal
    told = request.get_json(silent=True)
    data = told.get("data") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(data, dict) or not told.get("touser"):
        return _error(47001, "data format error")
    if str(told.get("template_id", "")).endswith("-refused"):
        return _error(43101, "user refuse to accept the msg")
    if (wrong := wrong_field(data)) is not None:
        return _error(47003, f"argument invalid! data.{wrong}.value invalid")
    world().store.add_message(request.path, request.get_data(as_text=True))
    return jsonify(errcode=0, errmsg="ok")


def wrong_field(data: Mapping[str, object]) -> str | None:
    """The first field of a message that WeChat does not take: empty, or longer than its kind."""
    for name, field in data.items():
        value = field.get("value") if isinstance(field, dict) else None
        if not value or (name.startswith("thing") and len(str(value)) > 20):
            return name
    return None


@bp.post("/wxa/getwxacodeunlimit")
def draw_code() -> Response:
    """A picture of what is asked for. The real one is round and holds an address of WeChat's."""
    if (refusal := token_refusal()) is not None:
        return refusal
    told = request.get_json(silent=True) or {}
    scene, page = str(told.get("scene", "")), str(told.get("page", ""))
    if not _SCENE.fullmatch(scene):
        return _error(40129, "invalid scene")
    if not page or page.startswith("/") or "?" in page:
        return _error(41030, "invalid page")
    seen = zxingcpp.create_barcode(
        f"simulated-mini-program:{page}?scene={scene}", zxingcpp.BarcodeFormat.QRCode
    ).to_image(scale=6, add_quiet_zones=True)
    out = io.BytesIO()
    picture = memoryview(seen)
    Image.frombytes("L", (picture.shape[1], picture.shape[0]), bytes(picture)).save(out, "PNG")
    return Response(out.getvalue(), mimetype="image/png")


@bp.post("/wxa/sec/order/upload_shipping_info")
def accept_message() -> Response:
    if (refusal := token_refusal()) is not None:
        return refusal
    if not isinstance(request.get_json(silent=True), dict):
        return _error(47001, "data format error")
    world().store.add_message(request.path, request.get_data(as_text=True))
    return jsonify(errcode=0, errmsg="ok")


def _known(appid: str, name: str) -> str:
    openid = openid_of(appid, name)
    world().store.keep_openid(openid, appid)
    return openid


def _token(told: Mapping[str, object]) -> Response:
    appid = str(told.get("appid", ""))
    if not _is_app(appid, str(told.get("secret", ""))):
        return _error(40125, "invalid appsecret")
    return jsonify(
        access_token=_token_of(appid, world().store.token_round()), expires_in=_TOKEN_SECONDS
    )


def _token_of(appid: str, count: int) -> str:
    secret = world().settings.appid_secrets[appid]
    return hmac.new(secret.encode(), f"{appid}{count or ''}".encode(), hashlib.sha256).hexdigest()


def token_refusal() -> Response | None:
    """What WeChat says to a token that is not its own, or of which the time is over."""
    told, current = request.args.get("access_token", ""), world().store.token_round()
    appids = world().settings.appid_secrets
    if told in {_token_of(appid, current) for appid in appids}:
        return None
    if told in {_token_of(appid, count) for appid in appids for count in range(current)}:
        return _error(42001, "access_token expired")
    return _error(40001, "invalid credential, access_token is invalid or not latest")


@bp.post("/_user/expire-tokens")
def expire_tokens() -> Response:
    """The time of every access token that was given out is over."""
    return jsonify(round=world().store.end_tokens())


def _is_app(appid: str, secret: str) -> bool:
    return world().settings.appid_secrets.get(appid) == secret


def _error(code: int, message: str) -> Response:
    return jsonify(errcode=code, errmsg=message)


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())[:27].decode()
