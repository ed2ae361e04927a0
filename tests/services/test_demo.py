"""The demo's world: made once, and codes that can be used at once."""

from __future__ import annotations

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import event, func, select
from werkzeug.security import check_password_hash

from app.core.clock import utc_now
from app.core.codes import digest, normalise
from app.core.demo import DEMO_ACCOUNTS
from app.models.base import OPERATOR_ID
from app.models.cards import BonusTier, CardProgram, ProgramAcceptance
from app.models.people import Staff
from app.models.tenants import Merchant, PayPoint, Store
from app.models.vouchers import Voucher, VoucherBatch, VoucherStatus
from app.services.demo import is_empty, make_demo_voucher_codes, seed_demo


def _seeded(session):
    seed_demo(session, password="demo-kaquan-2026")
    demo = select(Merchant).where(Merchant.code.like("merchant_"))
    return {merchant.code: merchant for merchant in session.scalars(demo)}


def test_seeding_twice_makes_one_world(session):
    merchants = _seeded(session)
    _seeded(session)
    assert set(merchants) == {"merchant1", "merchant2"}
    assert not is_empty(session)
    for merchant in merchants.values():
        stores = session.scalars(select(Store).where(Store.merchant_id == merchant.id)).all()
        points = session.scalars(select(PayPoint).where(PayPoint.merchant_id == merchant.id)).all()
        assert merchant.commission_bp == 60
        assert len(stores) >= 2
        assert all(store.hours == [] and 30 < store.lat < 31 for store in stores)
        assert {len(point.token) for point in points} == {22}


def test_the_group_program_is_accepted_by_both_merchants_and_has_no_small_bonus(session):
    merchants = _seeded(session)
    group = session.scalars(select(CardProgram).where(CardProgram.is_default)).one()
    accepted = session.scalars(
        select(ProgramAcceptance.merchant_id).where(ProgramAcceptance.program_id == group.id)
    )
    tiers = session.scalars(select(BonusTier).where(BonusTier.program_id == group.id)).all()
    assert (group.merchant_id, group.min_top_up_fen) == (OPERATOR_ID, 1)
    assert set(accepted) == {merchant.id for merchant in merchants.values()}
    assert {tier.threshold_fen: tier.bonus_fen for tier in tiers} == {300_00: 60_00, 100_00: 10_00}


def test_every_demo_account_has_its_role_and_password(session):
    merchants = _seeded(session)
    people = {person.name: person for person in session.scalars(select(Staff))}
    for account in DEMO_ACCOUNTS:
        assert people[account.username].role is account.role
    first_store = session.scalar(
        select(func.min(Store.id)).where(Store.merchant_id == merchants["merchant1"].id)
    )
    assert people["store1"].store_id == people["cashier1"].store_id == first_store
    assert people["cashier2"].merchant_id == merchants["merchant2"].id
    user = session.get(User, people["cashier1"].user_id)
    assert check_password_hash(user.password, "demo-kaquan-2026")


def test_ten_thousand_codes_are_active_sold_and_made_in_few_statements(session, keys):
    merchants = _seeded(session)
    sent = []
    event.listen(session.connection(), "before_cursor_execute", lambda *_: sent.append(1))
    codes = make_demo_voucher_codes(
        session, merchant_code="merchant1", count=10_000, face_value_fen=50_00, kind="payment",
        keys=keys, now=utc_now(),
    )  # fmt: skip
    assert len(sent) < 200, "so it takes a second or two, where one by one would take minutes"
    assert len({normalise(code) for code in codes}) == 10_000
    voucher = session.scalars(
        select(Voucher).where(Voucher.code_digest == digest(codes[4321], keys.code_keys[1]))
    ).one()
    batch = session.get(VoucherBatch, voucher.batch_id)
    assert voucher.status is VoucherStatus.active
    assert voucher.merchant_id == merchants["merchant1"].id
    assert batch.sale_price_fen == batch.face_value_fen == 50_00


def test_a_top_up_code_belongs_to_the_merchants_program_or_to_the_groups(session, keys):
    merchants = _seeded(session)
    for code, owner in (("merchant2", merchants["merchant2"].id), (None, OPERATOR_ID)):
        [one] = make_demo_voucher_codes(
            session, merchant_code=code, count=1, face_value_fen=1_00, kind="topup",
            keys=keys, now=utc_now(),
        )  # fmt: skip
        voucher = session.scalars(
            select(Voucher).where(Voucher.code_digest == digest(one, keys.code_keys[1]))
        ).one()
        program = session.get(CardProgram, session.get(VoucherBatch, voucher.batch_id).program_id)
        assert program.merchant_id == owner
