"""WeChat Pay's side of the signatures: check the merchant's, make our own, seal resources."""

from __future__ import annotations

import base64
import json
import re
import secrets
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_SCHEMA = "WECHATPAY2-SHA256-RSA2048"
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_FIVE_MINUTES = 300


def merchant_signed(
    key: rsa.RSAPublicKey,
    header: str,
    *,
    mchid: str,
    serial: str,
    method: str,
    target: str,
    body: bytes,
) -> bool:
    """Whether the Authorization header is the merchant's. Its parameters come in any order."""
    schema, _, rest = header.partition(" ")
    told = dict(_PARAMETER.findall(rest))
    timestamp, nonce = told.get("timestamp", ""), told.get("nonce_str", "")
    if schema != _SCHEMA or told.get("mchid") != mchid or told.get("serial_no") != serial:
        return False
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > _FIVE_MINUTES:
        return False
    message = b"%b\n%b\n%b\n%b\n%b\n" % (
        method.encode(),
        target.encode(),
        timestamp.encode(),
        nonce.encode(),
        body,
    )
    try:
        signature = base64.b64decode(told.get("signature", ""))
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return bool(nonce)


def signature_headers(
    key: rsa.RSAPrivateKey, key_id: str, body: bytes, *, timestamp: int | None = None
) -> dict[str, str]:
    """The Wechatpay-* headers of an answer or a notification, in public-key mode."""
    stamp = str(int(time.time()) if timestamp is None else timestamp)
    nonce = secrets.token_hex(16)
    message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
    signature = key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    return {
        "Wechatpay-Timestamp": stamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": base64.b64encode(signature).decode(),
        "Wechatpay-Serial": key_id,
        "Wechatpay-Signature-Type": _SCHEMA,
    }


def seal(apiv3_key: bytes, original_type: str, content: dict[str, object]) -> dict[str, str]:
    """The ``resource`` of a notification."""
    nonce = secrets.token_hex(6)
    plain = json.dumps(content).encode()
    sealed = AESGCM(apiv3_key).encrypt(nonce.encode(), plain, original_type.encode())
    return {
        "original_type": original_type,
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": original_type,
        "nonce": nonce,
    }
