"""PINs: how a person takes over at an enrolled terminal without typing a password.

A PIN is worth something at the store's own devices only. Five wrong ones at one device, and it
wants the password again: a counter of this person there, kept whatever becomes of the call.
"""

from __future__ import annotations

import enum
import itertools
from datetime import datetime

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from app.core.actor import Actor, Scope
from app.core.errors import N_, Category, DomainError
from app.models.people import Staff, StaffStatus
from app.models.tills import PinFailure
from app.services import journal
from app.services.staff import PasswordWrong

MOST_WRONG = 5
SHORTEST, LONGEST = 4, 6
_NOBODY = generate_password_hash("nobody's")


class PinInvalid(DomainError):
    code = "pin_invalid"
    category = Category.INVALID
    template = N_("A PIN has 4 to 6 digits, not all the same and not in a row.")


class PinWrong(DomainError):
    code = "pin_wrong"
    category = Category.UNAUTHENTICATED
    template = N_("The user name or the PIN is wrong.")


class PinLocked(DomainError):
    code = "pin_locked"
    category = Category.FORBIDDEN
    template = N_("Too many wrong PINs. Please sign in with your password on this terminal once.")


class PinNeedsTerminal(DomainError):
    code = "pin_needs_terminal"
    category = Category.FORBIDDEN
    template = N_("A PIN works on the store's terminals only. Please use your password here.")


class PinVerdict(enum.Enum):
    right = "right"
    wrong = "wrong"
    locked = "locked"


def set_pin(
    session: Session, *, staff_id: int, password: str, pin: str, actor: Actor, now: datetime
) -> None:
    """Give oneself a PIN, with the password once more.

    Raises:
        PasswordWrong, PinInvalid
    """
    person = session.get_one(Staff, staff_id, with_for_update={"key_share": True})
    user = session.get_one(User, person.user_id)
    if not check_password_hash(user.password or "", password):
        raise PasswordWrong
    _require_good_pin(pin)
    person.pin_hash = generate_password_hash(pin)
    forgive(session, staff_id=staff_id)
    journal.audit(session, "staff.pin_set", actor=actor, subject_id=staff_id)


def check_pin(
    session: Session, *, person: Staff | None, terminal_id: int, pin: str, now: datetime
) -> PinVerdict:
    """Look at one PIN, and count it when it is wrong. The caller commits before it refuses."""
    if person is None or person.pin_hash is None:
        check_password_hash(_NOBODY, pin)  # The answer takes as long as somebody's.
        return PinVerdict.wrong
    key = {"staff_id": person.id, "terminal_id": terminal_id}
    session.execute(insert(PinFailure).values(**key, wrong=0, last_at=now).on_conflict_do_nothing())
    failures = session.get_one(PinFailure, key, with_for_update=True, populate_existing=True)
    if failures.wrong >= MOST_WRONG:
        return PinVerdict.locked
    if check_password_hash(person.pin_hash, pin):
        session.delete(failures)
        return PinVerdict.right
    failures.wrong, failures.last_at = failures.wrong + 1, now
    if failures.wrong < MOST_WRONG:
        return PinVerdict.wrong
    journal.audit(
        session,
        "staff.pin_locked",
        actor=Actor(
            scope=Scope.store, merchant_id=person.merchant_id, store_id=person.store_id,
            terminal_id=terminal_id,
        ),
        subject_id=person.id,
    )  # fmt: skip
    return PinVerdict.locked


def forgive(session: Session, *, staff_id: int, terminal_id: int | None = None) -> None:
    """A right password makes wrong PINs forgotten: at one terminal, or everywhere."""
    wanted = PinFailure.staff_id == staff_id
    if terminal_id is not None:
        wanted &= PinFailure.terminal_id == terminal_id
    session.execute(delete(PinFailure).where(wanted))


def person_at(session: Session, *, username: str, store_id: int) -> Staff | None:
    """Somebody active on the staff of this store, by user name."""
    found: Staff | None = session.scalars(
        select(Staff)
        .join(User, User.id == Staff.user_id)
        .where(
            User.username == username,
            User.active,
            Staff.status == StaffStatus.active,
            Staff.store_id == store_id,
        )
    ).one_or_none()
    return found


def _require_good_pin(pin: str) -> None:
    digits = pin.isascii() and pin.isdecimal() and SHORTEST <= len(pin) <= LONGEST
    if not digits:
        raise PinInvalid
    steps = {(int(b) - int(a)) for a, b in itertools.pairwise(pin)}
    if len(steps) == 1 and steps <= {-1, 0, 1}:
        raise PinInvalid
