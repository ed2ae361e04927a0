from __future__ import annotations

import base64
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from app.gateways.wechat import signing
from app.gateways.wechat.keys import load_merchant_key, load_wechatpay_key
from app.gateways.wechat.signing import DecryptionRejected, SealedResource
from config import SettingsError

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NOW = datetime(2026, 11, 23, tzinfo=UTC).timestamp()


@pytest.fixture
def pem(tmp_path: Path) -> tuple[Path, Path]:
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    private.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(
        KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


def test_openssl_makes_the_same_signature(pem: tuple[Path, Path]) -> None:
    """PKCS1v15 has no randomness: an independent program must come to the same bytes."""
    message = "GET\n/v3/certificates\n1554208460\n593BEC0C930BF1AFEB40B4A08C8FB242\n\n"
    theirs = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", str(pem[0])],
        input=message.encode(),
        capture_output=True,
        check=True,
    ).stdout
    assert signing.sign(KEY, message) == base64.b64encode(theirs).decode()
    assert signing.verify(KEY.public_key(), message.encode(), signing.sign(KEY, message))


def test_authorization_signs_method_target_time_nonce_and_body() -> None:
    header = signing.authorization(
        KEY,
        mchid="1900000001",
        serial="ABC",
        method="POST",
        target="/v3/x?y=1",
        timestamp=1554208460,
        nonce="n1",
        body='{"a":1}',
    )
    expected = signing.sign(KEY, 'POST\n/v3/x?y=1\n1554208460\nn1\n{"a":1}\n')
    assert header == (
        'WECHATPAY2-SHA256-RSA2048 mchid="1900000001",nonce_str="n1",timestamp="1554208460",'
        f'serial_no="ABC",signature="{expected}"'
    )


def test_pay_sign_covers_appid_time_nonce_and_package() -> None:
    signed = signing.pay_sign(KEY, appid="wx1", timestamp="1", nonce="n", prepay_id="p")
    assert signed == signing.sign(KEY, "wx1\n1\nn\nprepay_id=p\n")


def test_decryption_agrees_with_the_published_vector() -> None:
    """AES-256-GCM with a zero key, nonce and block: test case 14 of the GCM specification."""
    sealed = bytes.fromhex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
    resource = SealedResource(
        algorithm="AEAD_AES_256_GCM",
        ciphertext=base64.b64encode(sealed).decode(),
        nonce="\x00" * 12,
        associated_data="",
    )
    assert signing.decrypt_resource(bytes(32), resource) == bytes(16)


@pytest.mark.parametrize(
    ("algorithm", "ciphertext", "nonce", "associated"),
    [
        ("AEAD_SM4_GCM", "AAAA", "n" * 12, ""),
        ("AEAD_AES_256_GCM", "not base64", "n" * 12, ""),
        ("AEAD_AES_256_GCM", "密文", "n" * 12, ""),
        ("AEAD_AES_256_GCM", "AAAA", "n" * 12, ""),
        ("AEAD_AES_256_GCM", "A" * 64, "n", ""),
        ("AEAD_AES_256_GCM", "A" * 64, "n" * 12, "\ud800"),
        ("AEAD_AES_256_GCM", "A" * 64, "n" * 12, "wrong"),
    ],
)
def test_what_we_cannot_open_is_refused(
    algorithm: str, ciphertext: str, nonce: str, associated: str
) -> None:
    resource = SealedResource(
        algorithm=algorithm, ciphertext=ciphertext, nonce=nonce, associated_data=associated
    )
    with pytest.raises(DecryptionRejected):
        signing.decrypt_resource(bytes(32), resource)


def test_keys_are_read_and_told_apart(pem: tuple[Path, Path], tmp_path: Path) -> None:
    private, public = pem
    assert load_merchant_key(private).private_numbers() == KEY.private_numbers()
    assert load_wechatpay_key(public).public_numbers() == KEY.public_key().public_numbers()
    with pytest.raises(SettingsError, match="WECHATPAY_MCH_KEY_FILE"):
        load_merchant_key(public)
    with pytest.raises(SettingsError, match="WECHATPAY_PUBLIC_KEY_FILE"):
        load_wechatpay_key(private)
    with pytest.raises(SettingsError, match="cannot be read"):
        load_merchant_key(tmp_path / "missing.pem")
