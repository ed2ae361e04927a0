"""Staff signing in, at the till and at the console alike: guesses are counted per account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.core.actor import Actor
from app.core.errors import DomainError
from app.flows.people import sign_in_steps, signing_in
from app.flows.people.sign_in_steps import Ticket
from app.flows.tills import terminals
from app.flows.tills.terminals import Credentials
from app.models.people import Staff
from app.services.people.second_factors import SecondFactorWrong
from app.services.people.sessions import SignedIn, SignInRefused
from app.web.context import current_context
from app.web.limits import GUESSING, require_not_exhausted, take


def sign_in_staff(*, username: str, password: str) -> SignedIn:
    """Check a password and open a session.

    Raises:
        SignInRefused: Without saying which of the two was wrong.
        TooManyRequests: After too many wrong passwords for this name, whoever sent them. The wait
            grows with the guesses, and it is the same for a name that nobody has.
    """
    with _counted(username.lower(), SignInRefused):
        return signing_in.sign_in_staff(current_context(), username=username, password=password)


def check_password(*, username: str, password: str) -> Ticket:
    """The console's first step; what is asked for then is in flows/people/sign_in_steps.

    Raises:
        SignInRefused, TooManyRequests: As ``sign_in_staff`` does.
    """
    with _counted(username.lower(), SignInRefused):
        return sign_in_steps.check_password(current_context(), username=username, password=password)


def verify_colleague(till: Actor, credentials: Credentials) -> Staff:
    """Somebody of the store gives their word at a till. Wrong passwords are counted as at the door.

    Raises:
        SignInRefused, TooManyRequests, and as ``terminals.verify_colleague`` does.
    """
    with _counted(credentials.username.lower(), SignInRefused):
        return terminals.verify_colleague(current_context(), till, credentials)


@contextmanager
def counted_codes(staff_id: int) -> Iterator[None]:
    """Wrong codes are counted per person, as wrong passwords are.

    Raises:
        TooManyRequests
    """
    with _counted(f"code:{staff_id}", SecondFactorWrong):
        yield


@contextmanager
def _counted(whose: str, wrong: type[DomainError]) -> Iterator[None]:
    for limit in GUESSING:
        require_not_exhausted(limit, whose)
    try:
        yield
    except wrong:
        for limit in GUESSING:
            take(limit, whose)
        raise
