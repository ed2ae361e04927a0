"""The secrets that turn codes, phones and tokens into what the database keeps of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from app.core import codes, sealing


@dataclass(frozen=True)
class Keys:
    """Code keys by version (all are looked up, the newest is written), and the key for phones."""

    code_keys: Mapping[int, bytes]
    phone_key: bytes
    secret_key: bytes

    def code_digests(self, code: str) -> list[bytes]:
        """A normalised code's digest under every key version, newest first."""
        return [codes.digest(code, self.code_keys[v]) for v in sorted(self.code_keys, reverse=True)]

    def old_code_digests(self, sha256_hex: str) -> list[bytes]:
        """The same for the code of an imported card, of which perhaps only a hash was known."""
        named = f"old:{sha256_hex}"
        return [
            codes.digest(named, self.code_keys[v]) for v in sorted(self.code_keys, reverse=True)
        ]

    def digests_of_typed(self, typed: str) -> list[bytes]:
        """Every digest that what somebody typed may stand for: our codes', and an old card's."""
        found = []
        try:
            found += self.code_digests(codes.normalise(typed))
        except codes.CodeMistyped:
            pass
        for old in {codes.compact(typed), codes.compact_as_printed(typed)}:
            if codes.could_be_old(old.upper()):
                found += self.old_code_digests(hashlib.sha256(old.encode()).hexdigest())
        return found

    def phone_digest(self, phone: str) -> bytes:
        return sealing.blind_index(phone, key=self.phone_key, purpose="phone")

    def seal_phone(self, phone: str) -> bytes:
        return sealing.seal(phone.encode(), key=self.phone_key, purpose="phone")

    def open_phone(self, sealed: bytes) -> str:
        """The whole number again. Whoever shows it needs the right, a reason and an audit row."""
        return sealing.unseal(sealed, key=self.phone_key, purpose="phone").decode()

    def payment_code_digest(self, code: str) -> bytes:
        return sealing.blind_index(code, key=self.secret_key, purpose="payment-code")

    def gift_token(self, gift_no: str) -> str:
        """The bearer's token of a gift, made from its number, so that it is kept nowhere."""
        mac = hmac.digest(self.secret_key, b"gift:" + gift_no.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(mac[:18]).decode()


def token_digest(token: str) -> bytes:
    """What the database keeps of a bearer token, which is random enough for a bare hash."""
    return hashlib.sha256(token.encode()).digest()


def new_token() -> str:
    return secrets.token_urlsafe(32)


def masked_phone(phone: str) -> str:
    return f"{phone[:3]}****{phone[-4:]}"
