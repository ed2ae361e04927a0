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
from app.core.passwords import NOBODYS_HASH
from app.models.people import AccessToken, SecondFactor, Staff, StaffStatus
from app.models.tenants import Merchant, MerchantStatus, Terminal
from app.services import journal
from app.services.people.pins import forgive

MEMBER_LIFETIME = timedelta(days=30)
STAFF_LIFETIME = timedelta(hours=12)


class SignInRefused(DomainError):
    code = "sign_in_refused"
    category = Category.UNAUTHENTICATED
    template = N_("The user name or the password is wrong.")


class SignInUnfinished(DomainError):
    code = "sign_in_unfinished"
    category = Category.FORBIDDEN
    template = N_("This account needs one more step. Please sign in at the console first.")


class PinInstead(DomainError):
    code = "pin_instead"
    category = Category.FORBIDDEN
    template = N_(
        "This account has two-step sign-in, so its password alone is not enough here. Please type"
        " the PIN on one of the store's terminals."
    )


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    token: str
    expires_at: datetime


def open_member_session(
    session: Session, *, member_id: int, now: datetime, appid: str | None = None
) -> SignedIn:
    """``appid``: the WeChat app (mini-program or official account) that vouches for the member."""
    return _open(session, now=now, lifetime=MEMBER_LIFETIME, member_id=member_id, appid=appid)


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
    hashed = NOBODYS_HASH if found is None or found[1] is None else found[1]
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


def open_staff_session(
    session: Session,
    *,
    person: Staff,
    now: datetime,
    terminal_id: int | None = None,
    how: str | None = None,
) -> SignedIn:
    """Let somebody in who has shown all that was asked for.

    Args:
        how: ``pin`` or ``wechat``, in the place of the password. A PIN is typed on a device that
            the store has enrolled, which stands for the second factor; WeChat's word is not.

    Raises:
        SignInUnfinished: In the place of a password only: the console has more to ask first.
    """
    if how is not None and person.must_change_password:
        raise SignInUnfinished
    if how == "wechat" and has_second_factor(session, person.id):
        raise SignInUnfinished
    opened = _open(
        session, now=now, lifetime=STAFF_LIFETIME, staff_id=person.id, terminal_id=terminal_id
    )
    _note_sign_in(session, person, terminal_id, how)
    return opened


def bind_to_terminal(
    session: Session, *, digest: bytes, terminal: Terminal, how: str, now: datetime
) -> bool:
    """Bind a session to a device of the person's store; another store's ends it. Who has signed in
    by more than a PIN has the wrong PINs there forgotten.

    Args:
        digest: Of a session that is good. On this device already, it stays as it is.
        how: What the session was opened by, for the record.
    """
    token = session.scalars(
        select(AccessToken).where(AccessToken.token_digest == digest).with_for_update()
    ).one()
    assert token.staff_id is not None, "members have no terminals"
    if token.terminal_id == terminal.id:
        return True
    person = session.get_one(Staff, token.staff_id)
    if person.store_id != terminal.store_id:
        token.revoked_at = now
        return False
    token.terminal_id = terminal.id
    forgive(session, staff_id=person.id, terminal_id=terminal.id)
    _note_sign_in(session, person, terminal.id, how)
    return True


@dataclass(frozen=True, kw_only=True)
class PasswordAsked:
    """Whose password is being typed; looked at outside a transaction, since it takes long."""

    password_hash: str | None

    def fits(self, password: str) -> bool:
        """Whether this is the password; for nobody the answer takes as long."""
        known = self.password_hash
        return check_password_hash(known or NOBODYS_HASH, password) and known is not None


def ask_password(session: Session, *, person: Staff | None) -> PasswordAsked:
    if person is None:
        return PasswordAsked(password_hash=None)
    kept = session.scalar(select(User.password).where(User.id == person.user_id))
    return PasswordAsked(password_hash=kept)


def require_own_word(session: Session, *, person: Staff, by_pin: bool) -> None:
    """Refuse somebody's word at a till that another person could give in their name.

    A password that was handed over is known to who made it; with a second factor the password
    alone is nobody's. A PIN works on the store's own devices only, which stand for that factor.

    Raises:
        SignInUnfinished, PinInstead
    """
    if person.must_change_password:
        raise SignInUnfinished
    if not by_pin and has_second_factor(session, person.id):
        raise PinInstead


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
    terminal_id: int | None = None,
    terminal_missing: bool = False,
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
        terminal_id=terminal_id,
        terminal_missing=terminal_missing,
    )


def _may_come_in() -> ColumnElement[bool]:
    active = select(Merchant.id).where(
        Merchant.id == Staff.merchant_id, Merchant.status == MerchantStatus.active
    )
    return and_(User.active, Staff.status == StaffStatus.active, active.exists())


def _note_sign_in(
    session: Session, person: Staff, terminal_id: int | None, how: str | None
) -> None:
    journal.audit(
        session,
        "staff.signed_in",
        actor=Actor(
            scope=Scope.store,
            staff_id=person.id,
            merchant_id=person.merchant_id,
            store_id=person.store_id,
            terminal_id=terminal_id,
        ),
        detail=None if how is None else {"how": how},
    )


def _open(
    session: Session,
    *,
    now: datetime,
    lifetime: timedelta,
    member_id: int | None = None,
    staff_id: int | None = None,
    terminal_id: int | None = None,
    appid: str | None = None,
) -> SignedIn:
    token = new_token()
    expires_at = now + lifetime
    session.add(
        AccessToken(
            token_digest=token_digest(token),
            member_id=member_id,
            staff_id=staff_id,
            terminal_id=terminal_id,
            appid=appid,
            expires_at=expires_at,
        )
    )
    return SignedIn(token=token, expires_at=expires_at)
