"""Paper: what each event in a voucher's life books, and who may cause it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.actor import SYSTEM, Actor, Role, Scope
from app.core.clock import local_day, utc_now
from app.core.keys import token_digest
from app.core.serials import is_serial
from app.models.cards import Bearer
from app.models.voucher_records import VoucherEvent, VoucherEventKind
from app.models.vouchers import BatchKind, Voucher, VoucherStatus
from app.queries.vouchers.batch_reports import report_batch
from app.queries.vouchers.voucher_stories import tell_story
from app.services.two_people import SecondPersonRequired
from app.services.vouchers import batches, voucher_endings, voucher_holdings, voucher_sales
from app.services.vouchers.redemptions import REDEEM, read_code, redeem_top_up_code
from app.services.vouchers.voucher_events import SerialRange
from app.services.vouchers.voucher_sales import SaleSettlement
from tests.books import balance_fen, count_vouchers, latest, postings_of

F, S = 100_00, 90_00


@pytest.fixture
def issuer(make):
    return make.merchant(commission_bp=100)


@pytest.fixture(params=[Bearer.platform, Bearer.issuer], ids=lambda bearer: bearer.name)
def bearer(request):
    return request.param


@pytest.fixture
def batch(make, issuer, bearer):
    """Ten vouchers of 100 yuan, sold for 90."""
    return make.batch(issuer=issuer, face_value_fen=F, sale_price_fen=S, bearer=bearer)


def _promotion(batch, amount_fen):
    if batch.bearer is Bearer.platform:
        return ("expense:promotion", 1, amount_fen)
    return ("bonus-borne:merchant", batch.merchant_id, amount_fen)


def _serials(session, batch):
    return session.scalars(
        select(Voucher.serial_no).where(Voucher.batch_id == batch.id).order_by(Voucher.id)
    ).all()


def test_activating_books_what_was_sold_and_what_is_promotion(session, make, batch):
    make.vouchers(batch)
    reference = latest(session, "vouchers_activated", batch_id=batch.id)
    assert postings_of(session, reference) == sorted(
        [
            ("receivable:voucher-sales", batch.merchant_id, 10 * S),
            _promotion(batch, 10 * (F - S)),
            ("voucher", batch.merchant_id, -10 * F),
        ]
    )


def test_a_range_is_activated_once(session, make, issuer):
    batch = make.batch(issuer=issuer, days_from_activation=30)
    make.vouchers(batch, activate=False)
    serials = _serials(session, batch)
    now = utc_now()
    some = SerialRange(first=serials[2], last=serials[4])
    assert _activate(session, batch, some, now) == 3
    with pytest.raises(voucher_sales.NoVouchersToChange):
        _activate(session, batch, some, now)
    assert _activate(session, batch, None, now) == 7
    last_days = session.scalars(select(Voucher.expires_on).where(Voucher.batch_id == batch.id))
    assert set(last_days) == {local_day(now) + timedelta(days=30)}


def _activate(session, batch, serials, now):
    return voucher_sales.activate_vouchers(
        session, batch_id=batch.id, serials=serials, actor=SYSTEM, now=now
    )


def test_a_mistyped_serial_touches_nothing(session, make, issuer):
    batch = make.batch(issuer=issuer)
    make.vouchers(batch, activate=False)
    serials = _serials(session, batch)
    assert all(map(is_serial, serials))
    wrong = serials[4][:-1] + str((int(serials[4][-1]) + 1) % 10)
    with pytest.raises(voucher_holdings.SerialMistyped):
        _activate(session, batch, SerialRange(first=serials[0], last=wrong), utc_now())


@pytest.mark.parametrize("by", SaleSettlement)
def test_sales_are_paid_in_or_netted(session, make, issuer, by):
    batch = make.batch(issuer=issuer, face_value_fen=F, sale_price_fen=S)
    make.vouchers(batch)
    voucher_sales.settle_voucher_sales(
        session, batch_id=batch.id, settlement_no=f"{batch.id}-1", amount_fen=10 * S, by=by,
        actor=SYSTEM, now=utc_now(),
    )  # fmt: skip
    payer = issuer.id if by is SaleSettlement.netted else 1
    assert postings_of(session, f"voucher-settlement:{batch.id}-1") == sorted(
        [(by.value, payer, 10 * S), ("receivable:voucher-sales", issuer.id, -10 * S)]
    )
    assert balance_fen(session, "receivable:voucher-sales", batch_id=batch.id) == 0


def test_redeeming_pays_the_store_in_full_and_charges_who_bears(session, make, batch, issuer, keys):
    store = make.store(issuer)
    cashier = make.staff(Role.cashier, store)
    code, *_ = make.vouchers(batch)
    verdict, status, _, _ = make.database.call(
        REDEEM,
        (
            token_digest(make.staff_token(cashier)),
            "k1",
            b"h",
            keys.code_digests(read_code(code)),
        ),
    )
    assert (verdict, status) == ("redeemed", 201)
    reference = latest(session, "redemption", batch_id=batch.id)
    expected = [
        ("voucher", issuer.id, F),
        ("payable:merchant", issuer.id, -F + 100),
        ("income:commission", 1, -100),
    ]
    if batch.bearer is Bearer.issuer:
        expected += [
            ("payable:merchant", issuer.id, F - S),
            ("bonus-borne:merchant", issuer.id, S - F),
        ]
    assert postings_of(session, reference) == sorted(expected)


def test_a_top_up_code_is_principal_as_far_as_it_was_sold(session, make, issuer, bearer, keys):
    program = make.program(issuer=issuer)
    batch = make.batch(
        issuer=issuer, kind=BatchKind.topup, face_value_fen=F, sale_price_fen=S, bearer=bearer,
        program=program,
    )  # fmt: skip
    code, *_ = make.vouchers(batch)
    member = make.member()
    top_up = redeem_top_up_code(
        session, code=read_code(code), member=Actor(scope=Scope.member, member_id=member.id),
        keys=keys, now=utc_now(),
    )  # fmt: skip
    assert postings_of(session, f"top-up:{top_up.id}:credited") == [
        ("card", issuer.id, -S),
        ("card", issuer.id, S - F),
        ("voucher", issuer.id, F),
    ]


def test_voiding_owes_the_price_again_and_relieves_the_bearer(session, make, batch):
    make.vouchers(batch)
    count = voucher_endings.void_vouchers(
        session, batch_id=batch.id, serials=None, reason="misprinted", actor=SYSTEM, now=utc_now()
    )
    assert count == 10
    reference = latest(session, "vouchers_voided", batch_id=batch.id)
    assert postings_of(session, reference) == sorted(
        [
            ("voucher", batch.merchant_id, 10 * F),
            ("receivable:voucher-sales", batch.merchant_id, -10 * S),
            _promotion(batch, 10 * (S - F)),
        ]
    )


def test_vouchers_that_were_never_activated_are_voided_without_an_entry(session, make, issuer):
    batch = make.batch(issuer=issuer)
    make.vouchers(batch, activate=False)
    voucher_endings.void_vouchers(
        session, batch_id=batch.id, serials=None, reason="lost", actor=SYSTEM, now=utc_now()
    )
    assert count_vouchers(session, batch.id) == {"voided": 10}
    assert balance_fen(session, "voucher", batch_id=batch.id) == 0


def test_expiry_keeps_the_sold_part_and_relieves_the_bearer(session, make, issuer, bearer):
    now = utc_now()
    batch = make.batch(
        issuer=issuer, face_value_fen=F, sale_price_fen=S, bearer=bearer, days_from_activation=3
    )
    make.vouchers(batch, now=now)
    voucher_endings.expire_vouchers(session, now=now + timedelta(days=3))
    assert count_vouchers(session, batch.id) == {"active": 10}
    assert voucher_endings.expire_vouchers(session, now=now + timedelta(days=5)) >= 10
    reference = latest(session, "vouchers_expired", batch_id=batch.id)
    assert postings_of(session, reference) == sorted(
        [
            ("voucher", issuer.id, 10 * F),
            ("income:breakage", 1, -10 * S),
            _promotion(batch, 10 * (S - F)),
        ]
    )


def test_a_frozen_voucher_waits_until_somebody_has_decided(session, make, issuer):
    batch = make.batch(issuer=issuer, days_from_activation=1)
    make.vouchers(batch)
    frozen = {"batch_id": batch.id, "serials": None, "actor": SYSTEM}
    assert voucher_endings.freeze_vouchers(session, reason="stolen", **frozen) == 10
    later = utc_now() + timedelta(days=9)
    voucher_endings.expire_vouchers(session, now=later)
    assert count_vouchers(session, batch.id) == {"active": 10}
    assert voucher_endings.unfreeze_vouchers(session, reason="found", **frozen) == 10
    voucher_endings.expire_vouchers(session, now=later)
    assert count_vouchers(session, batch.id) == {"expired": 10}


def test_expiry_stands_in_the_stories_of_what_has_run_out_and_in_no_other(session, make, issuer):
    now = utc_now()
    batch = make.batch(issuer=issuer, days_from_activation=3)
    make.vouchers(batch, now=now)
    papers = session.scalars(
        select(Voucher).where(Voucher.batch_id == batch.id).order_by(Voucher.serial_no)
    ).all()
    papers[4].expires_on += timedelta(days=7)  # Sold later than its neighbours.
    session.flush()
    one = {
        "batch_id": batch.id, "reason": "x", "actor": SYSTEM,
        "serials": SerialRange(first=papers[5].serial_no, last=papers[5].serial_no),
    }  # fmt: skip
    voucher_endings.freeze_vouchers(session, **one)

    def told(paper):
        session.refresh(paper)
        story = tell_story(session, voucher=paper)
        return [line.occurred_at for line in story if line.kind == "expired"]

    first, second, third = (now + timedelta(days=days) for days in (5, 12, 20))
    voucher_endings.expire_vouchers(session, now=first)
    assert [told(paper) for paper in papers] == [[first]] * 4 + [[], []] + [[first]] * 4
    voucher_endings.expire_vouchers(session, now=second)
    assert told(papers[4]) == [second]
    assert told(papers[0]) == [first]
    voucher_endings.unfreeze_vouchers(session, **one)
    voucher_endings.expire_vouchers(session, now=third)
    assert told(papers[5]) == [third]
    event = session.scalars(
        select(VoucherEvent)
        .where(VoucherEvent.batch_id == batch.id, VoucherEvent.kind == VoucherEventKind.expired)
        .order_by(VoucherEvent.id)
    ).first()
    assert (event.quantity, event.amount_fen) == (8, 8 * batch.face_value_fen)
    report = report_batch(session, batch=batch)
    assert (report.expired.count, report.expired.fen) == (10, 10 * batch.face_value_fen)
    assert report.booked_fen == report.active.fen == 0


def test_whoever_made_a_batch_does_not_approve_it(session, make, issuer):
    maker = make.actor(make.staff())
    batch = batches.create_batch(
        session,
        issuer_id=issuer.id,
        name="春节券",
        terms=batches.BatchTerms(
            kind=BatchKind.payment, face_value_fen=F, sale_price_fen=F, quantity=1
        ),
        accepted_by=[batches.Acceptance(merchant_id=issuer.id)],
        maker=maker,
        now=utc_now(),
    )
    for nobody_else in (maker, SYSTEM):
        with pytest.raises(SecondPersonRequired):
            batches.approve_batch(session, batch_id=batch.id, approver=nobody_else)
    batches.approve_batch(session, batch_id=batch.id, approver=make.actor(make.staff()))
    with pytest.raises(batches.BatchStateConflict):
        batches.approve_batch(session, batch_id=batch.id, approver=make.actor(make.staff()))


def test_only_digests_of_codes_are_kept(session, make, issuer, keys):
    batch = make.batch(issuer=issuer)
    codes = make.vouchers(batch)
    kept = session.scalars(
        select(Voucher).where(Voucher.batch_id == batch.id).order_by(Voucher.serial_no)
    ).all()
    assert [voucher.code_digest for voucher in kept] == [keys.code_digests(c)[0] for c in codes]
    assert [voucher.code_last4 for voucher in kept] == [code[-4:] for code in codes]
    assert {voucher.status for voucher in kept} == {VoucherStatus.active}


@pytest.mark.parametrize(
    "changed",
    [{"face_value_fen": 0}, {"sale_price_fen": 2}, {"quantity": 0}, {"days_from_activation": 0}],
)
def test_terms_that_make_no_sense_are_refused(session, issuer, changed):
    terms = {"kind": BatchKind.payment, "face_value_fen": 1, "sale_price_fen": 1, "quantity": 1}
    with pytest.raises(batches.BatchInvalid):
        batches.create_batch(
            session, issuer_id=issuer.id, name="x", terms=batches.BatchTerms(**terms | changed),
            maker=SYSTEM, now=utc_now(),
        )  # fmt: skip


def test_top_up_codes_need_a_program_of_their_issuer(session, make, issuer):
    other = make.program(issuer=make.merchant())
    for program_id in (None, other.id):
        terms = batches.BatchTerms(
            kind=BatchKind.topup, face_value_fen=1, sale_price_fen=1, quantity=1,
            program_id=program_id,
        )  # fmt: skip
        with pytest.raises(batches.BatchProgramInvalid):
            batches.create_batch(
                session, issuer_id=issuer.id, name="x", terms=terms, maker=SYSTEM, now=utc_now()
            )
