"""Signing in and out: opaque tokens of which only digests are kept, so that any can be revoked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash

from app.core.actor import PLATFORM_ROLES, Actor, Role, Scope
from app.core.errors import N_, Category, DomainError
from app.core.keys import new_token, token_digest
from app.models.people import AccessToken, SecondFactor, Staff, StaffStatus
from app.models.tenants import Merchant, MerchantStatus
from app.services import journal

MEMBER_LIFETIME = timedelta(days=30)
STAFF_LIFETIME = timedelta(hours=12)

# Checked when there is no such user, so that both answers take the same time.
_NOBODY = (
    "scrypt:32768:8:1$6lqWcSmY4b1yyNDN$7f8cf0e0b04e0ed3f8a5f0b2d1c5b7a0e4a4f7a8b0f8c7ce2f4b6d6d83a5c1e"
    "b4d6a3c8d7be0f2a1c9e4f5b6d7c8a9b0e1f2d3c4b5a69788796a5b4c3d2e1f00"
)


class SignInRefused(DomainError):
    code = "sign_in_refused"
    category = Category.UNAUTHENTICATED
    template = N_("The user name or the password is wrong.")


class SignInUnfinished(DomainError):
    code = "sign_in_unfinished"
    category = Category.FORBIDDEN
    template = N_("This account needs one more step. Please sign in at the console first.")


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    token: str
    expires_at: datetime


def open_member_session(session: Session, *, member_id: int, now: datetime) -> SignedIn:
    return _open(session, now=now, lifetime=MEMBER_LIFETIME, member_id=member_id)


def sign_in_staff(
    session: Session, *, username: str, password: str, now: datetime
) -> tuple[Staff, SignedIn]:
    """Check a person's password and open a session that carries store and role.

    Raises:
        SignInRefused: As ``check_password`` does.
        SignInUnfinished: The password is right, but the console has more to ask.
    """
    person = check_password(session, username=username, password=password)
    if person.must_change_password or has_second_factor(session, person.id):
        raise SignInUnfinished
    return person, open_staff_session(session, person=person, now=now)


def check_password(session: Session, *, username: str, password: str) -> Staff:
    """Whose password it is.

    Raises:
        SignInRefused: Without saying which of the two was wrong, or that the account or its
            merchant is frozen.
    """
    found = session.execute(
        select(Staff, User.password)
        .join(User, User.id == Staff.user_id)
        .where(User.username == username, _may_come_in())
    ).one_or_none()
    hashed = _NOBODY if found is None or found[1] is None else found[1]
    if not check_password_hash(hashed, password) or found is None:
        raise SignInRefused
    person: Staff = found[0]
    return person


def has_second_factor(session: Session, staff_id: int) -> bool:
    """Whether somebody is asked for a code after the password."""
    confirmed = select(SecondFactor.staff_id).where(
        SecondFactor.staff_id == staff_id, SecondFactor.confirmed_at.is_not(None)
    )
    return session.scalar(confirmed) is not None


def fingerprint(session: Session, *, staff_id: int) -> str | None:
    """Changes with the password; None when the person may not come in any more."""
    kept = session.scalar(
        select(User.password)
        .join(Staff, Staff.user_id == User.id)
        .where(Staff.id == staff_id, _may_come_in())
    )
    return None if kept is None else token_digest(kept).hex()[:16]


def open_staff_session(session: Session, *, person: Staff, now: datetime) -> SignedIn:
    """Let somebody in who has shown all that was asked for."""
    signed_in = _open(session, now=now, lifetime=STAFF_LIFETIME, staff_id=person.id)
    journal.audit(
        session,
        "staff.signed_in",
        actor=Actor(
            scope=Scope.store,
            staff_id=person.id,
            merchant_id=person.merchant_id,
            store_id=person.store_id,
        ),
    )
    return signed_in


def _may_come_in() -> ColumnElement[bool]:
    active = select(Merchant.id).where(
        Merchant.id == Staff.merchant_id, Merchant.status == MerchantStatus.active
    )
    return and_(User.active, Staff.status == StaffStatus.active, active.exists())


def revoke_token(session: Session, *, digest: bytes, now: datetime) -> None:
    """End one session: the token is refused from the next call on."""
    session.execute(
        update(AccessToken).where(AccessToken.token_digest == digest).values(revoked_at=now)
    )


def actor_of(
    *,
    member_id: int | None,
    staff_id: int | None,
    merchant_id: int | None,
    store_id: int | None,
    role: str | None,
    digest: bytes,
) -> Actor:
    """Who a token's row (kaquan.authenticate) stands for, and whose rows that one sees."""
    if member_id is not None:
        return Actor(scope=Scope.member, member_id=member_id, token_digest=digest)
    duty = Role[role or ""]
    if duty in PLATFORM_ROLES:
        scope = Scope.platform
    else:
        scope = Scope.merchant if store_id is None else Scope.store
    return Actor(
        scope=scope,
        staff_id=staff_id,
        merchant_id=merchant_id,
        store_id=store_id,
        role=duty,
        token_digest=digest,
    )


def _open(
    session: Session,
    *,
    now: datetime,
    lifetime: timedelta,
    member_id: int | None = None,
    staff_id: int | None = None,
) -> SignedIn:
    token = new_token()
    expires_at = now + lifetime
    session.add(
        AccessToken(
            token_digest=token_digest(token),
            member_id=member_id,
            staff_id=staff_id,
            expires_at=expires_at,
        )
    )
    return SignedIn(token=token, expires_at=expires_at)
