"""The list of shifts: what a drawer was short of or had too much, also in the file and the sum."""

from __future__ import annotations

import csv
import io

import pytest

from app.core.actor import SYSTEM, Role
from app.core.clock import utc_now
from app.models.tenants import Shift, ShiftStatus


@pytest.fixture
def manager(make, signed_in, database):
    """A manager whose store has had two shifts, 3.50 short and 1.00 over, and has one open."""
    store = make.store()
    cashier = make.staff(Role.cashier, store)
    with database.unit_of_work(SYSTEM) as session:
        for counted_fen in (196_50, 201_00, None):
            counted = counted_fen is not None
            session.add(
                Shift(
                    merchant_id=store.merchant_id, store_id=store.id, staff_id=cashier.id,
                    drawer=f"p{cashier.id}", opening_float_fen=100_00, counted_fen=counted_fen,
                    status=ShiftStatus.counted if counted else ShiftStatus.open,
                    expected_fen=200_00 if counted else None, opened_at=utc_now(),
                    closed_at=utc_now() if counted else None,
                )
            )  # fmt: skip
    return signed_in(make.staff(Role.store_manager, store))


def test_a_difference_stands_in_list_sum_and_file(manager):
    page = manager.get("/console/shifts/list/").text
    for shown in (">-3.50<", ">1.00<"):
        assert shown in page
    sums = manager.get("/console/shifts/totals/").text
    assert "差异" in sums
    assert "-¥2.50<" in sums
    answer = manager.post(
        "/console/shifts/export/", {"format": "csv"}, form="/console/shifts/list/"
    )
    headings, *rows = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))
    place = headings.index("差异")
    assert sorted(row[place] for row in rows) == ["", "-2.50", "-3.50", "1.00"]
