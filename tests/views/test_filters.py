"""Filters that look beside a column: by whose postings, by who knows whom, by a bill's day."""

from __future__ import annotations

import re
import secrets
from datetime import date

import pytest
from sqlalchemy import select

from app.core.actor import SYSTEM, Role
from app.core.clock import utc_now
from app.models.ledger import JournalEntry, Posting
from app.models.people import Staff
from app.models.reconciliations import (
    Correction,
    DifferenceKind,
    DifferenceStatus,
    Reconciliation,
    ReconciliationDifference,
    ReconciliationStatus,
)

OLD_DAY = date(2019, 3, 5)  # No other test compares bills of that year.


@pytest.fixture(scope="module")
def maker(make) -> Staff:
    return make.staff(Role.platform_finance)


@pytest.fixture(scope="module")
def reader(maker, signed_in):
    return signed_in(maker)


@pytest.fixture
def difference(database, maker):
    """One of a day long ago, for which the reader has proposed a correction."""
    number = f"P{secrets.token_hex(8)}"
    with database.unit_of_work(SYSTEM) as work:
        day = work.scalar(select(Reconciliation).where(Reconciliation.bill_on == OLD_DAY))
        if day is None:
            day = Reconciliation(
                bill_on=OLD_DAY, status=ReconciliationStatus.matched, reconciled_at=utc_now()
            )
            work.add(day)
            work.flush()
        found = ReconciliationDifference(
            reconciliation_id=day.id,
            bill_on=OLD_DAY,
            kind=DifferenceKind.missing_there,
            number=number,
            ours_fen=5_00,
            suggestion=Correction.explain,
            status=DifferenceStatus.proposed,
            correction=Correction.explain,
            note="测试",
            proposed_by_id=maker.id,
            proposed_at=utc_now(),
        )
        work.add(found)
        work.flush()
        return found.id, number


def test_differences_are_narrowed_by_the_day_of_the_bill_with_both_ends(reader, difference):
    _, number = difference
    for query, there in (
        ("from=2019-03-05&to=2019-03-05", True),
        ("from=2019-03-06", False),
        ("to=2019-03-04", False),
    ):
        page = reader.get(f"/console/differences/list/?{query}&q={number}").text
        assert (number in page.split("<tbody>")[-1] and "<tbody>" in page) == there, query
    totals = reader.get("/console/reconciliations/totals/?from=2019-03-05&to=2019-03-05").text
    assert "<strong>1</strong>" in totals


def test_a_proposal_is_taken_back_by_whoever_made_it(reader, make, signed_in, database, difference):
    pk, _ = difference
    path = f"/console/differences/{pk}/withdraw"
    other = signed_in(make.staff(Role.platform_finance))
    assert path not in other.get(f"/console/differences/show/{pk}").text
    assert path in reader.get(f"/console/differences/show/{pk}").text
    page = reader.get(path).text
    hidden = dict(
        re.findall(r'<input[^>]*name="([^"]+)"[^>]*type="hidden"[^>]*value="([^"]*)"', page)
    )
    hidden |= dict(
        re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page)
    )
    assert reader.client.post(path, data=hidden).status_code == 302
    with database.unit_of_work(SYSTEM) as work:
        kept = work.get_one(ReconciliationDifference, pk)
        assert (kept.status, kept.correction) == (DifferenceStatus.unresolved, None)


def test_entries_are_narrowed_by_whose_postings_they_have(reader, make, database):
    one, other = (
        make.card(make.member(), make.program(issuer=make.merchant()), principal_fen=1_00)
        for _ in range(2)
    )
    with database.unit_of_work(SYSTEM) as work:
        entries = {
            card.merchant_id: set(
                work.scalars(
                    select(JournalEntry.id)
                    .join(Posting, Posting.entry_id == JournalEntry.id)
                    .where(Posting.merchant_id == card.merchant_id)
                )
            )
            for card in (one, other)
        }
    for card in (one, other):
        page = reader.get(f"/console/entries/list/?merchant_id={card.merchant_id}").text
        rows = page.split("<tbody>")[1]
        assert entries[card.merchant_id]
        assert all(f'/entries/show/{pk}"' in rows for pk in entries[card.merchant_id])
        totals = reader.get(f"/console/entries/totals/?merchant_id={card.merchant_id}").text
        assert f"<strong>{len(entries[card.merchant_id])}</strong>" in totals


def test_members_are_narrowed_by_the_merchant_that_knows_them(reader, make):
    merchant = make.merchant()
    card = make.card(make.member(), make.program(issuer=merchant), principal_fen=1_00)
    make.member()
    path = f"/console/members/list/?merchant_id={merchant.id}"
    found = re.findall(r"/console/members/show/(\d+)", reader.get(path).text)
    assert {int(pk) for pk in found} == {card.member_id}
    file = reader.post(
        f"/console/members/export/?merchant_id={merchant.id}", {"format": "csv"}, form=path
    )
    assert file.status_code == 200
    assert len(file.data.decode("utf-8-sig").strip().splitlines()) == 3  # Heading, member, total.
