"""The second factor: a code generator on somebody's phone (TOTP), asked for after the password."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyotp
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.core import passwords, sealing
from app.core.actor import Actor, Role
from app.core.errors import N_, Category, DomainError
from app.core.keys import Keys
from app.models.people import RecoveryCode, SecondFactor, Staff
from app.services import journal
from app.services.people import sessions, staff
from app.services.people.appointments import OwnAccount

# Roles of a till only have none: a cashier shares the counter's tablet.
ROLES = frozenset(Role) - {Role.store_manager, Role.cashier}
ISSUER = "卡券通"
RECOVERY_CODES = 8
STEP_SECONDS = 30
_DRIFT = (0, -1, 1)  # Steps by which a phone's clock may be off.
_PURPOSE = "totp"


class SecondFactorWrong(DomainError):
    code = "second_factor_wrong"
    category = Category.INVALID
    template = N_("This code is wrong or was used already. Please type the one shown now.")


class SecondFactorPresent(DomainError):
    code = "second_factor_present"
    category = Category.CONFLICT
    template = N_("Two-step sign-in is on already.")


class SecondFactorAbsent(DomainError):
    code = "second_factor_absent"
    category = Category.CONFLICT
    template = N_("Two-step sign-in is not on. Please begin again.")


def begin_enrolment(session: Session, *, staff_id: int, keys: Keys) -> str:
    """A secret for the phone, in base 32; the same one until it is confirmed.

    Raises:
        SecondFactorPresent
    """
    kept = _lock(session, staff_id)
    if kept is not None and kept.confirmed_at is not None:
        raise SecondFactorPresent
    if kept is not None:
        return _secret(kept, keys)
    secret = pyotp.random_base32()
    sealed = sealing.seal(secret.encode(), key=keys.secret_key, purpose=_PURPOSE)
    session.add(SecondFactor(staff_id=staff_id, secret_sealed=sealed))
    session.flush()
    return secret


def find_pending_secret(session: Session, *, staff_id: int, keys: Keys) -> str | None:
    """The secret that somebody is about to confirm, if they have begun."""
    kept = session.get(SecondFactor, staff_id)
    return None if kept is None or kept.confirmed_at is not None else _secret(kept, keys)


def address_of(secret: str, *, username: str) -> str:
    """What the QR code says to the phone (otpauth://)."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)


def confirm_enrolment(
    session: Session, *, staff_id: int, code: str, keys: Keys, actor: Actor, now: datetime
) -> Sequence[str]:
    """The phone has shown a right code: it is asked for from now on. Gives the recovery codes.

    Raises:
        SecondFactorPresent, SecondFactorAbsent, SecondFactorWrong
    """
    kept = _lock(session, staff_id)
    if kept is None:
        raise SecondFactorAbsent
    if kept.confirmed_at is not None:
        raise SecondFactorPresent
    _take_step(kept, code, keys, now)
    kept.confirmed_at = now
    journal.audit(session, "second_factor.confirmed", actor=actor, subject_id=staff_id)
    return _new_recovery_codes(session, staff_id, keys)


def check_code(
    session: Session, *, staff_id: int, typed: str, keys: Keys, actor: Actor, now: datetime
) -> bool:
    """Take a code of the phone's, or a recovery code, which is used up. Whether it was the latter.

    Two that send the same code at once: the second waits on the row, then is refused.

    Raises:
        SecondFactorWrong: Also for a code that was used before.
    """
    kept = _lock(session, staff_id)
    if kept is None or kept.confirmed_at is None:
        raise SecondFactorWrong
    plain = typed.replace(" ", "").lower()
    if plain.isdigit():
        _take_step(kept, plain, keys, now)
        return False
    used = session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.staff_id == staff_id,
            RecoveryCode.code_digest == _digest(plain, keys),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
        .returning(RecoveryCode.id)
    ).one_or_none()
    if used is None:
        raise SecondFactorWrong
    journal.audit(session, "second_factor.recovered", actor=actor, subject_id=staff_id)
    return True


