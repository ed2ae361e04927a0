"""At a device: enrolling it, signing in on it by PIN, and a colleague's word at somebody's till."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import SYSTEM, Actor
from app.core.clock import utc_now
from app.core.keys import token_digest
from app.flows.context import Context
from app.models.people import Staff, StaffStatus
from app.models.tenants import Store, Terminal
from app.services.people import pins, sessions
from app.services.people.pins import PinLocked, PinNeedsTerminal, PinVerdict, PinWrong
from app.services.people.sessions import SignedIn, SignInRefused
from app.services.tenants.merchants import StoreNotFound
from app.services.tills import terminals
from app.services.tills.terminals import EnrolmentCode, NotOfThisTerminal


@dataclass(frozen=True, kw_only=True)
class Colleague:
    """Who works at a terminal's store. The PIN screen shows them."""

    username: str
    name: str
    role: str
    has_pin: bool


@dataclass(frozen=True, kw_only=True)
class TerminalSeen:
    terminal: Terminal
    store: Store
    staff: Sequence[Colleague]


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Exactly one of password and PIN is given."""

    username: str
    password: str | None = None
    pin: str | None = None


def issue_enrolment_code(
    context: Context, manager: Actor, *, store_id: int, name: str
) -> EnrolmentCode:
    """A code that enrols one device of a store of the manager's.

    Raises:
        StoreNotFound: Also for another tenant's. Forbidden.
    """
    with context.database.unit_of_work(manager) as session:
        store = session.get(Store, store_id)
    if store is None:
        raise StoreNotFound
    with context.database.unit_of_work(SYSTEM) as session:
        return terminals.issue_enrolment_code(
            session, store=store, name=name, manager=manager, now=utc_now()
        )


def enrol(context: Context, *, code: str) -> tuple[Terminal, Store, str]:
    with context.database.unit_of_work(SYSTEM) as session:
        terminal, token = terminals.enrol_terminal(session, code=code, now=utc_now())
        return terminal, session.get_one(Store, terminal.store_id), token


def set_till_rules(
    context: Context,
    manager: Actor,
    *,
    store_id: int,
    shift_required: bool,
    terminal_required: bool,
) -> Store:
    """What the tills of a store of the manager's must have before they move money.

    Raises:
        StoreNotFound: Also for another tenant's.
    """
    with context.database.unit_of_work(manager) as session:
        if session.get(Store, store_id) is None:
            raise StoreNotFound
    with context.database.unit_of_work(SYSTEM) as session:
        return terminals.set_till_rules(
            session,
            store_id=store_id,
            shift_required=shift_required,
            terminal_required=terminal_required,
            manager=manager,
        )


def describe(context: Context, *, terminal_token: str) -> TerminalSeen:
    """A device, its store, and who may sign in on it."""
    with context.database.unit_of_work(SYSTEM) as session:
        terminal = terminals.find_terminal(session, token=terminal_token)
        rows = session.execute(
            select(User.username, Staff.name, Staff.role, Staff.pin_hash.is_not(None))
            .join(User, User.id == Staff.user_id)
            .where(Staff.store_id == terminal.store_id, Staff.status == StaffStatus.active)
            .order_by(Staff.id)
        ).all()
        store = session.get_one(Store, terminal.store_id)
    staff = [
        Colleague(username=username, name=name, role=role.name, has_pin=has_pin)
        for username, name, role, has_pin in rows
    ]
    return TerminalSeen(terminal=terminal, store=store, staff=staff)


def sign_in_by_pin(context: Context, *, terminal_token: str, username: str, pin: str) -> SignedIn:
    """Take over at a terminal.

    Raises:
        TerminalUnknown, PinWrong, PinLocked
        SignInUnfinished: A password that was handed over has to be changed first.
    """
    with context.database.unit_of_work(SYSTEM) as session:
        terminal = terminals.find_terminal(session, token=terminal_token)
        person = pins.person_at(session, username=username, store_id=terminal.store_id)
        asked = pins.ask_pin(session, person=person, terminal_id=terminal.id)
    fits = asked.fits(pin)
    with context.database.unit_of_work(SYSTEM) as session:
        terminal = terminals.find_terminal(session, token=terminal_token)
        person = pins.person_at(session, username=username, store_id=terminal.store_id)
        verdict = pins.judge_pin(session, asked=asked, person=person, fits=fits, now=utc_now())
        opened = None
        if verdict is PinVerdict.right and person is not None:
            opened = sessions.open_staff_session(
                session, person=person, terminal_id=terminal.id, how="pin", now=utc_now()
            )
    _refuse_unless_right(verdict)
    assert opened is not None, "a right PIN is somebody's"
    return opened


def bind_session(
    context: Context, *, session_token: str, terminal_token: str, how: str = "password"
) -> None:
    """A session that was opened by password, or by WeChat, belongs to this device from now on.

    Raises:
        TerminalUnknown, NotOfThisTerminal: The session is ended.
    """
    with context.database.unit_of_work(SYSTEM) as session:
        bound = sessions.bind_to_terminal(
            session,
            digest=token_digest(session_token),
            how=how,
            terminal=terminals.find_terminal(session, token=terminal_token),
            now=utc_now(),
        )
    if not bound:
        raise NotOfThisTerminal


def set_pin(context: Context, actor: Actor, *, password: str, pin: str) -> None:
    assert actor.staff_id is not None, "only staff have PINs"
    with context.database.unit_of_work(SYSTEM) as session:
        pins.set_pin(session, staff_id=actor.staff_id, password=password, pin=pin, actor=actor)


def verify_colleague(context: Context, till: Actor, credentials: Credentials) -> Staff:
    """Somebody of the same store gives their word at this till, by PIN or password.

    Raises:
        PinNeedsTerminal, PinWrong, PinLocked, SignInRefused
        SignInUnfinished, PinInstead: It would not be their own word.
    """
    if credentials.pin is not None:
        person = _by_pin(context, till, credentials.username, credentials.pin)
    else:
        person = _by_password(context, till, credentials.username, credentials.password or "")
    with context.database.unit_of_work(SYSTEM) as session:
        sessions.require_own_word(session, person=person, by_pin=credentials.pin is not None)
    return person


def _by_pin(context: Context, till: Actor, username: str, pin: str) -> Staff:
    if till.terminal_id is None:
        raise PinNeedsTerminal
    with context.database.unit_of_work(SYSTEM) as session:
        person = _colleague(session, till, username)
        asked = pins.ask_pin(session, person=person, terminal_id=till.terminal_id)
    fits = asked.fits(pin)
    with context.database.unit_of_work(SYSTEM) as session:
        person = _colleague(session, till, username)
        verdict = pins.judge_pin(session, asked=asked, person=person, fits=fits, now=utc_now())
    _refuse_unless_right(verdict)
    assert person is not None, "a right PIN is somebody's"
    return person


def _by_password(context: Context, till: Actor, username: str, password: str) -> Staff:
    with context.database.unit_of_work(SYSTEM) as session:
        person = _colleague(session, till, username)
        asked = sessions.ask_password(session, person=person)
    if not asked.fits(password) or person is None:
        raise SignInRefused
    return person


def _colleague(session: Session, till: Actor, username: str) -> Staff | None:
    assert till.store_id is not None, "a till stands in a store"
    return pins.person_at(session, username=username, store_id=till.store_id)


def _refuse_unless_right(verdict: PinVerdict) -> None:
    if verdict is PinVerdict.locked:
        raise PinLocked
    if verdict is PinVerdict.wrong:
        raise PinWrong
