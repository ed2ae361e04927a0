"""PINs: how a person takes over at an enrolled terminal without typing a password.

A PIN is worth something at the store's own devices only. Five wrong ones at one device, and it
wants the password again: a counter of this person there, kept whatever becomes of the call.
"""

from __future__ import annotations

import enum
import itertools
from dataclasses import dataclass
from datetime import datetime

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from app.core.actor import Actor, Scope
from app.core.errors import N_, Category, DomainError
from app.core.passwords import NOBODYS_HASH
from app.models.people import Staff, StaffStatus
from app.models.tills import PinFailure
from app.services import journal
from app.services.people.staff import PasswordWrong

MOST_WRONG = 5
SHORTEST, LONGEST = 4, 6


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


def set_pin(session: Session, *, staff_id: int, password: str, pin: str, actor: Actor) -> None:
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


def clear_pin(session: Session, *, person: Staff) -> None:
    """Nobody takes over by this person's PIN until they choose one again."""
    person.pin_hash = None
    forgive(session, staff_id=person.id)


@dataclass(frozen=True, kw_only=True)
class PinAsked:
    """Whose PIN is being typed where. It is looked at between two transactions: a hash takes long
    on purpose, and no connection waits for it.
    """

    staff_id: int | None
    terminal_id: int
    pin_hash: str | None
    locked: bool

    def fits(self, pin: str) -> bool:
        """Whether this is the PIN; the answer takes as long for somebody who has none."""
        if self.locked:
            return False
        return check_password_hash(self.pin_hash or NOBODYS_HASH, pin) and self.pin_hash is not None


def ask_pin(session: Session, *, person: Staff | None, terminal_id: int) -> PinAsked:
    """What a typed PIN is held against."""
    if person is None or person.pin_hash is None:
        return PinAsked(staff_id=None, terminal_id=terminal_id, pin_hash=None, locked=False)
    failures = session.get(PinFailure, (person.id, terminal_id))
    return PinAsked(
        staff_id=person.id,
        terminal_id=terminal_id,
        pin_hash=person.pin_hash,
        locked=failures is not None and failures.wrong >= MOST_WRONG,
    )


def judge_pin(
    session: Session, *, asked: PinAsked, person: Staff | None, fits: bool, now: datetime
) -> PinVerdict:
    """Take note of one typed PIN, and count it when it is wrong. The caller commits first.

    Guesses typed at once are counted one after the other: what is known about a right one that
    comes after five wrong ones is only that the PIN is locked.

    Args:
        person: As read in this transaction, for a PIN that was changed or cleared meanwhile.
    """
    if person is None or person.pin_hash is None or person.id != asked.staff_id:
        return PinVerdict.wrong
    terminal_id = asked.terminal_id
    key = {"staff_id": person.id, "terminal_id": terminal_id}
    session.execute(insert(PinFailure).values(**key, wrong=0, last_at=now).on_conflict_do_nothing())
    failures = session.get_one(PinFailure, key, with_for_update=True, populate_existing=True)
    if failures.wrong >= MOST_WRONG:
        return PinVerdict.locked
    if fits and person.pin_hash == asked.pin_hash:
        failures.wrong, failures.last_at = 0, now  # Never deleted: others wait for its lock.
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
    session.execute(update(PinFailure).where(wanted).values(wrong=0))


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