def count_recovery_codes(session: Session, *, staff_id: int) -> int:
    """How many are left."""
    left = select(func.count()).where(
        RecoveryCode.staff_id == staff_id, RecoveryCode.used_at.is_(None)
    )
    return session.scalar(left) or 0


def renew_recovery_codes(
    session: Session, *, staff_id: int, code: str, keys: Keys, actor: Actor, now: datetime
) -> Sequence[str]:
    """New recovery codes for a code from the phone; the old ones are worth nothing from now on.

    Raises:
        SecondFactorAbsent, SecondFactorWrong: A recovery code does not make new ones.
    """
    _take_step(_lock_own(session, staff_id), code, keys, now)
    journal.audit(session, "second_factor.renewed", actor=actor, subject_id=staff_id)
    return _new_recovery_codes(session, staff_id, keys)


def end_second_factor(
    session: Session, *, staff_id: int, code: str, keys: Keys, actor: Actor, now: datetime
) -> None:
    """Somebody wants no codes any more, or another phone, and shows that she holds the old one.

    Raises:
        SecondFactorAbsent, SecondFactorWrong
    """
    _take_step(_lock_own(session, staff_id), code, keys, now)
    _forget(session, staff_id)
    journal.audit(session, "second_factor.ended", actor=actor, subject_id=staff_id)


def drop_second_factor(
    session: Session, *, staff_id: int, reason: str, actor: Actor, now: datetime
) -> None:
    """Somebody's phone is lost: forget its secret, on the word of another person.

    Raises:
        OwnAccount, SecondFactorAbsent
    """
    if actor.staff_id == staff_id:
        raise OwnAccount
    if _lock(session, staff_id) is None:
        raise SecondFactorAbsent
    _forget(session, staff_id)
    staff.end_sessions(session, staff_id=staff_id, now=now)
    person = session.get_one(Staff, staff_id)
    journal.audit(
        session,
        "second_factor.reset",
        actor=actor,
        subject_id=staff_id,
        merchant_id=person.merchant_id,
        store_id=person.store_id,
        detail={"reason": reason},
    )


def is_asked_for(session: Session, *, person: Staff, required: bool) -> bool:
    """Whether somebody without a second factor has to enrol now."""
    return required and person.role in ROLES and not sessions.has_second_factor(session, person.id)


def _lock(session: Session, staff_id: int) -> SecondFactor | None:
    return session.get(SecondFactor, staff_id, with_for_update=True)


def _lock_own(session: Session, staff_id: int) -> SecondFactor:
    kept = _lock(session, staff_id)
    if kept is None or kept.confirmed_at is None:
        raise SecondFactorAbsent
    return kept


def _secret(kept: SecondFactor, keys: Keys) -> str:
    return sealing.unseal(kept.secret_sealed, key=keys.secret_key, purpose=_PURPOSE).decode()


def _take_step(kept: SecondFactor, code: str, keys: Keys, now: datetime) -> None:
    """A code is good in its half minute, and in none that is not after the last one used."""
    generator = pyotp.TOTP(_secret(kept, keys), interval=STEP_SECONDS)
    present = int(now.timestamp()) // STEP_SECONDS
    for drift in _DRIFT:
        step = present + drift
        right = pyotp.utils.strings_equal(generator.at(step * STEP_SECONDS), code)
        if right and step > kept.last_step:
            kept.last_step = step
            return
    raise SecondFactorWrong


def _new_recovery_codes(session: Session, staff_id: int, keys: Keys) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == staff_id))
    codes = [passwords.new_recovery_code() for _ in range(RECOVERY_CODES)]
    session.add_all(
        RecoveryCode(staff_id=staff_id, code_digest=_digest(code, keys)) for code in codes
    )
    session.flush()
    return codes


def _forget(session: Session, staff_id: int) -> None:
    session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == staff_id))
    session.execute(delete(SecondFactor).where(SecondFactor.staff_id == staff_id))


def _digest(code: str, keys: Keys) -> bytes:
    return sealing.blind_index(code.replace("-", ""), key=keys.secret_key, purpose="recovery-code")
