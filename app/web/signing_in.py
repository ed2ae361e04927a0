"""Staff signing in, at the till and at the console alike: guesses are counted per account."""

from __future__ import annotations

from app.flows import signing_in
from app.services.sessions import SignedIn, SignInRefused
from app.web.context import current_context
from app.web.limits import GUESSING, require_not_exhausted, take


def sign_in_staff(*, username: str, password: str) -> SignedIn:
    """Check a password and open a session.

    Raises:
        SignInRefused: Without saying which of the two was wrong.
        TooManyRequests: After too many wrong passwords for this name, whoever sent them. The wait
            grows with the guesses, and it is the same for a name that nobody has.
    """
    account = username.lower()
    for limit in GUESSING:
        require_not_exhausted(limit, account)
    try:
        return signing_in.sign_in_staff(current_context(), username=username, password=password)
    except SignInRefused:
        for limit in GUESSING:
            take(limit, account)
        raise
