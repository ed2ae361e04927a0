"""Staff: one login each, from a fixed list of roles, at home with one merchant or store."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder.security.sqla.models import Role as ConsoleRole
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from app.core import passwords
from app.core.actor import PLATFORM_ROLES, Actor, Role
from app.core.errors import N_, Category, DomainError
from app.models.base import OPERATOR_ID
from app.models.people import AccessToken, Staff, StaffStatus
from app.models.tenants import Store
from app.services import journal

STORE_ROLES = frozenset({Role.store_manager, Role.cashier})
_NOWHERE = (
    "staff.invalid"  # Flask-AppBuilder wants an address of everybody; RFC 2606 has none here.
)


class UsernameTaken(DomainError):
    code = "username_taken"
    category = Category.CONFLICT
    template = N_("This user name is taken. Please choose another one.")


class RoleDoesNotFit(DomainError):
    code = "role_does_not_fit"
    category = Category.INVALID
    template = N_(
        "Platform roles belong to the operator, managers and cashiers to one store of a merchant."
    )


class PasswordTooShort(DomainError):
    code = "password_too_short"
    category = Category.INVALID
    template = N_("A password has at least %(length)s characters.")


class PasswordTooCommon(DomainError):
    code = "password_too_common"
    category = Category.INVALID
    template = N_("This password is easily guessed. Please choose another one.")


class PasswordWrong(DomainError):
    code = "password_wrong"
    category = Category.INVALID
    template = N_("The present password is wrong.")


class PasswordUnchanged(DomainError):
    code = "password_unchanged"
    category = Category.INVALID
    template = N_("This is the present password. Please choose another one.")


class StaffNotFound(DomainError):
    code = "staff_not_found"
    category = Category.NOT_FOUND
    template = N_("No such person on the staff.")


def add_staff(
    session: Session,
    *,
    username: str,
    password: str,
    name: str,
    role: Role,
    merchant_id: int,
    store_id: int | None = None,
    daily_cash_limit_fen: int | None = None,
    known_to_all: bool = False,
    must_change_password: bool = False,
    actor: Actor,
) -> Staff:
    """Take somebody on the staff, with a login for console and till.

    Args:
        known_to_all: The demo's password is printed on its home page, so it may be any.
        must_change_password: Somebody else knows it; at the first sign-in it is replaced.

    Raises:
        RoleDoesNotFit, UsernameTaken, PasswordTooShort, PasswordTooCommon
    """
    require_fitting_role(session, role, merchant_id, store_id)
    if not known_to_all:
        require_good_password(password, username=username)
    if session.scalar(select(User.id).where(User.username == username)) is not None:
        raise UsernameTaken
    user = _add_login(session, username, password, name, role, actor)
    person = Staff(
        merchant_id=merchant_id,
        store_id=store_id,
        user_id=user.id,
        name=name,
        role=role,
        daily_cash_limit_fen=daily_cash_limit_fen,
        must_change_password=must_change_password,
    )
    session.add(person)
    session.flush()
    journal.audit(
        session,
        "staff.added",
        actor=actor,
        subject_id=person.id,
        merchant_id=merchant_id,
        store_id=store_id,
        detail={"role": role.name},
    )
    return person


def require_good_password(password: str, *, username: str) -> None:
    """Refuse what is short or known to every guesser.

    Raises:
        PasswordTooShort, PasswordTooCommon
    """
    if len(password) < passwords.MIN_LENGTH:
        raise PasswordTooShort(length=passwords.MIN_LENGTH)
    if len(password) > passwords.MAX_LENGTH or passwords.is_common(password, username=username):
        raise PasswordTooCommon


def change_password(
    session: Session, *, staff_id: int, present: str, wanted: str, actor: Actor, now: datetime
) -> None:
    """Give somebody another password, and end all their sessions at console and till.

    Raises:
        PasswordWrong, PasswordTooShort, PasswordTooCommon
    """
    person = session.get(Staff, staff_id, with_for_update={"key_share": True})
    if person is None:
        raise StaffNotFound
    user = session.get_one(User, person.user_id)
    if not check_password_hash(user.password or "", present):
        raise PasswordWrong
    replace_password(session, person=person, wanted=wanted, actor=actor, now=now)


def replace_password(
    session: Session, *, person: Staff, wanted: str, actor: Actor, now: datetime
) -> None:
    """Somebody's own new password, in place of the present one or of one given to them.

    Raises:
        PasswordUnchanged, PasswordTooShort, PasswordTooCommon
    """
    user = session.get_one(User, person.user_id)
    if check_password_hash(user.password or "", wanted):
        raise PasswordUnchanged
    require_good_password(wanted, username=user.username)
    user.password = generate_password_hash(wanted)
    person.must_change_password = False
    end_sessions(session, staff_id=person.id, now=now)
    journal.audit(session, "staff.password_changed", actor=actor, subject_id=person.id)


def end_sessions(session: Session, *, staff_id: int, now: datetime) -> None:
    """Sign somebody out everywhere, from the next call on."""
    session.execute(
        update(AccessToken)
        .where(AccessToken.staff_id == staff_id, AccessToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def set_staff_status(
    session: Session, *, staff_id: int, status: StaffStatus, reason: str, actor: Actor
) -> Staff:
    """Let somebody in no more, from the next call on, or let them in again."""
    person = session.get(Staff, staff_id, with_for_update={"key_share": True})
    if person is None:
        raise StaffNotFound
    person.status = status
    journal.audit(
        session,
        f"staff.{status.name}",
        actor=actor,
        subject_id=staff_id,
        merchant_id=person.merchant_id,
        store_id=person.store_id,
        detail={"reason": reason},
    )
    return person


def require_fitting_role(
    session: Session, role: Role, merchant_id: int, store_id: int | None
) -> None:
    """Refuse a role at the wrong place: a cashier without a store, a platform role elsewhere.

    Raises:
        RoleDoesNotFit
    """
    if (role in PLATFORM_ROLES) != (merchant_id == OPERATOR_ID):
        raise RoleDoesNotFit
    if (role in STORE_ROLES) != (store_id is not None):
        raise RoleDoesNotFit
    if store_id is not None:
        owner = session.scalar(select(Store.merchant_id).where(Store.id == store_id))
        if owner != merchant_id:
            raise RoleDoesNotFit


def console_role(session: Session, role: Role) -> ConsoleRole:
    """The console's role of the same name. Its permissions are given at start-up, from one file."""
    found = session.scalars(select(ConsoleRole).where(ConsoleRole.name == role.name)).one_or_none()
    if found is None:
        found = ConsoleRole(name=role.name)
        session.add(found)
    return found


def _add_login(
    session: Session, username: str, password: str, name: str, role: Role, actor: Actor
) -> User:
    """What Flask-AppBuilder knows of a person: the name to sign in with, and the role."""
    adder = select(Staff.user_id).where(Staff.id == actor.staff_id).scalar_subquery()
    user = User(
        first_name=name,
        last_name="",
        username=username,
        email=f"{username}@{_NOWHERE}",
        password=generate_password_hash(password),
        active=True,
        roles=[console_role(session, role)],
        # By itself the model takes the id of who is signed in, who is a member of staff, no user.
        created_by_fk=adder,
        changed_by_fk=adder,
    )
    session.add(user)
    session.flush()
    return user
