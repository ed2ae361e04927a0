"""The console's way in, step by step: password, code, a password of one's own, a second factor.

Between the steps the browser holds a ticket (signed by the web face). No session exists before all
steps are done, so nothing has to be locked to somebody who is half inside.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import Session

from app.core.actor import SYSTEM, Actor, Role, Scope
from app.core.clock import utc_now
from app.core.errors import N_, Category, DomainError
from app.flows.context import Context
from app.models.people import Staff
from app.services.people import second_factors, sessions, staff
from app.services.people.sessions import SignedIn


class SignInExpired(DomainError):
    code = "sign_in_expired"
    category = Category.UNAUTHENTICATED
    template = N_("This sign-in took too long. Please begin again.")


class Step(enum.Enum):
    """What is asked for next."""

    code = "code"
    password = "password"  # noqa: S105 - the name of a step
    enrolment = "enrolment"


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """Whose password was right, and what was shown since. A new password makes it void."""

    staff_id: int
    fingerprint: str
    code_shown: bool = False


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """What goes onto somebody's phone: the secret to type, and the address in the QR code."""

    secret: str
    address: str


def check_password(context: Context, *, username: str, password: str) -> Ticket:
    """The first step.

    Raises:
        SignInRefused
    """
    with context.database.unit_of_work(SYSTEM) as session:
        person = sessions.check_password(session, username=username, password=password)
        return _ticket(session, person)


def next_step(context: Context, ticket: Ticket) -> Step | None:
    """What is to be done before the door opens; None: nothing.

    Raises:
        SignInExpired: The password was changed meanwhile, or the person may not come in any more.
    """
    with context.database.unit_of_work(SYSTEM) as session:
        return _next_step(context, session, ticket)


def open_session(context: Context, ticket: Ticket) -> tuple[SignedIn, Role]:
    """The last step, when no other is left: the session, and as what it was opened.

    Raises:
        SignInExpired
    """
    with context.database.unit_of_work(SYSTEM) as session:
        if _next_step(context, session, ticket) is not None:
            raise SignInExpired
        person = session.get_one(Staff, ticket.staff_id)
        return sessions.open_staff_session(session, person=person, now=utc_now()), person.role


def show_code(context: Context, ticket: Ticket, *, typed: str) -> tuple[Ticket, bool]:
    """A code of the phone's, or a recovery code; whether it was the latter.

    Raises:
        SignInExpired, SecondFactorWrong
    """
    with context.database.unit_of_work(SYSTEM) as session:
        person = _person(session, ticket)
        recovered = second_factors.check_code(
            session,
            staff_id=person.id,
            typed=typed,
            keys=context.keys,
            actor=_actor(person),
            now=utc_now(),
        )
    return replace(ticket, code_shown=True), recovered


def choose_password(context: Context, ticket: Ticket, *, wanted: str) -> Ticket:
    """A password that nobody else knows, in place of the one that was handed over.

    Raises:
        SignInExpired, PasswordUnchanged, PasswordTooShort, PasswordTooCommon
    """
    with context.database.unit_of_work(SYSTEM) as session:
        if _next_step(context, session, ticket) is not Step.password:
            raise SignInExpired
        person = _person(session, ticket)
        staff.replace_password(
            session, person=person, wanted=wanted, actor=_actor(person), now=utc_now()
        )
        session.flush()
        return replace(_ticket(session, person), code_shown=ticket.code_shown)


def begin_enrolment(context: Context, ticket: Ticket) -> None:
    """Make a secret for the phone.

    Raises:
        SignInExpired, SecondFactorPresent
    """
    with context.database.unit_of_work(SYSTEM) as session:
        person = _person(session, ticket)
        second_factors.begin_enrolment(session, staff_id=person.id, keys=context.keys)


def confirm_enrolment(
    context: Context, ticket: Ticket, *, code: str
) -> tuple[Ticket, Sequence[str]]:
    """The phone shows right codes; the recovery codes are for paper.

    Raises:
        SignInExpired, SecondFactorWrong, SecondFactorAbsent, SecondFactorPresent
    """
    with context.database.unit_of_work(SYSTEM) as session:
        person = _person(session, ticket)
        codes = second_factors.confirm_enrolment(
            session,
            staff_id=person.id,
            code=code,
            keys=context.keys,
            actor=_actor(person),
            now=utc_now(),
        )
    return replace(ticket, code_shown=True), codes


def find_enrolment(context: Context, staff_id: int) -> Enrolment | None:
    """What somebody has to put onto the phone, once begun and until confirmed."""
    with context.database.unit_of_work(SYSTEM) as session:
        secret = second_factors.find_pending_secret(session, staff_id=staff_id, keys=context.keys)
        if secret is None:
            return None
        person = session.get_one(Staff, staff_id)
        username = session.get_one(User, person.user_id).username
        return Enrolment(
            secret=secret, address=second_factors.address_of(secret, username=username)
        )


def _next_step(context: Context, session: Session, ticket: Ticket) -> Step | None:
    person = _person(session, ticket)
    if not ticket.code_shown and sessions.has_second_factor(session, person.id):
        return Step.code
    if person.must_change_password:
        return Step.password
    required = context.settings.totp_required
    if second_factors.is_asked_for(session, person=person, required=required):
        return Step.enrolment
    return None


def _person(session: Session, ticket: Ticket) -> Staff:
    if sessions.fingerprint(session, staff_id=ticket.staff_id) != ticket.fingerprint:
        raise SignInExpired
    return session.get_one(Staff, ticket.staff_id)


def _ticket(session: Session, person: Staff) -> Ticket:
    found = sessions.fingerprint(session, staff_id=person.id)
    assert found is not None, "the password was right just now"
    return Ticket(staff_id=person.id, fingerprint=found)


def _actor(person: Staff) -> Actor:
    return Actor(
        scope=Scope.store,
        staff_id=person.id,
        merchant_id=person.merchant_id,
        store_id=person.store_id,
        role=person.role,
    )
