"""The second factor: enrolled by a right code, asked once a code, reset by another person only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from app.core.actor import SYSTEM, Role
from app.models.people import RecoveryCode, SecondFactor
from app.services.people import second_factors, sessions
from app.services.people.appointments import OwnAccount
from app.services.people.second_factors import (
    SecondFactorAbsent,
    SecondFactorPresent,
    SecondFactorWrong,
)

NOW = datetime(2026, 11, 23, 4, 0, 5, tzinfo=UTC)


@pytest.fixture
def enrolled(session, make, keys):
    person = make.staff()
    secret = second_factors.begin_enrolment(session, staff_id=person.id, keys=keys)
    codes = second_factors.confirm_enrolment(
        session,
        staff_id=person.id,
        code=pyotp.TOTP(secret).at(NOW),
        keys=keys,
        actor=make.actor(person),
        now=NOW,
    )
    return person, secret, list(codes)


def check(session, person, typed, keys, at):
    return second_factors.check_code(
        session, staff_id=person.id, typed=typed, keys=keys, actor=SYSTEM, now=at
    )


def test_it_counts_only_once_a_code_has_confirmed_it(session, make, keys):
    person = make.staff()
    secret = second_factors.begin_enrolment(session, staff_id=person.id, keys=keys)
    assert secret == second_factors.begin_enrolment(session, staff_id=person.id, keys=keys)
    assert not sessions.has_second_factor(session, person.id)
    confirm = {"staff_id": person.id, "keys": keys, "actor": SYSTEM, "now": NOW}
    with pytest.raises(SecondFactorWrong):
        second_factors.confirm_enrolment(session, code="000000x", **confirm)
    with pytest.raises(SecondFactorWrong):
        check(session, person, pyotp.TOTP(secret).at(NOW), keys, NOW)
    assert len(
        second_factors.confirm_enrolment(session, code=pyotp.TOTP(secret).at(NOW), **confirm)
    ) == second_factors.RECOVERY_CODES  # fmt: skip
    assert sessions.has_second_factor(session, person.id)
    with pytest.raises(SecondFactorPresent):
        second_factors.begin_enrolment(session, staff_id=person.id, keys=keys)


def test_no_code_works_twice_nor_one_before_it(session, keys, enrolled):
    person, secret, _ = enrolled
    generator = pyotp.TOTP(secret)
    with pytest.raises(SecondFactorWrong):  # The one that confirmed it.
        check(session, person, generator.at(NOW), keys, NOW)
    later = NOW + timedelta(seconds=90)
    assert check(session, person, generator.at(later), keys, later) is False
    for offset in (0, -30):
        with pytest.raises(SecondFactorWrong):
            check(session, person, generator.at(later + timedelta(seconds=offset)), keys, later)


@pytest.mark.parametrize(("seconds", "right"), [(-60, False), (-30, True), (30, True), (60, False)])
def test_a_phones_clock_may_be_half_a_minute_off(session, keys, enrolled, seconds, right):
    person, secret, _ = enrolled
    at = NOW + timedelta(minutes=10)
    code = pyotp.TOTP(secret).at(at + timedelta(seconds=seconds))
    if right:
        check(session, person, code, keys, at)
    else:
        with pytest.raises(SecondFactorWrong):
            check(session, person, code, keys, at)


def test_a_recovery_code_works_once_and_for_its_owner(session, make, keys, enrolled):
    person, _, codes = enrolled
    assert check(session, person, codes[0].upper() + " ", keys, NOW) is True
    with pytest.raises(SecondFactorWrong):
        check(session, person, codes[0], keys, NOW)
    assert second_factors.count_recovery_codes(session, staff_id=person.id) == len(codes) - 1
    with pytest.raises(SecondFactorWrong):
        check(session, make.staff(), codes[1], keys, NOW)


def test_nothing_readable_is_kept(session, keys, enrolled):
    person, secret, codes = enrolled
    kept = session.get_one(SecondFactor, person.id)
    assert secret.encode() not in kept.secret_sealed
    rows = session.query(RecoveryCode).filter(RecoveryCode.staff_id == person.id).all()
    assert len(rows) == len(codes)
    assert all(code.encode() not in row.code_digest for row in rows for code in codes)


def test_only_another_person_takes_it_off(session, make, keys, enrolled):
    person, secret, codes = enrolled
    drop = {"staff_id": person.id, "reason": "lost", "now": NOW}
    with pytest.raises(OwnAccount):
        second_factors.drop_second_factor(session, actor=make.actor(person), **drop)
    other = make.actor(make.staff())
    second_factors.drop_second_factor(session, actor=other, **drop)
    assert not sessions.has_second_factor(session, person.id)
    for typed in (pyotp.TOTP(secret).at(NOW + timedelta(minutes=5)), codes[0]):
        with pytest.raises(SecondFactorWrong):
            check(session, person, typed, keys, NOW + timedelta(minutes=5))
    with pytest.raises(SecondFactorAbsent):
        second_factors.drop_second_factor(session, actor=other, **drop)


@pytest.mark.parametrize("role", list(Role))
def test_where_it_is_required_platform_and_merchant_roles_are_asked(session, make, role):
    till = {Role.store_manager, Role.cashier}
    platform = role.name.startswith(("platform", "content", "auditor"))
    person = make.staff(
        role,
        make.store() if role in till else None,
        merchant=None if platform else make.merchant(),
    )
    asked = second_factors.is_asked_for(session, person=person, required=True)
    assert asked == (role not in till)
    assert not second_factors.is_asked_for(session, person=person, required=False)
