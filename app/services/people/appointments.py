"""Who gives which role to whom: nobody gives more than they have, and nobody changes themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from app.core import money, passwords
from app.core.actor import PLATFORM_ROLES, Actor, Role, Scope
from app.core.errors import N_, Category, DomainError
from app.models.people import Staff, StaffStatus
from app.services import journal
from app.services.people import pins, staff, staff_wechat
from app.services.sales.cash_days import forget_cash_day

MERCHANT_ROLES = frozenset(
    {Role.merchant_admin, Role.merchant_finance, Role.store_manager, Role.cashier}
)
GIVEN_BY: Mapping[Role, frozenset[Role]] = {
    Role.platform_admin: PLATFORM_ROLES | MERCHANT_ROLES,
    Role.merchant_admin: MERCHANT_ROLES,
    Role.store_manager: frozenset({Role.cashier}),
}


class NotYours(DomainError):
    code = "staff_not_yours"
    category = Category.FORBIDDEN
    template = N_("You may manage only staff of your own place, in roles below your own.")


class OwnAccount(DomainError):
    code = "own_account"
    category = Category.FORBIDDEN
    template = N_("This is your own account. Somebody else has to change it.")


class LimitAboveOwn(DomainError):
    code = "limit_above_own"
    category = Category.INVALID
    template = N_("Your own limit is %(limit)s yuan a day. Please give no more than that.")


@dataclass(frozen=True, kw_only=True)
class Duty:
    """What somebody does and where. ``daily_cash_limit_fen``: cash top-ups a day; None: any."""

    name: str
    role: Role
    merchant_id: int
    store_id: int | None = None
    daily_cash_limit_fen: int | None = None


def appoint(
    session: Session, *, duty: Duty, username: str, password: str | None, actor: Actor
) -> tuple[Staff, str]:
    """Take somebody on the staff; the password to hand over, made here unless one was typed.

    Raises:
        NotYours, LimitAboveOwn, RoleDoesNotFit, UsernameTaken, PasswordTooShort, PasswordTooCommon
    """
    require_may_give(session, duty=duty, actor=actor)
    handed = password or passwords.new_password()
    person = staff.add_staff(
        session,
        username=username,
        password=handed,
        name=duty.name,
        role=duty.role,
        merchant_id=duty.merchant_id,
        store_id=duty.store_id,
        daily_cash_limit_fen=duty.daily_cash_limit_fen,
        must_change_password=True,
        actor=actor,
    )
    return person, handed


def reassign(session: Session, *, staff_id: int, duty: Duty, actor: Actor, now: datetime) -> Staff:
    """Give somebody another role, store, limit or name. A new role or place ends their sessions.

    The PIN stays behind at a store that they leave: it is chosen anew at the next one.

    Raises:
        OwnAccount, NotYours, LimitAboveOwn, RoleDoesNotFit
    """
    person = _lock_manageable(session, staff_id, actor)
    if duty.merchant_id != person.merchant_id:
        raise NotYours
    require_may_give(session, duty=duty, actor=actor)
    staff.require_fitting_role(session, duty.role, duty.merchant_id, duty.store_id)
    if person.store_id != duty.store_id:
        pins.clear_pin(session, person=person)
    before: dict[str, object] = {
        "role": person.role.name,
        "store_id": person.store_id,
        "daily_cash_limit_fen": person.daily_cash_limit_fen,
    }
    moved = (person.role, person.store_id) != (duty.role, duty.store_id)
    user = session.get_one(User, person.user_id)
    if person.role is not duty.role:
        user.roles = [staff.console_role(session, duty.role)]
    user.first_name = person.name = duty.name
    person.role, person.store_id = duty.role, duty.store_id
    if person.daily_cash_limit_fen != duty.daily_cash_limit_fen:
        person.daily_cash_limit_fen = duty.daily_cash_limit_fen
        forget_cash_day(session, staff_id=staff_id)
    if moved:
        staff.end_sessions(session, staff_id=staff_id, now=now)
    _audit(session, "staff.edited", person, actor, {"before": before})
    return person


def reset_password(session: Session, *, staff_id: int, actor: Actor, now: datetime) -> str:
    """A new password to hand over; it is changed at the next sign-in. All sessions end.

    Whoever asks for it may have lost more than the password: PIN and bound WeChat go too.

    Raises:
        OwnAccount, NotYours
    """
    person = _lock_manageable(session, staff_id, actor)
    handed = passwords.new_password()
    session.get_one(User, person.user_id).password = generate_password_hash(handed)
    person.must_change_password = True
    pins.clear_pin(session, person=person)
    staff_wechat.unbind_wechat(session, staff_id=staff_id, actor=actor)
    staff.end_sessions(session, staff_id=staff_id, now=now)
    _audit(session, "staff.password_reset", person, actor, None)
    return handed


def set_status(
    session: Session,
    *,
    staff_id: int,
    status: StaffStatus,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Staff:
    """Let somebody in no more, from the next call on, or let them in again.

    Raises:
        OwnAccount, NotYours
    """
    person = _lock_manageable(session, staff_id, actor)
    if person.status is status:
        return person  # Asked for twice.
    if status is StaffStatus.frozen:
        staff.end_sessions(session, staff_id=staff_id, now=now)
    return staff.set_staff_status(
        session, staff_id=staff_id, status=status, reason=reason, actor=actor
    )


def may_manage(actor: Actor, person: Staff) -> bool:
    """Whether the actor may change this person at all."""
    if actor.staff_id == person.id or actor.role is None:
        return False
    if actor.scope is Scope.merchant and actor.merchant_id != person.merchant_id:
        return False
    if actor.scope is Scope.store and actor.store_id != person.store_id:
        return False
    return person.role in GIVEN_BY.get(actor.role, frozenset())


def require_may_give(session: Session, *, duty: Duty, actor: Actor) -> None:
    """Refuse a role, a place or a limit that is not the actor's to give.

    Raises:
        NotYours, LimitAboveOwn
    """
    if actor.role is None or duty.role not in GIVEN_BY.get(actor.role, frozenset()):
        raise NotYours
    if actor.scope is not Scope.platform and duty.merchant_id != actor.merchant_id:
        raise NotYours
    if actor.scope is Scope.store and duty.store_id != actor.store_id:
        raise NotYours
    own = session.get_one(Staff, actor.staff_id).daily_cash_limit_fen
    wanted = duty.daily_cash_limit_fen
    if own is not None and (wanted is None or wanted > own):
        raise LimitAboveOwn(limit=money.yuan(own))


def _lock_manageable(session: Session, staff_id: int, actor: Actor) -> Staff:
    person = session.get(Staff, staff_id, with_for_update={"key_share": True})
    if person is None:
        raise staff.StaffNotFound
    if actor.staff_id == staff_id:
        raise OwnAccount
    if not may_manage(actor, person):
        raise NotYours
    return person


def _audit(
    session: Session,
    action: str,
    person: Staff,
    actor: Actor,
    detail: dict[str, object] | None,
) -> None:
    journal.audit(
        session,
        action,
        actor=actor,
        subject_id=person.id,
        merchant_id=person.merchant_id,
        store_id=person.store_id,
        detail=detail,
    )
