"""Merchants, staff and programs, as the operator sets them up."""

from __future__ import annotations

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from werkzeug.security import check_password_hash

from app.core.actor import SYSTEM, Role
from app.core.clock import utc_now
from app.models.base import OPERATOR_ID
from app.models.cards import Bearer, BonusTier, ProgramAcceptance
from app.models.people import StaffStatus
from app.models.plumbing import AuditRecord
from app.models.tenants import MerchantStatus, StoreStatus
from app.services.people import staff
from app.services.people.sessions import SignInRefused, sign_in_staff
from app.services.stored_value import programs
from app.services.stored_value.programs import ProgramRules
from app.services.tenants import merchants
from app.services.tenants.merchants import StorePlace


def test_a_merchants_code_and_a_stores_code_are_taken_once(session, make):
    merchant = make.merchant()
    with pytest.raises(merchants.MerchantCodeTaken):
        merchants.create_merchant(
            session, code=merchant.code, name="又一家", commission_bp=0, actor=SYSTEM
        )
    store = make.store(merchant)
    place = {"code": store.code, "name": "又一家", "place": StorePlace(), "actor": SYSTEM}
    with pytest.raises(merchants.StoreCodeTaken):
        merchants.add_store(session, merchant_id=merchant.id, **place)
    other, pay_point = merchants.add_store(session, merchant_id=make.merchant().id, **place)
    assert other.code == store.code
    assert len(pay_point.token) == 22


@pytest.mark.parametrize("rate", [-1, 10_001])
def test_a_commission_is_a_share(session, make, rate):
    with pytest.raises(merchants.CommissionOutOfRange):
        merchants.set_commission(
            session, merchant_id=make.merchant().id, commission_bp=rate, actor=SYSTEM
        )


def test_states_are_set_and_written_down(session, make):
    store = make.store()
    said = {"reason": "owner's wish", "actor": SYSTEM}
    merchants.set_store_status(session, store_id=store.id, status=StoreStatus.closed, **said)
    frozen = merchants.set_merchant_status(
        session, merchant_id=store.merchant_id, status=MerchantStatus.frozen, **said
    )
    session.flush()
    assert frozen.status is MerchantStatus.frozen
    actions = session.scalars(
        select(AuditRecord.action).where(AuditRecord.merchant_id == store.merchant_id)
    ).all()
    assert {"store.closed", "merchant.frozen"} <= set(actions)


@pytest.fixture
def hire(session, make):
    def add(role, *, merchant_id=None, store=None, username="", password="long-enough-2026"):
        return staff.add_staff(
            session,
            username=username or f"hire-{make.phone()}",
            password=password,
            name="小王",
            role=role,
            merchant_id=store.merchant_id if merchant_id is None else merchant_id,
            store_id=None if store is None else store.id,
            actor=SYSTEM,
        )

    return add


def test_a_role_is_at_home_where_it_belongs(make, hire):
    store = make.store()
    wrong = [
        (Role.platform_admin, store.merchant_id, None),
        (Role.merchant_admin, OPERATOR_ID, None),
        (Role.merchant_admin, None, store),
        (Role.cashier, store.merchant_id, None),
        (Role.cashier, make.merchant().id, store),
    ]
    for role, merchant_id, at in wrong:
        with pytest.raises(staff.RoleDoesNotFit):
            hire(role, merchant_id=merchant_id, store=at)


def test_a_new_cashier_can_sign_in_until_frozen(session, make, hire):
    person = hire(Role.cashier, store=make.store(), username="till-7")
    user = session.get(User, person.user_id)
    assert check_password_hash(user.password, "long-enough-2026")
    assert [role.name for role in user.roles] == ["cashier"]
    me = {"username": "till-7", "password": "long-enough-2026", "now": utc_now()}
    assert sign_in_staff(session, **me)[0].id == person.id
    with pytest.raises(staff.UsernameTaken):
        hire(Role.cashier, store=make.store(), username="till-7")
    with pytest.raises(staff.PasswordTooShort):
        hire(Role.cashier, store=make.store(), password="short")
    staff.set_staff_status(
        session, staff_id=person.id, status=StaffStatus.frozen, reason="left", actor=SYSTEM
    )
    session.flush()
    with pytest.raises(SignInRefused):
        sign_in_staff(session, **me)


def test_acceptance_is_set_as_a_whole(session, make):
    one, two, three = (make.merchant() for _ in range(3))
    program = make.program(issuer=one, accepted_by=[one, two], tiers={300_00: 60_00})
    programs.set_acceptance(
        session, program_id=program.id, accepted_by=[two.id, three.id], actor=SYSTEM
    )
    accepted = session.scalars(
        select(ProgramAcceptance.merchant_id).where(ProgramAcceptance.program_id == program.id)
    )
    assert set(accepted) == {two.id, three.id}
    tier = session.scalars(select(BonusTier).where(BonusTier.program_id == program.id)).one()
    assert (tier.threshold_fen, tier.bonus_fen) == (300_00, 60_00)


def test_what_the_operator_issues_the_operator_bears(make):
    assert make.program(bonus_bearer=Bearer.issuer).bonus_bearer is Bearer.platform


def test_a_program_has_a_code_of_its_own_and_sound_rules(session, make):
    program = make.program(issuer=make.merchant())
    said = {"issuer_id": program.merchant_id, "name": "卡", "accepted_by": [], "actor": SYSTEM}
    with pytest.raises(programs.ProgramCodeTaken):
        programs.create_program(session, code=program.code, tiers={}, rules=ProgramRules(), **said)
    for tiers, rules in (({0: 1}, ProgramRules()), ({}, ProgramRules(bonus_days=0))):
        with pytest.raises(programs.ProgramRulesInvalid):
            programs.create_program(session, code="new", tiers=tiers, rules=rules, **said)
