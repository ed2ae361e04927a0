"""The demo's key pairs, made once: the merchant's and WeChat Pay's.

``python -m app.wechat_simulator.keys`` makes them before anything starts.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from app.wechat_simulator.settings import load_simulator_settings


@dataclass(frozen=True, kw_only=True)
class SimulatorKeys:
    merchant: rsa.RSAPublicKey
    wechatpay: rsa.RSAPrivateKey


def ensure_keys(directory: Path) -> SimulatorKeys:
    """Make what is missing. Two that start at once agree on the same keys."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    merchant = _ensure_pair(directory / "merchant_key.pem", directory / "merchant_public.pem")
    wechatpay = _ensure_pair(directory / "wechatpay_key.pem", directory / "wechatpay_public.pem")
    return SimulatorKeys(merchant=merchant.public_key(), wechatpay=wechatpay)


def _ensure_pair(private_path: Path, public_path: Path) -> rsa.RSAPrivateKey:
    if not private_path.exists():
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        draft = _draft(private_path, pem)
        # Whoever links first wins; the other one reads his.
        with suppress(FileExistsError):
            os.link(draft, private_path)
        draft.unlink()
    key = load_pem_private_key(private_path.read_bytes(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey), "only this module writes there"
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if not public_path.exists() or public_path.read_bytes() != public:
        # It follows from the private key, so that racing writers write the same.
        os.replace(_draft(public_path, public), public_path)
    return key


def _draft(path: Path, content: bytes) -> Path:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    return draft


if __name__ == "__main__":
    ensure_keys(load_simulator_settings().directory)
