"""Days of WeChat's that are reconciled with its simulator's bills, and what differs then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core.actor import SYSTEM, Role
from app.core.clock import local_day, utc_now
from app.flows.settlement.reconciling import reconcile_day
from app.models.reconciliations import Correction
from app.services.settlement.differences import confirm_correction, propose_correction


@pytest.fixture
def today():
    return local_day(utc_now())


@pytest.fixture
def bill(world, today, monkeypatch):
    """Today's bill as of tomorrow, with what is planted in it.

    WeChat and we have one clock here: what is paid in a day's last minutes is of that day, too.
    """
    monkeypatch.setattr("app.services.settlement.bill_matching._LAG", timedelta(0))

    def reconcile(**plan):
        world.wechat.post("/_bill", day=today.isoformat(), early=True, **plan)
        return reconcile_day(world.context, today, now=utc_now() + timedelta(days=2))

    yield reconcile
    world.wechat.post("/_bill", day=today.isoformat())


@pytest.fixture
def topped_up(world):
    """Top-ups by WeChat, all paid and credited; gives their numbers."""
    shop = world.shop()

    def top_up(fen: int) -> str:
        client = world.sign_in_member()
        made = client.post(
            "/api/v1/top-ups", {"amount_fen": fen, "program_id": str(shop.program.id)}
        ).json()
        world.confirm_in_wechat(made)
        world.jobs.run_until(
            lambda: client.get(f"/api/v1/top-ups/{made['id']}").json()["status"] == "credited"
        )
        return str(made["top_up_no"])

    return top_up


@pytest.fixture
def paid(world):
    """Payments that WeChat completes, one yuan of them from the card; gives their numbers."""
    shop = world.shop()

    def pay(wechat_fen: int) -> str:
        _, client = world.rich(shop, 1_00)
        body = {"pay_point": shop.pay_point.token, "amount_fen": 1_00 + wechat_fen}
        made = client.post("/api/v1/payments", body).json()
        world.confirm_in_wechat(made)
        path = f"/api/v1/payments/{made['id']}"
        world.jobs.run_until(lambda: client.get(path).json()["status"] == "paid")
        return str(made["payment_no"])

    return pay


def differences(world, *numbers: str) -> list[tuple[object, ...]]:
    return world.rows(
        "SELECT kind, number, ours_fen, ledger_fen, wechat_fen, suggestion, status"
        " FROM reconciliation_difference WHERE number = ANY(:numbers)"
        " ORDER BY number, kind, turn",
        numbers=list(numbers),
    )


def difference_id(world, number: str, kind: str | None = None) -> int:
    """The last difference of a number, of one kind if it may have several."""
    return world.one(
        "SELECT id FROM reconciliation_difference"
        " WHERE number = :number AND coalesce(:kind, kind) = kind ORDER BY turn DESC, id LIMIT 1",
        number=number,
        kind=kind,
    )


def agree(world, found: int, correction: Correction) -> None:
    """Two people: one proposes, the other one confirms."""
    maker, checker = (world.make.actor(world.make.staff(Role.platform_finance)) for _ in "ab")
    with world.database.unit_of_work(SYSTEM) as session:
        propose_correction(session, difference_id=found, correction=correction,
                           note="查过微信", maker=maker, now=utc_now())  # fmt: skip
        confirm_correction(session, difference_id=found, checker=checker, now=utc_now())
