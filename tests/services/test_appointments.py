"""Who gives which role to whom, and what becomes of passwords and sessions."""

from __future__ import annotations

from itertools import product

import pytest

from app.core.actor import PLATFORM_ROLES, SYSTEM, Role
from app.core.clock import utc_now
from app.models.people import AccessToken, Staff, StaffStatus
from app.services.people import appointments, sessions, staff
from app.services.people.appointments import Duty, LimitAboveOwn, NotYours, OwnAccount
from app.services.people.sessions import SignInRefused, SignInUnfinished
from app.services.people.staff import STORE_ROLES, PasswordUnchanged, RoleDoesNotFit


@pytest.fixture
def place(make):
    """A merchant with two stores, and somebody of every role that gives others one."""
    merchant = make.merchant()
    first, second = make.store(merchant), make.store(merchant)
    givers = {
        Role.platform_admin: make.staff(Role.platform_admin),
        Role.merchant_admin: make.staff(Role.merchant_admin, merchant=merchant),
        Role.store_manager: make.staff(Role.store_manager, first),
    }
    return merchant, first, second, {role: make.actor(who) for role, who in givers.items()}


def duty_of(role: Role, merchant, store) -> Duty:
    if role in PLATFORM_ROLES:
        return Duty(name="新人", role=role, merchant_id=1)
    at = store.id if role in STORE_ROLES else None
    return Duty(name="新人", role=role, merchant_id=merchant.id, store_id=at)


def appoint(session, actor, duty, username="newcomer-1"):
    return appointments.appoint(session, duty=duty, username=username, password=None, actor=actor)


MAY = {
    Role.platform_admin: set(Role),
    Role.merchant_admin: set(Role) - PLATFORM_ROLES,
    Role.store_manager: {Role.cashier},
}


@pytest.mark.parametrize(("giver", "role"), list(product(MAY, Role)))
def test_nobody_gives_a_role_that_is_not_theirs_to_give(session, place, giver, role):
    merchant, store, _, actors = place
    duty = duty_of(role, merchant, store)
    if role in MAY[giver]:
        person, password = appoint(session, actors[giver], duty)
        assert (person.role, person.must_change_password) == (role, True)
        assert len(password) == 14
    else:
        with pytest.raises(NotYours):
            appoint(session, actors[giver], duty)


@pytest.mark.parametrize("role", [r for r in Role if r not in MAY])
def test_other_roles_appoint_nobody(session, make, place, role):
    merchant, store, _, _ = place
    if role in PLATFORM_ROLES:
        actor = make.actor(make.staff(role))
    elif role in STORE_ROLES:
        actor = make.actor(make.staff(role, store))
    else:
        actor = make.actor(make.staff(role, merchant=merchant))
    with pytest.raises(NotYours):
        appoint(session, actor, duty_of(Role.cashier, merchant, store))


def test_nobody_appoints_at_a_place_that_is_not_theirs(session, make, place):
    merchant, first, second, actors = place
    elsewhere = make.store()
    with pytest.raises(NotYours):
        appoint(session, actors[Role.store_manager], duty_of(Role.cashier, merchant, second))
    foreign = Duty(
        name="x", role=Role.cashier, merchant_id=elsewhere.merchant_id, store_id=elsewhere.id
    )
    with pytest.raises(NotYours):
        appoint(session, actors[Role.merchant_admin], foreign)
    # Own merchant, but a foreign store: the two do not fit.
    mixed = Duty(name="x", role=Role.cashier, merchant_id=merchant.id, store_id=elsewhere.id)
    with pytest.raises(RoleDoesNotFit):
        appoint(session, actors[Role.merchant_admin], mixed)
    assert first.merchant_id == merchant.id


