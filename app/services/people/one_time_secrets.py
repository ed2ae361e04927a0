"""Secrets that are good once and not for long: tickets for a stream, codes that enrol a device."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.keys import token_digest
from app.models.tills import OneTimeSecret, SecretPurpose


def issue_secret(
    session: Session,
    *,
    purpose: SecretPurpose,
    secret: str,
    issuer: Actor | None,
    detail: dict[str, object],
    lifetime: timedelta,
    now: datetime,
) -> datetime:
    """Keep a fresh secret's digest. Returns until when it is good."""
    expires_at = now + lifetime
    session.add(
        OneTimeSecret(
            digest=token_digest(f"{purpose.name}:{secret}"),
            purpose=purpose,
            merchant_id=issuer and issuer.merchant_id,
            store_id=issuer and issuer.store_id,
            staff_id=issuer and issuer.staff_id,
            detail=detail,
            expires_at=expires_at,
        )
    )
    return expires_at


def use_secret(
    session: Session, *, purpose: SecretPurpose, secret: str, now: datetime
) -> OneTimeSecret | None:
    """Use a secret up. None: there is no such one, its time is over, or somebody was quicker."""
    found: OneTimeSecret | None = session.scalars(
        update(OneTimeSecret)
        .where(
            OneTimeSecret.digest == token_digest(f"{purpose.name}:{secret}"),
            OneTimeSecret.purpose == purpose,
            OneTimeSecret.used_at.is_(None),
            OneTimeSecret.expires_at > now,
        )
        .values(used_at=now)
        .returning(OneTimeSecret)
    ).one_or_none()
    return found
