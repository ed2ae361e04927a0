"""What WeChat tells us of refunds: made, parked, closed, of another amount, or not at all."""

from __future__ import annotations

import pytest

from tests.served import Served
from tests.wechat_far_end import eventually


@pytest.fixture(autouse=True)
def _sound_books(world: Served):
    yield
    world.require_sound_books()


@pytest.fixture
def refunding(world, messenger, shop, pending):
    """A whole refund of a paid combined payment that WeChat keeps under way, and silent."""
    transaction = world.confirm_in_wechat(pending)
    told = messenger.told(pending["payment_no"], transaction, 7_00)
    messenger.post(messenger.body(told))
    world.jobs.run()
    world.wish("refund_late", order_no=pending["payment_no"], delay_seconds=3600)
    address = f"/pos/api/payments/{pending['payment_no']}/refunds"
    body = {"amount_fen": 10_00, "reason": "退货"}
    refund = shop.manager.post(address, body).json()
    assert (refund["status"], refund["card_fen"]) == ("processing", 3_00)
    world.jobs.run()
    return refund


def _tell_refund(world, messenger, refund, state, *, fen=7_00):
    told = messenger.refund_told(refund["refund_no"], refund["payment_no"], state, fen)
    answer = messenger.post(messenger.body(told, f"REFUND.{state}"))
    world.jobs.run()
    return answer.status_code


def _refunds(world, refund):
    return world.rows(
        "SELECT status, refund_no FROM refund WHERE order_no = :no ORDER BY id",
        no=refund["payment_no"],
    )


def _owed(world, pending):
    return world.booked(payment_id=int(pending["id"])).get("refunds:wechat", 0)


def test_a_refund_that_wechat_has_made_is_booked_once(world, messenger, pending, refunding):
    assert _owed(world, pending) == -7_00
    for _ in range(3):
        assert _tell_refund(world, messenger, refunding, "SUCCESS") == 204
    assert [state for state, _ in _refunds(world, refunding)] == ["succeeded"]
    assert _owed(world, pending) == 0
    assert world.booked(payment_id=int(pending["id"])) == {}


def test_an_abnormal_refund_is_parked_and_may_still_succeed(world, messenger, pending, refunding):
    _tell_refund(world, messenger, refunding, "ABNORMAL")
    assert [state for state, _ in _refunds(world, refunding)] == ["abnormal"]
    assert _owed(world, pending) == -7_00
    _tell_refund(world, messenger, refunding, "SUCCESS")
    assert [state for state, _ in _refunds(world, refunding)] == ["succeeded"]
    assert _owed(world, pending) == 0


def test_a_closed_refund_is_asked_for_again_under_a_new_number(world, shop, messenger, pending):
    transaction = world.confirm_in_wechat(pending)
    told = messenger.told(pending["payment_no"], transaction, 7_00)
    messenger.post(messenger.body(told))
    world.jobs.run()
    world.wish("refund_closed", order_no=pending["payment_no"], times=1)
    address = f"/pos/api/payments/{pending['payment_no']}/refunds"
    refund = shop.manager.post(address, {"amount_fen": 10_00, "reason": "退货"}).json()

    def states():
        return [state for state, _ in _refunds(world, refund)]

    world.jobs.run_until(lambda: states() == ["closed", "succeeded"])
    numbers = {no for _, no in _refunds(world, refund)}
    assert len(numbers) == 2
    at_wechat = world.wechat.state(pending["payment_no"])["refunds"]
    assert {one["refund_no"] for one in at_wechat} == numbers
    assert world.booked(payment_id=int(pending["id"])) == {}


def test_a_refund_of_another_amount_or_of_nobody_books_nothing(
    world, messenger, pending, refunding
):
    _tell_refund(world, messenger, refunding, "SUCCESS", fen=6_00)
    assert _owed(world, pending) == -7_00
    unknown = {**refunding, "refund_no": "F0000000000000001"}
    assert _tell_refund(world, messenger, unknown, "SUCCESS") == 204
    other_order = {**refunding, "payment_no": "P0000000000000001"}
    _tell_refund(world, messenger, other_order, "SUCCESS")
    assert _owed(world, pending) == -7_00


def test_a_refund_that_nobody_told_us_of_is_asked_about(world, shop, messenger, pending):
    transaction = world.confirm_in_wechat(pending)
    told = messenger.told(pending["payment_no"], transaction, 7_00)
    messenger.post(messenger.body(told))
    world.jobs.run()
    world.wish("refund_lost", order_no=pending["payment_no"])
    address = f"/pos/api/payments/{pending['payment_no']}/refunds"
    refund = shop.manager.post(address, {"amount_fen": 10_00, "reason": "退货"}).json()
    world.jobs.run()

    def done():
        return world.wechat.state(pending["payment_no"])["refunds"][0]["state"] == "SUCCESS"

    eventually(done)
    world.by_superuser(
        "UPDATE refund SET created_at = created_at - interval '1 minute' WHERE id = %s",
        int(refund["id"]),
    )
    world.jobs.run_task("settle_refunds")
    assert [state for state, _ in _refunds(world, refund)] == ["succeeded"]