@pytest.mark.parametrize("given", [None, 1000_01])
def test_a_manager_gives_no_higher_limit_than_their_own(session, make, given):
    store = make.store()
    manager = make.actor(make.staff(Role.store_manager, store, daily_cash_limit_fen=1000_00))

    def duty(limit):
        return Duty(name="x", role=Role.cashier, merchant_id=store.merchant_id,
                    store_id=store.id, daily_cash_limit_fen=limit)  # fmt: skip

    with pytest.raises(LimitAboveOwn):
        appoint(session, manager, duty(given))
    person, _ = appoint(session, manager, duty(1000_00))
    assert person.daily_cash_limit_fen == 1000_00


def test_nobody_changes_themselves_or_who_is_above_them(session, make, place):
    merchant, store, _, actors = place
    now = utc_now()
    for actor in actors.values():
        with pytest.raises(OwnAccount):
            appointments.reset_password(session, staff_id=actor.staff_id, actor=actor, now=now)
    manager = actors[Role.store_manager]
    colleague = make.staff(Role.store_manager, store)
    owner = make.staff(Role.merchant_admin, merchant=merchant)
    for other in (colleague, owner):
        with pytest.raises(NotYours):
            appointments.set_status(session, staff_id=other.id, status=StaffStatus.frozen,
                                    reason="x", actor=manager, now=now)  # fmt: skip


def test_somebody_moves_to_another_store_and_is_signed_out(session, make, place):
    merchant, first, second, actors = place
    cashier = make.staff(Role.cashier, first)
    make.staff_token(cashier)
    appointments.reassign(
        session,
        staff_id=cashier.id,
        duty=Duty(name="小王", role=Role.cashier, merchant_id=merchant.id, store_id=second.id),
        actor=actors[Role.merchant_admin],
        now=utc_now(),
    )
    moved = session.get_one(Staff, cashier.id)
    assert (moved.store_id, moved.name) == (second.id, "小王")
    assert _open_sessions(session, cashier) == 0


def test_another_merchants_staff_are_never_taken_over(session, make, place):
    merchant, _, _, actors = place
    stranger = make.staff(Role.cashier, make.store())
    duty = Duty(name="x", role=Role.merchant_finance, merchant_id=merchant.id)
    for role in (Role.merchant_admin, Role.platform_admin):
        with pytest.raises(NotYours):
            appointments.reassign(
                session, staff_id=stranger.id, duty=duty, actor=actors[role], now=utc_now()
            )


def test_a_given_password_opens_nothing_before_it_is_changed(session, make, place):
    merchant, _, _, actors = place
    person, password = appoint(
        session, actors[Role.merchant_admin], duty_of(Role.merchant_finance, merchant, None),
        username="newcomer-2",
    )  # fmt: skip
    session.flush()
    with pytest.raises(SignInUnfinished):
        sessions.sign_in_staff(session, username="newcomer-2", password=password, now=utc_now())
    with pytest.raises(SignInRefused):
        sessions.sign_in_staff(session, username="newcomer-2", password="x", now=utc_now())
    with pytest.raises(PasswordUnchanged):
        staff.replace_password(session, person=person, wanted=password, actor=SYSTEM, now=utc_now())
    staff.replace_password(
        session, person=person, wanted="my-own-horse-27", actor=SYSTEM, now=utc_now()
    )
    session.flush()
    sessions.sign_in_staff(
        session, username="newcomer-2", password="my-own-horse-27", now=utc_now()
    )


def test_a_reset_ends_sessions_and_the_old_password(session, make, place):
    _, first, _, actors = place
    cashier = make.staff(Role.cashier, first)
    make.staff_token(cashier)
    made = appointments.reset_password(
        session, staff_id=cashier.id, actor=actors[Role.store_manager], now=utc_now()
    )
    session.flush()
    assert _open_sessions(session, cashier) == 0
    found = sessions.check_password(session, username=make.username(cashier), password=made)
    assert found.must_change_password


def _open_sessions(session, person) -> int:
    session.flush()
    open_tokens = session.query(AccessToken).filter(
        AccessToken.staff_id == person.id, AccessToken.revoked_at.is_(None)
    )
    return open_tokens.count()
