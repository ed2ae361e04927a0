"""The official account's (公众号) messages: signed, encrypted, fresh; and the calls back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from app.gateways.wechat.api import WeChatApi
from app.gateways.wechat.fields import MalformedFields
from app.services.ports import GatewayUnavailable

FRESH_SECONDS = 300
_BLOCK = 32


class OaRejected(Exception):
    """Not believable as WeChat's. The reason is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class OaKeys:
    """What is agreed with WeChat on the account's settings page."""

    appid: str
    token: str
    aes_key: str

    @property
    def key(self) -> bytes:
        return base64.b64decode(self.aes_key + "=")


def open_message(
    keys: OaKeys, query: Mapping[str, str], body: bytes, *, now: datetime
) -> Mapping[str, str]:
    """The fields of a message, once it is proven to be WeChat's, meant for us, and of now.

    Raises:
        OaRejected
    """
    encrypted = _fields(body).get("Encrypt", "")
    check_signature(keys, query, query.get("msg_signature", ""), encrypted, now=now)
    return _fields(_decrypt(keys, encrypted))


def check_signature(
    keys: OaKeys, query: Mapping[str, str], signature: str, *more: str, now: datetime
) -> None:
    """Raises OaRejected for a wrong signature, or one of another time."""
    timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    if not hmac.compare_digest(sign(keys.token, timestamp, nonce, *more), signature):
        raise OaRejected("signature")
    if not timestamp.isdecimal() or abs(now.timestamp() - int(timestamp[:12])) > FRESH_SECONDS:
        raise OaRejected("stale")


def sign(*parts: str) -> str:
    """WeChat's own rule: SHA-1 over the sorted parts. Not ours to choose."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - WeChat's rule


def seal_message(keys: OaKeys, xml: str, *, now: datetime) -> str:
    """A message as it travels, encrypted and signed; in both directions alike."""
    text = xml.encode()
    plain = secrets.token_bytes(16) + struct.pack(">I", len(text)) + text + keys.appid.encode()
    pad = _BLOCK - len(plain) % _BLOCK
    cipher = Cipher(algorithms.AES(keys.key), modes.CBC(keys.key[:16])).encryptor()
    encrypted = base64.b64encode(cipher.update(plain + bytes([pad]) * pad)).decode()
    timestamp, nonce = str(int(now.timestamp())), secrets.token_hex(8)
    signature = sign(keys.token, timestamp, nonce, encrypted)
    return (
        f"<xml><Encrypt>{encrypted}</Encrypt><MsgSignature>{signature}</MsgSignature>"
        f"<TimeStamp>{timestamp}</TimeStamp><Nonce>{nonce}</Nonce></xml>"
    )


def text_reply(message: Mapping[str, str], content: str, *, now: datetime) -> str:
    """An answer in words to whoever sent the message."""
    return (
        f"<xml><ToUserName>{escape(message['FromUserName'])}</ToUserName>"
        f"<FromUserName>{escape(message['ToUserName'])}</FromUserName>"
        f"<CreateTime>{int(now.timestamp())}</CreateTime><MsgType>text</MsgType>"
        f"<Content>{escape(content)}</Content></xml>"
    )


class OfficialAccount:
    """Implements ``ports.WeChatFollowers``."""

    def __init__(self, api: WeChatApi, keys: OaKeys) -> None:
        self._api = api
        self.keys = keys

    def find_unionid(self, openid: str) -> str | None:
        answer = self._api.get("/cgi-bin/user/info", {"openid": openid, "lang": "zh_CN"})
        try:
            return answer.text_or_none("unionid") or None
        except MalformedFields as error:
            raise GatewayUnavailable("WeChat's answer cannot be read") from error

    def publish_menu(self, buttons: Sequence[Mapping[str, object]]) -> None:
        self._api.post("/cgi-bin/menu/create", {"button": list(buttons)})

    def tell_follower(
        self, *, openid: str, template_id: str, url: str, fields: Mapping[str, str], key: str
    ) -> str:
        answer = self._api.post(
            "/cgi-bin/message/template/send",
            {
                "touser": openid,
                "template_id": template_id,
                "url": url,
                "client_msg_id": key,
                "data": {name: {"value": value} for name, value in fields.items()},
            },
        )
        try:
            return answer.number_as_text("msgid")
        except MalformedFields as error:
            raise GatewayUnavailable("WeChat's answer cannot be read") from error


def _decrypt(keys: OaKeys, encrypted: str) -> bytes:
    try:
        raw = base64.b64decode(encrypted, validate=True)
        cipher = Cipher(algorithms.AES(keys.key), modes.CBC(keys.key[:16])).decryptor()
        plain = cipher.update(raw) + cipher.finalize()
    except ValueError as error:
        raise OaRejected("cipher") from error
    pad = plain[-1] if plain else 0
    if not 1 <= pad <= _BLOCK or len(plain) < 20 + pad:
        raise OaRejected("padding")
    [length] = struct.unpack(">I", plain[16:20])
    text, appid = plain[20 : 20 + length], plain[20 + length : -pad]
    if appid != keys.appid.encode():
        raise OaRejected("appid")
    return text


def _fields(xml: bytes) -> dict[str, str]:
    """One level of elements. A document type is refused: nothing of WeChat's has one."""
    if b"<!" in xml.replace(b"<![CDATA[", b""):
        raise OaRejected("doctype")
    try:
        root = ET.fromstring(xml)  # noqa: S314 - without a document type there are no entities
    except ET.ParseError as error:
        raise OaRejected("xml") from error
    return {child.tag: child.text or "" for child in root}
