"""The two keys of WeChat Pay: ours to sign with, theirs to verify by. Read once, at start."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

from config import SettingsError

_MINIMUM_BITS = 2048


def load_merchant_key(path: Path) -> RSAPrivateKey:
    """The merchant's API private key (apiclient_key.pem).

    Raises:
        SettingsError: Missing, unreadable, not RSA, or too short to be WeChat's.
    """
    name = "WECHATPAY_MCH_KEY_FILE"
    pem = _read(path, name)
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"{name} is not an unencrypted PEM private key: {path}") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < _MINIMUM_BITS:
        raise SettingsError(f"{name} is not an RSA key of {_MINIMUM_BITS} bits or more: {path}")
    return key


def load_wechatpay_key(path: Path) -> RSAPublicKey:
    """WeChat Pay's public key (pub_key.pem), the one that WECHATPAY_PUBLIC_KEY_ID names.

    Raises:
        SettingsError: Missing, unreadable, not RSA, or too short to be WeChat's.
    """
    name = "WECHATPAY_PUBLIC_KEY_FILE"
    pem = _read(path, name)
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"{name} is not a PEM public key: {path}") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < _MINIMUM_BITS:
        raise SettingsError(f"{name} is not an RSA key of {_MINIMUM_BITS} bits or more: {path}")
    return key


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{name} cannot be read: {path} ({error.strerror})") from error
