"""WeChat's bills, payouts, and the balances that are kept."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.exc import IntegrityError

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.queries.trial_balance import trial_balance
from app.services.settlement.banking import book_wechat_fee, book_wechat_transfer
from app.services.settlement.payouts import pay_statement
from app.services.snapshots import read_watermark, take_balance_snapshots
from tests.books import postings_of


def test_wechats_fee_is_booked_once_a_day(session):
    bill = {"bill_on": date(2031, 1, 1), "fee_fen": 37, "actor": SYSTEM, "now": utc_now()}
    book_wechat_fee(session, **bill)
    assert postings_of(session, "wechat-fee:2031-01-01") == [
        ("bank:wechat", 1, -37),
        ("expense:wechat-fee", 1, 37),
    ]
    with pytest.raises(IntegrityError), session.begin_nested():
        book_wechat_fee(session, **bill)


def test_a_fee_that_comes_back_with_a_days_refunds_is_booked_the_other_way(session):
    book_wechat_fee(session, bill_on=date(2031, 1, 2), fee_fen=-18, actor=SYSTEM, now=utc_now())
    assert postings_of(session, "wechat-fee:2031-01-02") == [
        ("bank:wechat", 1, 18),
        ("expense:wechat-fee", 1, -18),
    ]


def test_wechats_transfer_reaches_our_bank(session):
    book_wechat_transfer(
        session, transfer_no="W2031", amount_fen=5_000, actor=SYSTEM, now=utc_now()
    )
    assert postings_of(session, "wechat-transfer:W2031") == [
        ("bank:payout", 1, 5_000),
        ("bank:wechat", 1, -5_000),
    ]


def test_a_statement_is_paid_by_transfer_and_by_the_cash_its_stores_kept(session, make):
    merchant = make.merchant()
    one, two = make.store(merchant), make.store(merchant)
    pay_statement(
        session, statement_no="S-2031-1", merchant_id=merchant.id, payout_fen=700,
        cash_kept_fen={one.id: 200, two.id: 100}, actor=SYSTEM, now=utc_now(),
    )  # fmt: skip
    assert postings_of(session, "statement:S-2031-1:paid") == sorted(
        [
            ("payable:merchant", merchant.id, 1_000),
            ("bank:payout", 1, -700),
            ("cash:store", merchant.id, -200),
            ("cash:store", merchant.id, -100),
        ]
    )


def test_the_trial_balance_is_the_same_before_and_after_snapshots(database, make):
    def balances():
        with database.unit_of_work(SYSTEM) as session:
            found = trial_balance(session)
        return {(b.account, b.merchant_id, b.store_id): b.balance_fen for b in found}

    def snapshot():
        with database.unit_of_work(SYSTEM) as session:
            watermark = read_watermark(session)
        with database.unit_of_work(SYSTEM) as session:
            return take_balance_snapshots(session, watermark=watermark, now=utc_now())

    program = make.program(issuer=make.merchant())
    make.card(make.member(), program, principal_fen=70_00, bonus_fen=7_00)
    before = balances()
    assert before["card", program.merchant_id, None] == -77_00
    assert sum(before.values()) == 0
    assert snapshot() > 0
    assert balances() == before
    assert snapshot() == 0
    make.card(make.member(), program, principal_fen=1_00)
    assert balances()["card", program.merchant_id, None] == -78_00
    assert snapshot() > 0
    assert balances()["card", program.merchant_id, None] == -78_00
