"""The cryptography of WeChat Pay APIv3 in public-key mode: sign, verify, decrypt. No network."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

SCHEMA = "WECHATPAY2-SHA256-RSA2048"
CLOCK_SKEW_SECONDS = 300
PROBE_PREFIX = "WECHATPAY/SIGNTEST/"  # WeChat asks with these whether we verify at all.
_AEAD = "AEAD_AES_256_GCM"
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


class SignatureRejected(Exception):
    """What came was not signed, just now, by a key that we accept.

    Attributes:
        reason: A fixed word, fit for logs and metrics.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DecryptionRejected(Exception):
    """The resource was not sealed with our APIv3 key, or was altered."""


@dataclass(frozen=True, kw_only=True)
class SealedResource:
    """The encrypted part of a notification, still in WeChat's own fields."""

    algorithm: str
    ciphertext: str
    nonce: str
    associated_data: str


def sign(key: RSAPrivateKey, message: str) -> str:
    """RSASSA-PKCS1v15 with SHA-256, in base64."""
    return base64.b64encode(key.sign(message.encode(), PKCS1v15(), SHA256())).decode()


def verify(key: RSAPublicKey, message: bytes, signature: str) -> bool:
    try:
        raw = base64.b64decode(signature.encode("ascii"), validate=True)
        key.verify(raw, message, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, UnicodeEncodeError):
        return False
    return True


def authorization(
    key: RSAPrivateKey,
    *,
    mchid: str,
    serial: str,
    method: str,
    target: str,
    timestamp: int,
    nonce: str,
    body: str,
) -> str:
    """The Authorization header of one request. ``target`` is the path with its query."""
    message = f"{method}\n{target}\n{timestamp}\n{nonce}\n{body}\n"
    return (
        f'{SCHEMA} mchid="{mchid}",nonce_str="{nonce}",timestamp="{timestamp}",'
        f'serial_no="{serial}",signature="{sign(key, message)}"'
    )


def pay_sign(key: RSAPrivateKey, *, appid: str, timestamp: str, nonce: str, prepay_id: str) -> str:
    """What the payer's WeChat checks before it shows the amount (JSAPI and mini-program)."""
    return sign(key, f"{appid}\n{timestamp}\n{nonce}\nprepay_id={prepay_id}\n")


def require_signature(
    headers: Mapping[str, str],
    body: bytes,
    *,
    public_keys: Mapping[str, RSAPublicKey],
    now_seconds: float,
) -> None:
    """Check that WeChat Pay signed exactly these bytes within the last five minutes.

    Args:
        headers: Names in lower case.
        public_keys: The accepted keys by their exact serial. An unknown serial is refused
            here and now; nothing is ever fetched because a stranger named it.

    Raises:
        SignatureRejected: With the first check that failed.
    """
    serial = _header(headers, "wechatpay-serial")
    timestamp = _header(headers, "wechatpay-timestamp")
    nonce = _header(headers, "wechatpay-nonce")
    signature = _header(headers, "wechatpay-signature")
    if headers.get("wechatpay-signature-type", SCHEMA) != SCHEMA:
        raise SignatureRejected("unknown_signature_type")
    key = public_keys.get(serial)
    if key is None:
        raise SignatureRejected("unknown_serial")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise SignatureRejected("malformed_timestamp")
    if abs(now_seconds - int(timestamp)) > CLOCK_SKEW_SECONDS:
        raise SignatureRejected("stale_timestamp")
    message = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
    is_probe = signature.startswith(PROBE_PREFIX)
    if not verify(key, message, signature) or is_probe:
        raise SignatureRejected("signature_probe" if is_probe else "bad_signature")


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not value:
        raise SignatureRejected(f"missing_{name.replace('-', '_')}")
    if not value.isascii() or len(value) > 1024:
        raise SignatureRejected(f"malformed_{name.replace('-', '_')}")
    return value


def decrypt_resource(apiv3_key: bytes, resource: SealedResource) -> bytes:
    """Open what WeChat sealed for us. Only after the signature was verified.

    Raises:
        DecryptionRejected: Whatever is wrong with it; never another exception.
    """
    if resource.algorithm != _AEAD:
        raise DecryptionRejected("unknown algorithm")
    try:
        nonce = resource.nonce.encode()
        associated = resource.associated_data.encode()
        sealed = base64.b64decode(resource.ciphertext.encode("ascii"), validate=True)
        # The library refuses nonces shorter than 8 bytes; WeChat's have 12.
        return AESGCM(apiv3_key).decrypt(nonce, sealed, associated)
    except (InvalidTag, ValueError) as error:  # ValueError covers base64, ASCII, surrogates.
        raise DecryptionRejected(type(error).__name__) from error
