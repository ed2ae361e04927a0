"""Encryption of what must be read again (phones, kept answers) and blind indexes to find it by."""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


def seal(plain: bytes, *, key: bytes, purpose: str) -> bytes:
    """AES-256-GCM under a key derived for the purpose; the nonce goes first."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(_derive(key, purpose)).encrypt(nonce, plain, purpose.encode())


def unseal(sealed: bytes, *, key: bytes, purpose: str) -> bytes:
    """Raises cryptography's InvalidTag when the text or the key is not the one it was."""
    box = AESGCM(_derive(key, purpose))
    return box.decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode())


def blind_index(plain: str, *, key: bytes, purpose: str) -> bytes:
    """A keyed hash: equal values are found, nobody without the key can test a guess."""
    return hmac.digest(_derive(key, purpose), plain.encode(), hashlib.sha256)


def _derive(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, b"kaquan:" + purpose.encode(), hashlib.sha256)
