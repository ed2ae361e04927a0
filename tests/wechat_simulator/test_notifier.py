"""How the far end tells of payments and refunds, and how it misbehaves when asked to."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from app.core.clock import utc_now
from app.gateways.wechat.notifications import NotificationRejected
from app.services.ports import GatewayRefused, OrderState, RefundState
from app.wechat_simulator.notifier import FORGERIES
from tests.wechat_far_end import Ear, FarEnd, eventually, far_end


@pytest.fixture
def order_no() -> str:
    return uuid4().hex


def _prepay(far: FarEnd, order_no: str, *, seconds: float = 300) -> str:
    return far.pay.prepay(
        order_no=order_no,
        amount_fen=1000,
        description="卡",
        payer_openid="oPayer",
        expires_at=utc_now() + timedelta(seconds=seconds),
    )


def _scenario(far: FarEnd, order_no: str, scenario: str, **options: object) -> None:
    answer = far.post("/_scenario", order_no=order_no, scenario=scenario, **options)
    assert answer.status_code == 200


def _pay(far: FarEnd, order_no: str) -> None:
    assert far.post("/_user/pay", prepay_id=_prepay(far, order_no)).status_code == 200


def _refund(far: FarEnd, order_no: str, fen: int = 1000, refund_no: str | None = None) -> None:
    far.pay.request_refund(
        refund_no=refund_no or f"R{order_no}",
        order_no=order_no,
        refund_fen=fen,
        total_fen=1000,
        reason="",
    )


def _told(far: FarEnd, order_no: str) -> list[OrderState | RefundState]:
    return [told.state for told in far.opened() if told.order_no == order_no]


def _settled(far: FarEnd, order_no: str, count: int = 1) -> None:
    def all_done() -> bool:
        rows = far.state(order_no)["notifications"]
        return len(rows) == count and all(row["state"] != "pending" for row in rows)

    eventually(all_done)


def test_a_payment_is_told_until_it_is_heard(tmp_path: Path, order_no: str) -> None:
    with far_end(tmp_path, ear=Ear(answers=[500, 404, 302, 200])) as far:
        _pay(far, order_no)
        _settled(far, order_no)
        assert [row["attempts"] for row in far.state(order_no)["notifications"]] == [4]
        assert len({told.event_id for told in far.opened()}) == 1
        assert far.opened()[0].amount_fen == 1000


def test_it_gives_up_after_fifteen_tries(tmp_path: Path, order_no: str) -> None:
    with far_end(tmp_path, ear=Ear(answers=[500] * 99)) as far:
        _pay(far, order_no)
        _settled(far, order_no)
        assert far.state(order_no)["notifications"][0]["state"] == "given_up"
        assert len(far.ear.heard) == 15


def test_a_restart_keeps_orders_scenarios_and_what_is_still_to_be_told(
    tmp_path: Path, order_no: str
) -> None:
    with far_end(tmp_path) as far:
        _scenario(far, order_no, "late", delay_seconds=1)
        _scenario(far, order_no, "refund_abnormal")
        _pay(far, order_no)
        assert far.ear.heard == []
        url = far.ear.url
    with far_end(tmp_path) as far:
        assert far.pay.query_order(order_no).state is OrderState.SUCCESS
        assert far.state(order_no)["order"]["notify_url"] == url
        assert far.state(order_no)["notifications"][0]["state"] == "pending"
        _refund(far, order_no)
        eventually(lambda: far.pay.query_refund(f"R{order_no}").state is RefundState.ABNORMAL)


def test_a_lost_notification_leaves_only_the_query(wechat: FarEnd, order_no: str) -> None:
    _scenario(wechat, order_no, "lost")
    _pay(wechat, order_no)
    assert wechat.state(order_no)["notifications"] == []
    assert wechat.pay.query_order(order_no).state is OrderState.SUCCESS


def test_a_repeated_notification_is_one_event(wechat: FarEnd, order_no: str) -> None:
    _scenario(wechat, order_no, "repeated", times=100)
    _pay(wechat, order_no)
    _settled(wechat, order_no, 100)
    mine = [told for told in wechat.opened() if told.order_no == order_no]
    assert len(mine) == 100
    assert len({told.event_id for told in mine}) == 1


def test_out_of_order_tells_of_the_refund_first(wechat: FarEnd, order_no: str) -> None:
    _scenario(wechat, order_no, "out_of_order")
    _pay(wechat, order_no)
    _refund(wechat, order_no)
    _settled(wechat, order_no, 2)
    assert _told(wechat, order_no) == [RefundState.SUCCESS, OrderState.SUCCESS]


@pytest.mark.parametrize("forgery", sorted(FORGERIES))
def test_a_forgery_is_sent_once_and_the_gate_rejects_it(
    tmp_path: Path, order_no: str, forgery: str
) -> None:
    with far_end(tmp_path) as far:
        _prepay(far, order_no)
        answer = far.post("/_forge", order_no=order_no, scenario=forgery).json()
        assert answer == {"status": 204}
        assert far.pay.query_order(order_no).state is OrderState.NOTPAY
        if forgery == "forged_amount":  # Well signed: only our own record knows better.
            assert far.opened()[0].amount_fen == 1001
        else:
            with pytest.raises(NotificationRejected):
                far.opened()


def test_a_forgery_may_be_followed_by_the_truth(tmp_path: Path, order_no: str) -> None:
    with far_end(tmp_path, ear=Ear(answers=[400])) as far:
        _scenario(far, order_no, "forged_amount", then_genuine=True)
        _pay(far, order_no)
        _settled(far, order_no, 2)
        assert sorted({told.amount_fen for told in far.opened()}) == [1000, 1001]


def test_refunds_are_idempotent_and_never_above_the_total(wechat: FarEnd, order_no: str) -> None:
    _pay(wechat, order_no)
    _refund(wechat, order_no, 600, "A" + order_no)
    _refund(wechat, order_no, 600, "A" + order_no)
    with pytest.raises(GatewayRefused):
        _refund(wechat, order_no, 601, "A" + order_no)
    with pytest.raises(GatewayRefused):
        _refund(wechat, order_no, 401, "B" + order_no)
    _refund(wechat, order_no, 400, "B" + order_no)
    assert [row["refund_fen"] for row in wechat.state(order_no)["refunds"]] == [600, 400]


def test_a_closed_refund_frees_its_amount(wechat: FarEnd, order_no: str) -> None:
    _scenario(wechat, order_no, "refund_closed", times=1)
    _pay(wechat, order_no)
    _refund(wechat, order_no, 1000, "A" + order_no)
    eventually(lambda: wechat.pay.query_refund("A" + order_no).state is RefundState.CLOSED)
    _refund(wechat, order_no, 1000, "B" + order_no)
    eventually(lambda: wechat.pay.query_refund("B" + order_no).state is RefundState.SUCCESS)


def test_a_payment_may_cross_the_close(wechat: FarEnd, order_no: str) -> None:
    _scenario(wechat, order_no, "pay_after_close")
    prepay_id = _prepay(wechat, order_no)
    wechat.pay.close_order(order_no)
    assert wechat.post("/_user/pay", prepay_id=prepay_id).status_code == 200
    eventually(lambda: _told(wechat, order_no) == [OrderState.SUCCESS])


def test_an_expired_order_cannot_be_paid(wechat: FarEnd, order_no: str) -> None:
    prepay_id = _prepay(wechat, order_no, seconds=2)
    time.sleep(2)
    assert wechat.post("/_user/pay", prepay_id=prepay_id).status_code == 409


def test_a_failed_payment_and_a_cancelled_one_change_nothing(wechat: FarEnd, order_no: str) -> None:
    wechat.post("/_scenario", next=True, scenario="payment_failed", times=1)
    prepay_id = _prepay(wechat, order_no)
    assert wechat.post("/_user/cancel", prepay_id=prepay_id).status_code == 200
    assert wechat.post("/_user/pay", prepay_id=prepay_id).status_code == 402
    assert wechat.pay.query_order(order_no).state is OrderState.NOTPAY
    assert wechat.post("/_user/pay", prepay_id=prepay_id).status_code == 200
    assert wechat.post("/_user/pay", prepay_id=prepay_id).status_code == 409


def test_a_hanging_prepay_made_the_order(wechat: FarEnd, order_no: str) -> None:
    _scenario(wechat, order_no, "prepay_hang", delay_seconds=0.3, times=1)
    started = time.monotonic()
    prepay_id = _prepay(wechat, order_no)
    assert time.monotonic() - started > 0.3
    assert wechat.state(order_no)["order"]["prepay_id"] == prepay_id


def test_an_unknown_scenario_is_refused(wechat: FarEnd) -> None:
    assert wechat.post("/_scenario", all=True, scenario="typo").status_code == 400
