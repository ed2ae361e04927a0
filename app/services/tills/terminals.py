"""Terminals: devices that a store has enrolled by a code shown in its console, and may revoke."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core.actor import MANAGER_ROLES, Actor, Scope
from app.core.codes import ALPHABET
from app.core.errors import N_, Category, DomainError
from app.core.keys import new_token, token_digest
from app.models.people import AccessToken
from app.models.tenants import Store, Terminal, TerminalStatus
from app.models.tills import SecretPurpose
from app.services import journal
from app.services.people.one_time_secrets import issue_secret, use_secret
from app.services.refusals import Forbidden

ENROLMENT_LIFETIME = timedelta(minutes=10)
_CODE_LENGTH = 8  # 40 bits, for ten minutes, behind a limit of guesses.


class EnrolmentCodeInvalid(DomainError):
    code = "enrolment_code_invalid"
    category = Category.INVALID
    template = N_("This code is used up or out of date. Please ask a manager for a fresh one.")


class TerminalNotFound(DomainError):
    code = "terminal_not_found"
    category = Category.NOT_FOUND
    template = N_("No such terminal.")


class TerminalUnknown(DomainError):
    code = "terminal_unknown"
    category = Category.UNAUTHENTICATED
    template = N_("This device is not enrolled any more. Please have it enrolled again.")


class NotOfThisTerminal(DomainError):
    code = "not_of_this_terminal"
    category = Category.FORBIDDEN
    template = N_("This terminal belongs to another store. Please sign in at your own.")


@dataclass(frozen=True, kw_only=True)
class EnrolmentCode:
    """A code for one device, as ``ABCD-EFGH``."""

    code: str
    expires_at: datetime


def issue_enrolment_code(
    session: Session, *, store: Store, name: str, manager: Actor, now: datetime
) -> EnrolmentCode:
    """A manager lets one device in, by a code that is good for ten minutes.

    Args:
        store: Read in the manager's own scope, so it is theirs.
    """
    if manager.role not in MANAGER_ROLES:
        raise Forbidden
    code = "".join(secrets.choice(ALPHABET) for _ in range(_CODE_LENGTH))
    expires_at = issue_secret(
        session,
        purpose=SecretPurpose.enrolment,
        secret=code,
        issuer=manager,
        detail={"store_id": store.id, "name": name},
        lifetime=ENROLMENT_LIFETIME,
        now=now,
    )
    journal.audit(
        session, "terminal.invited", actor=manager, merchant_id=store.merchant_id,
        store_id=store.id, detail={"name": name},
    )  # fmt: skip
    return EnrolmentCode(code=f"{code[:4]}-{code[4:]}", expires_at=expires_at)


def enrol_terminal(session: Session, *, code: str, now: datetime) -> tuple[Terminal, str]:
    """Make a device one of a store's terminals. Returns it with its token, which is told once.

    Raises:
        EnrolmentCodeInvalid
    """
    bare = code.upper().translate(_READ_AS)
    used = use_secret(session, purpose=SecretPurpose.enrolment, secret=bare, now=now)
    if used is None:
        raise EnrolmentCodeInvalid
    store = session.get_one(Store, int(str(used.detail["store_id"])))
    token = new_token()
    terminal = Terminal(
        merchant_id=store.merchant_id,
        store_id=store.id,
        name=str(used.detail["name"]),
        token_digest=token_digest(token),
        enrolled_by_id=used.staff_id,
    )
    session.add(terminal)
    session.flush()
    journal.audit(
        session,
        "terminal.enrolled",
        actor=Actor(
            scope=Scope.store, staff_id=used.staff_id, merchant_id=store.merchant_id,
            store_id=store.id, terminal_id=terminal.id,
        ),
        subject_id=terminal.id,
    )  # fmt: skip
    return terminal, token


def find_terminal(session: Session, *, token: str) -> Terminal:
    """The device behind its token.

    Raises:
        TerminalUnknown: Also once it is revoked.
    """
    found = session.scalars(
        select(Terminal).where(
            Terminal.token_digest == token_digest(token),
            Terminal.status == TerminalStatus.enrolled,
        )
    ).one_or_none()
    if found is None:
        raise TerminalUnknown
    return found


def revoke_terminal(
    session: Session, *, terminal_id: int, reason: str, actor: Actor, now: datetime
) -> Terminal:
    """Let a device in no more; whoever is signed in on it is signed out at once.

    Revoking it a second time changes nothing.

    Raises:
        TerminalNotFound
    """
    terminal = session.get(Terminal, terminal_id, with_for_update={"key_share": True})
    if terminal is None:
        raise TerminalNotFound
    if terminal.status is TerminalStatus.revoked:
        return terminal
    terminal.status, terminal.revoked_at = TerminalStatus.revoked, now
    session.execute(
        update(AccessToken)
        .where(AccessToken.terminal_id == terminal_id, AccessToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    journal.audit(
        session,
        "terminal.revoked",
        actor=actor,
        subject_id=terminal_id,
        merchant_id=terminal.merchant_id,
        store_id=terminal.store_id,
        detail={"name": terminal.name, "reason": reason},
    )
    return terminal


def set_till_rules(
    session: Session,
    *,
    store_id: int,
    shift_required: bool,
    terminal_required: bool,
    manager: Actor,
) -> Store:
    """Whether this store takes cash in a shift only, and money on its own terminals only."""
    if manager.role not in MANAGER_ROLES:
        raise Forbidden
    store = session.get_one(Store, store_id, with_for_update={"key_share": True})
    store.shift_required, store.terminal_required = shift_required, terminal_required
    journal.audit(
        session,
        "store.till_rules",
        actor=manager,
        subject_id=store_id,
        merchant_id=store.merchant_id,
        store_id=store_id,
        detail={"shift_required": shift_required, "terminal_required": terminal_required},
    )
    return store


_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
