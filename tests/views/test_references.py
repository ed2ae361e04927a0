"""Journal entries are called by the records that they are about, and lead to them."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import g
from sqlalchemy import select

from app.core.actor import SYSTEM, Role
from app.core.clock import utc_now
from app.models.ledger import JournalEntry
from app.models.reconciliations import Reconciliation, ReconciliationStatus
from app.services.settlement.banking import book_wechat_fee, book_wechat_transfer
from app.views.references import tell_references

_KINDS = re.compile(r'reference=f"([a-z-]+):')
# Written by a service of this name and never by one of the ledger's events.
_NO_ENTRIES = {"print-file"}


@pytest.fixture(scope="module")
def finance(make, signed_in):
    return signed_in(make.staff(Role.platform_finance))


@pytest.fixture
def fee_day(database):
    """A day of long ago, of which WeChat's fee and transfer are booked."""
    with database.unit_of_work(SYSTEM) as session:
        oldest = session.scalar(select(Reconciliation.bill_on).order_by(Reconciliation.bill_on))
        day = min(oldest or date(2024, 5, 1), date(2024, 5, 1)) - timedelta(days=1)
        found = Reconciliation(
            bill_on=day, status=ReconciliationStatus.matched, reconciled_at=utc_now()
        )
        session.add(found)
        book_wechat_fee(session, bill_on=day, fee_fen=1_23, actor=SYSTEM, now=utc_now())
        transfer = {"transfer_no": f"W{day:%Y%m%d}", "amount_fen": 5_00}
        book_wechat_transfer(session, actor=SYSTEM, now=utc_now(), **transfer)
        session.flush()
        return day, found.id


def test_a_fee_is_called_by_its_day_and_leads_to_that_days_reconciliation(finance, fee_day):
    day, pk = fee_day
    listed = finance.get(f"/console/entries/list/?q=wechat-fee:{day}").text
    link = f'<a href="/console/reconciliations/show/{pk}">微信手续费 {day}</a>'
    assert link in listed
    assert f"wechat-fee:{day}</" not in listed
    told = finance.get(f"/console/entries/list/?q=wechat-transfer:W{day:%Y%m%d}").text
    assert f"微信划款 W{day:%Y%m%d}" in told


def test_an_entrys_own_page_says_what_the_search_finds(finance, fee_day, database):
    day, _ = fee_day
    with database.unit_of_work(SYSTEM) as session:
        entry_id = session.scalar(
            select(JournalEntry.id).where(JournalEntry.reference == f"wechat-fee:{day}")
        )
    page = finance.get(f"/console/entries/show/{entry_id}").text
    assert f">微信手续费 {day}</a>" in page
    assert f"wechat-fee:{day}" in page


def test_every_reference_that_is_written_can_be_told(app, make, database):
    """The sources name them; none may stay raw, nor break the list."""
    named = {
        kind
        for path in Path(app.root_path).rglob("*.py")
        for kind in _KINDS.findall(path.read_text(encoding="utf-8"))
    } - _NO_ENTRIES
    named |= {"top-up", "payment", "redemption", "lot", "wechat-fee", "wechat-transfer"}
    assert len(named) > 12
    staff = make.staff(Role.platform_finance)
    with app.test_request_context(), database.unit_of_work(SYSTEM) as session:
        g.actor = make.actor(staff)
        told = tell_references(
            session, [f"{kind}:{number}:x" for kind in named for number in ("7", "x'y")]
        )
    assert {one.partition(":")[0] for one in told} == named


def test_a_vouchers_entry_leads_to_the_voucher(finance, make):
    batch = make.batch(issuer=make.merchant(), quantity=1, face_value_fen=10_00)
    make.vouchers(batch)
    listed = finance.get("/console/entries/list/?q=voucher:").text
    assert re.search(r'<a href="/console/vouchers/show/\d+">纸质券 [0-9A-Z-]+</a>', listed)
